"""One writer at a time: a lock that dies with its process, and a note that says who holds it."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from graphkit.errors import StoreError, StoreLockedError
from graphkit.store.durable import replace_file
from graphkit.store.names import HOLDER, LOCK


@contextmanager
def hold_lock(folder: Path, *, timeout: float = 0.0, store: object = None) -> Iterator[bool]:
    """Hold the lock of a store's folder; True is yielded by the outermost hold of this thread, False inside it.

    Parameters
    ----------
    folder
        The store, or the folder of this machine in which who writes to it works.
    timeout
        Seconds to wait for another writer; negative: for ever.
    store
        What messages call it; by default the folder.

    Raises
    ------
    StoreLockedError
        If another writer holds it, saying who: process id, host, since when.
    StoreError
        If the folder cannot be written.
    """
    # A singleton is re-entrant in its thread and excludes other threads as it does other processes.
    lock = FileLock(folder / LOCK, is_singleton=True)
    outermost = not lock.is_locked
    try:
        lock.acquire(timeout=timeout)
    except Timeout as error:
        raise StoreLockedError(
            f"{store or folder}: another writer holds the store ({_describe_holder(folder / HOLDER)}); "
            "wait until it is done, or end it"
        ) from error
    except OSError as error:
        raise StoreError(f"{folder}: cannot be locked for writing: {error.strerror}") from error
    try:
        if outermost:
            _note_holder(folder / HOLDER)
        yield outermost
    finally:
        if outermost:
            (folder / HOLDER).unlink(missing_ok=True)
        lock.release()


def _note_holder(path: Path) -> None:
    holder = {"pid": os.getpid(), "host": socket.gethostname(), "since": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"}
    try:
        replace_file(path, json.dumps(holder, sort_keys=True).encode())
    except OSError as error:
        raise StoreError(f"{path}: cannot be written: {error.strerror}") from error


def _describe_holder(path: Path) -> str:
    """Who the note names; the holder may be writing or removing it just now."""
    try:
        holder = json.loads(path.read_bytes())
        return f"process {holder['pid']} on {holder['host']} since {holder['since']}"
    except (OSError, ValueError, LookupError, TypeError):
        return "which one is not known"
