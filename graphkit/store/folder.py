"""A snapshot as a folder: a Parquet file for each table, and the manifest, written last."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from graphkit.errors import StoreError, StoreLockedError
from graphkit.snapshot import STORED_TABLES, Snapshot, sha256
from graphkit.store.durable import rename, sync_folder, write_file
from graphkit.store.names import MANIFEST, STAGING, table_file
from graphkit.store.remote import Place, RemotePath
from graphkit.store.sealed import read_sealed, seal

_WRITERS = 8


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
        with ThreadPoolExecutor(_WRITERS) as writers:  # disks are quicker with several files at a time
            list(writers.map(lambda name: _write_table(snapshot, name, staged), STORED_TABLES))
        write_file(staged / MANIFEST, seal(snapshot.manifest))
        sync_folder(staged)
        rename(staged, parent / snapshot.id)
    except OSError as error:
        shutil.rmtree(staged, ignore_errors=True)
        raise _unwritten(snapshot, staged, error) from error
    except BaseException:
        shutil.rmtree(staged, ignore_errors=True)
        raise


def upload_snapshot(snapshot: Snapshot, parent: RemotePath, *, confirm: Callable[[], None]) -> None:
    """Put a snapshot into an object store, which cannot rename: the tables, then the manifest that makes it one.

    Parameters
    ----------
    confirm
        Raises if this writer must not publish any more; called before the manifest is put.

    Raises
    ------
    StoreError
        If it cannot be written; what was put is removed then, or by the next writer.
    """
    folder = parent / snapshot.id
    try:
        for name in STORED_TABLES:
            (folder / table_file(name)).write_bytes(_checked_bytes(snapshot, name))
        confirm()
        (folder / MANIFEST).create(seal(snapshot.manifest))
        _require_whole(folder)
    except FileExistsError:
        return  # the same snapshot: its name is made of what is in it
    except StoreLockedError:
        raise  # what is there may be another writer's by now
    except OSError as error:
        _remove_unfinished(folder)
        raise _unwritten(snapshot, folder, error) from error
    except BaseException:
        _remove_unfinished(folder)
        raise


def read_snapshot(folder: Place) -> Snapshot:
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


def remove_staged(parent: Place) -> None:
    """Remove what killed writers left; only for who holds the lock."""
    if isinstance(parent, RemotePath):
        names = parent.find()
        finished = {name.rpartition("/")[0] for name in names if name.endswith(f"/{MANIFEST}")}
        for name in names:
            if name.rpartition("/")[0] not in finished:
                (parent / name).unlink(missing_ok=True)
        return
    for leftover in parent.glob(f"{STAGING}*"):
        shutil.rmtree(leftover)


def _require_whole(folder: RemotePath) -> None:
    """Take the manifest away again if a writer that took over, while this one slept, removed tables."""
    if missing := {table_file(name) for name in STORED_TABLES} - {*folder.find()}:
        (folder / MANIFEST).unlink(missing_ok=True)
        raise StoreLockedError(f"{folder}: another writer removed {min(missing)}; nothing was published: refresh again")


def _remove_unfinished(folder: RemotePath) -> None:
    """Remove what was put of a snapshot without a manifest, as far as the object store lets it."""
    with suppress(OSError):  # it may be away just now; the next writer removes the rest
        names = folder.find()
        for name in [] if MANIFEST in names else names:
            (folder / name).unlink(missing_ok=True)


def _unwritten(snapshot: Snapshot, place: Place, error: OSError) -> StoreError:
    return StoreError(
        f"{error.filename or place}: snapshot {snapshot.id} cannot be written: {error.strerror}; "
        "the store is as it was before"
    )


def _checked_bytes(snapshot: Snapshot, name: str) -> bytes:
    data = snapshot.read_bytes(name)
    if sha256(data) != snapshot.content["tables"][name]["sha256"]:
        raise StoreError(f"snapshot {snapshot.id}: the bytes of {name} are not those that its manifest names")
    return data


def _write_table(snapshot: Snapshot, name: str, folder: Path) -> None:
    write_file(folder / table_file(name), _checked_bytes(snapshot, name))


def _read_table(folder: Place, name: str) -> bytes:
    path = folder / table_file(name)
    try:
        return path.read_bytes()
    except OSError as error:
        raise StoreError(f"{path}: cannot be read: {error.strerror}") from error
