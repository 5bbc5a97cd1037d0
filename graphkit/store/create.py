"""Making a store: its folder, its key, and store.json, written last."""

from pathlib import Path

from graphkit.errors import StoreError
from graphkit.privacy import key_fingerprint, load_key, make_key
from graphkit.store.durable import rename, replace_file
from graphkit.store.lock import hold_lock
from graphkit.store.names import KEY, KNOWN_FILES, SNAPSHOTS, STORE_FILE, beside
from graphkit.store.sealed import seal
from graphkit.tables import FORMAT

_SECONDS_TO_WAIT = 10.0


def is_store(path: Path) -> bool:
    """Whether a folder is a store; a StoreError if it cannot be entered."""
    try:
        (path / STORE_FILE).stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise StoreError(f"{path}: cannot be read: {error.strerror}") from error
    return True


def create_store(path: Path, *, key: bytes | None) -> None:
    """Make an empty store in a new or empty folder; a creation that was killed is taken up where it stopped.

    Parameters
    ----------
    path
        The folder.
    key
        The key for digests; None makes one, kept in the store, that its owner alone can read.

    Raises
    ------
    StoreError
        If the folder holds other things or cannot be written.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        ours = KNOWN_FILES | {beside(name) for name in KNOWN_FILES}
        if foreign := sorted(entry.name for entry in path.iterdir() if entry.name not in ours):
            raise StoreError(f"{path}: is no store and not empty (it holds {foreign[0]!r}); give a new folder")
        with hold_lock(path, timeout=_SECONDS_TO_WAIT):
            if is_store(path):
                return
            key = key or read_own_key(path) or _make_own_key(path)
            (path / SNAPSHOTS).mkdir(exist_ok=True)
            replace_file(path / STORE_FILE, seal({"format": FORMAT, "key_fingerprint": key_fingerprint(key)}))
    except OSError as error:
        raise StoreError(f"{error.filename or path}: a store cannot be made: {error.strerror}") from error


def read_own_key(path: Path) -> bytes | None:
    """The key kept in a store; None if it keeps none, or only its owner may read it."""
    try:
        (path / KEY).open("rb").close()
    except (FileNotFoundError, PermissionError):
        return None
    return load_key(path / KEY)


def _make_own_key(path: Path) -> bytes:
    staged = path / beside(KEY)
    staged.unlink(missing_ok=True)
    key = make_key(staged)
    rename(staged, path / KEY)
    return key
