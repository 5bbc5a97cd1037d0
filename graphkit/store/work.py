"""The folder of this machine in which who writes to a store works: partials, scratch files, the lock."""

import hashlib
import os
import re
from pathlib import Path

from graphkit.errors import StoreError
from graphkit.store.remote import Place, RemotePath

CACHE_VARIABLE = "GRAPHKIT_CACHE"
_PLAIN = re.compile(r"[^A-Za-z0-9._-]+")


def work_folder(store: Place) -> Path:
    """The store itself where it is a folder; for an object store one in the user's cache, told by its URL."""
    if not isinstance(store, RemotePath):
        return store
    url = str(store)
    name = _PLAIN.sub("-", store.name).strip("-.")[:40] or "store"
    return _find_cache() / f"{name}-{hashlib.sha256(url.encode()).hexdigest()[:12]}"


def make_work_folder(store: Place) -> Path:
    """Make that folder in the cache, for its owner alone: it holds what was read of the events.

    Raises
    ------
    StoreError
        If it cannot be made.
    """
    folder = work_folder(store)
    if folder == store:
        return folder
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"{folder}: cannot be made: {error.strerror}; name another folder for work in {CACHE_VARIABLE}"
        ) from error
    return folder


def _find_cache() -> Path:
    """``GRAPHKIT_CACHE``, else ``graphkit`` in the user's folder for caches (XDG)."""
    if given := os.environ.get(CACHE_VARIABLE):
        return Path(given).expanduser().resolve()
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home and Path(home).is_absolute() else Path.home() / ".cache") / "graphkit"
