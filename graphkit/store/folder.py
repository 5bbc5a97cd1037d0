"""A snapshot as a folder: a Parquet file for each table, and the manifest, written last."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from graphkit.errors import StoreError
from graphkit.snapshot import STORED_TABLES, Snapshot, sha256
from graphkit.store.durable import rename, sync_folder, write_file
from graphkit.store.names import MANIFEST, STAGING, table_file
from graphkit.store.sealed import read_sealed, seal


def write_snapshot(snapshot: Snapshot, parent: Path) -> None:
    """Write a snapshot as a new folder of ``parent``: staged beside its place, on the disk, then renamed.

    Raises
    ------
    StoreError
        If it cannot be written, as when the disk is full; the staged files are removed then.
    """
    staged = parent / f"{STAGING}{snapshot.id}"
    try:
        staged.mkdir()
        for name in STORED_TABLES:
            write_file(staged / table_file(name), _checked_bytes(snapshot, name))
        write_file(staged / MANIFEST, seal(snapshot.manifest))
        sync_folder(staged)
        rename(staged, parent / snapshot.id)
    except OSError as error:
        shutil.rmtree(staged, ignore_errors=True)
        raise StoreError(
            f"{error.filename or staged}: snapshot {snapshot.id} cannot be written: {error.strerror}; "
            "the store is as it was before"
        ) from error
    except BaseException:
        shutil.rmtree(staged, ignore_errors=True)
        raise


def read_snapshot(folder: Path) -> Snapshot:
    """Open the snapshot in a folder; its tables are read on demand.

    Raises
    ------
    StoreError
        If the manifest is missing, damaged, of an unknown format or another snapshot's.
    """
    manifest = read_sealed(folder / MANIFEST)
    if manifest.get("id") != folder.name:
        raise StoreError(f"{folder / MANIFEST}: belongs to snapshot {manifest.get('id')}, not to {folder.name}")
    return Snapshot(manifest, partial(_read_table, folder))


def tables_of(manifest: Mapping[str, Any]) -> dict[str, str]:
    """The checksum that a manifest names for each of its files."""
    return {table_file(name): table["sha256"] for name, table in manifest["content"]["tables"].items()}


def remove_staged(parent: Path) -> None:
    """Remove what killed writers left; only for who holds the lock."""
    for leftover in parent.glob(f"{STAGING}*"):
        shutil.rmtree(leftover)


def _checked_bytes(snapshot: Snapshot, name: str) -> bytes:
    data = snapshot.read_bytes(name)
    if sha256(data) != snapshot.content["tables"][name]["sha256"]:
        raise StoreError(f"snapshot {snapshot.id}: the bytes of {name} are not those that its manifest names")
    return data


def _read_table(folder: Path, name: str) -> bytes:
    path = folder / table_file(name)
    try:
        return path.read_bytes()
    except OSError as error:
        raise StoreError(f"{path}: cannot be read: {error.strerror}") from error
