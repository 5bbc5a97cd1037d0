"""A folder of snapshots, here or in an object store: any number of readers, one writer at a time, one key."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphkit.errors import StoreError
from graphkit.privacy import KEY_VARIABLE, key_fingerprint, load_key
from graphkit.snapshot import Snapshot
from graphkit.store.create import create_store, is_store, read_own_key
from graphkit.store.folder import read_snapshot, remove_staged, upload_snapshot, write_snapshot
from graphkit.store.lease import confirm_lease, hold_lease
from graphkit.store.listing import complete_id, find_newest, list_snapshots, snapshot_ids
from graphkit.store.lock import hold_lock
from graphkit.store.names import KEY, PARTIALS, SCRATCH, SNAPSHOTS, STORE_FILE
from graphkit.store.remote import Place, RemotePath, locate
from graphkit.store.reviews import read_reviews, review, tabulate_reviews
from graphkit.store.sealed import read_sealed
from graphkit.store.verdicts import judge_clusters
from graphkit.store.verify import Problem, find_problems
from graphkit.store.work import make_work_folder, work_folder

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Store:
    """An open store. Reading needs no write access and never meets a half-written snapshot."""

    path: Place
    """The folder; its text is what opens the store again."""
    key_fingerprint: str
    """What tells the store's key from others."""
    known_key: bytes | None = field(default=None, repr=False)
    """The key, where it was given or could be read."""

    def list(self) -> pd.DataFrame:
        """The snapshots, oldest first.

        Returns
        -------
        A row is a snapshot: snapshot_id, as_of (date), n_accounts and n_events (the population's), n_clusters,
        n_clustered_accounts, created (when its run started, UTC), format.
        """
        return list_snapshots(self._snapshots)

    def latest(self) -> Snapshot:
        """The newest snapshot: of the latest as-of, and of several such the one made last.

        Raises
        ------
        StoreError
            If the store holds none, or the newest is damaged.
        """
        newest = find_newest(self._snapshots)
        if newest is None:
            raise StoreError(f"{self.path}: holds no snapshot yet; `graphkit refresh` makes one")
        return self._judged(newest)

    def load(self, snapshot_id: str) -> Snapshot:
        """A snapshot by its id, or by the start of its id where only one starts so.

        Raises
        ------
        UsageError
            If none or several do, naming the nearest.
        StoreError
            If it is damaged or of an unknown format.
        """
        return self._judged(read_snapshot(self._snapshots / complete_id(self._snapshots, snapshot_id)))

    def holds(self, snapshot_id: str) -> bool:
        """Whether a snapshot of just this id is in the store."""
        return snapshot_id in snapshot_ids(self._snapshots)

    def parent_of(self, as_of: date) -> Snapshot | None:
        """The newest snapshot whose as-of is before ``as_of``; None if there is none."""
        return find_newest(self._snapshots, before=as_of)

    def publish(self, snapshot: Snapshot) -> Snapshot:
        """Put a snapshot into the store, whole or not at all; one that is there already stays as it is.

        Returns
        -------
        The snapshot as loaded from the store.

        Raises
        ------
        StoreLockedError
            If another writer holds the store.
        StoreError
            If its key is not the store's, or it cannot be written; the store is unchanged then.
        """
        fingerprint = snapshot.content["key_fingerprint"]
        if fingerprint != self.key_fingerprint:
            raise StoreError(
                f"{self.path}: snapshot {snapshot.id} was made with the key {fingerprint}, "
                f"the store's is {self.key_fingerprint}; make it with the store's key"
            )
        with self.lock():
            if snapshot.id not in snapshot_ids(self._snapshots):
                self._write(snapshot)
        published = read_snapshot(self._snapshots / snapshot.id)
        if published.content["digest"] != snapshot.content["digest"]:
            raise StoreError(f"{self.path}: another snapshot has the id {snapshot.id}; move it to another store")
        return self._judged(published)

    def _write(self, snapshot: Snapshot) -> None:
        store, folder = self.path, self._snapshots
        if isinstance(store, RemotePath) and isinstance(folder, RemotePath):
            upload_snapshot(snapshot, folder, confirm=lambda: confirm_lease(store, work_folder(store)))
        elif isinstance(folder, Path):
            write_snapshot(snapshot, folder)

    def reviews(self) -> pd.DataFrame:
        """The reviews, oldest first; ``gk.refit_score`` takes them as they are.

        Returns
        -------
        A row is a review: time (UTC), cluster_id, verdict, author, note, snapshot_id, n_accounts.

        Raises
        ------
        StoreError
            If they cannot be read, or a line is damaged.
        """
        return tabulate_reviews(read_reviews(self.path))

    def verify(self) -> Sequence[Problem]:
        """Check every file against its checksum; an empty list says that all is well."""
        return find_problems(self.path, key_fingerprint=self.key_fingerprint)

    @contextmanager
    def lock(self, *, timeout: float = 0.0) -> Iterator[None]:
        """Be the one writer, for the length of a ``with``; what a killed writer left is removed first.

        Parameters
        ----------
        timeout
            Seconds to wait for another writer; negative: for ever.

        Raises
        ------
        StoreLockedError
            If another writer holds the store, saying who.
        """
        since = time.monotonic()
        with ExitStack() as held:
            folder = make_work_folder(self.path)
            outermost = held.enter_context(hold_lock(folder, timeout=timeout, store=self.path))
            if outermost and isinstance(self.path, RemotePath):
                left = timeout if timeout < 0 else max(0.0, timeout - (time.monotonic() - since))
                held.enter_context(hold_lease(self.path, folder, timeout=left))
            if outermost:
                self._remove_staged()
            yield

    def _remove_staged(self) -> None:
        try:
            remove_staged(self._snapshots)
        except OSError as error:
            raise StoreError(f"{error.filename or self.path}: cannot be removed: {error.strerror}") from error

    @property
    def partials(self) -> Path:
        """Folder in which what was read of events is kept: in the store, or for an object store in the user's cache."""
        return work_folder(self.path) / PARTIALS

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A folder for temporary files, for who holds the lock; what a killed writer left there is removed first."""
        folder = work_folder(self.path) / SCRATCH
        try:
            if folder.exists():
                shutil.rmtree(folder)
            folder.mkdir()
        except OSError as error:
            raise StoreError(f"{error.filename or folder}: cannot be written: {error.strerror}") from error
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def key(self) -> bytes:
        """The key for digests; a StoreError says how to give it where it is not known."""
        if self.known_key is None:
            raise StoreError(
                f"{self.path}: its key (fingerprint {self.key_fingerprint}) is not at hand; "
                f"give it as a key file or in {KEY_VARIABLE}"
            )
        return self.known_key

    def _judged(self, snapshot: Snapshot) -> Snapshot:
        """The snapshot, whose clusters tell the verdicts that hold when they are read."""

        def judge(snapshot: Snapshot) -> dict[str, dict[str, Any]]:
            verdicts = judge_clusters(snapshot, read_reviews(self.path), snapshots=self._snapshots)
            return {name: verdict.to_row() for name, verdict in verdicts.items()}

        # who may write to an object store is known when one writes
        writable = not isinstance(self.path, Path) or os.access(self.path, os.W_OK)
        record = partial(review, self, snapshot_id=snapshot.id) if writable else None
        return replace(snapshot, judge=judge, review=record)

    @property
    def _snapshots(self) -> Place:
        return self.path / SNAPSHOTS


def open_store(path: str | Path | RemotePath, *, create: bool = False, key_file: str | Path | None = None) -> Store:
    """Open a store.

    Parameters
    ----------
    path
        Its folder, or the URL of one in an object store, such as ``s3://bucket/store``.
    create
        Make it if it does not exist: in a new or empty folder.
    key_file
        The key for digests; by default the environment's ``GRAPHKIT_KEY``, else the store's own key. Object stores
        keep none.

    Raises
    ------
    StoreError
        If there is no store, it is damaged, its format is unknown or the key is not its own.
    ConfigError
        If the key that is given cannot be read or is too short.
    UsageError
        If the package for URLs of this kind is not installed.
    """
    path = locate(path)
    given = load_key(key_file)
    if not is_store(path):
        if not create:
            raise StoreError(f"{path}: there is no store here; `graphkit refresh` makes one")
        create_store(path, key=given)
    fingerprint = str(read_sealed(path / STORE_FILE)["key_fingerprint"])
    key = given or read_own_key(path)
    if key is not None and key_fingerprint(key) != fingerprint:
        source = "the key given" if given else f"the key in {path / KEY}"
        raise StoreError(
            f"{path}: {source} (fingerprint {key_fingerprint(key)}) does not belong to this store "
            f"(fingerprint {fingerprint}); give the key that it was made with, or use another store"
        )
    return Store(path, fingerprint, key)
