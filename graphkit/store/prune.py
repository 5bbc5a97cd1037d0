"""Removing old snapshots, but none that a review or a lineage needs."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from graphkit.errors import StoreError, UsageError
from graphkit.store.durable import rename, sync_folder
from graphkit.store.folder import read_snapshot
from graphkit.store.lines import hold_lines
from graphkit.store.names import MANIFEST, SNAPSHOTS, STAGING
from graphkit.store.remote import Place, RemotePath
from graphkit.store.reviews import read_reviews
from graphkit.store.store import Store, open_store


@dataclass(frozen=True)
class Pruning:
    """What a pruning removed, and what it kept although it is old."""

    removed: tuple[str, ...]
    """Ids of snapshots, oldest first."""
    kept_for_reviews: tuple[str, ...]
    """Older ones that a review looked at: their members are those that its verdict covers."""
    kept_for_lineage: tuple[str, ...]
    """Older ones that one of the newest follows: without it that one could not be made again with the same ids."""


def prune_store(store: Store | str | Path, *, keep: int, wait: float = 0.0, dry_run: bool = False) -> Pruning:
    """Remove all but the newest snapshots, those that reviews looked at, and the parents of the newest.

    What later snapshots must know of earlier ones, they carry: ids, histories and verdicts stay as they are.

    Parameters
    ----------
    keep
        How many of the newest stay.
    wait
        Seconds to wait while another process writes to the store.
    dry_run
        Only tell what would be removed.

    Raises
    ------
    UsageError
        If ``keep`` is less than one.
    StoreError
        If a snapshot is damaged or cannot be removed; what is not removed stays whole.
    """
    if keep < 1:
        raise UsageError(f"keep: got {keep}; allowed: a whole number from 1")
    opened = store if isinstance(store, Store) else open_store(store)
    with opened.lock(timeout=wait), hold_lines(opened.path):
        folder = opened.path / SNAPSHOTS
        ids = opened.list()["snapshot_id"].tolist()
        newest, old = ids[-keep:], ids[:-keep]
        reviewed = {each.snapshot_id for each in read_reviews(opened.path)}
        parents = {read_snapshot(folder / name).content.get("parent") for name in newest}
        removed = [name for name in old if name not in reviewed | parents]
        for name in [] if dry_run else removed:
            _remove(folder, name)
    return Pruning(
        removed=tuple(removed),
        kept_for_reviews=tuple(name for name in old if name in reviewed),
        kept_for_lineage=tuple(name for name in old if name in parents - reviewed),
    )


def _remove(folder: Place, name: str) -> None:
    """Remove a snapshot: out of the readers' sight in one step, then file by file."""
    try:
        if isinstance(folder, RemotePath):
            (folder / name / MANIFEST).unlink()
            for file in (folder / name).find():
                (folder / name / file).unlink(missing_ok=True)
            return
        staged = folder / f"{STAGING}removed-{name}"
        rename(folder / name, staged)
        shutil.rmtree(staged)
        sync_folder(folder)
    except OSError as error:
        raise StoreError(f"{error.filename or folder / name}: cannot be removed: {error.strerror}") from error
