"""Making a store: its folder, its key, and store.json, written last."""

from contextlib import suppress
from pathlib import Path

from graphkit.errors import StoreError
from graphkit.privacy import KEY_VARIABLE, key_fingerprint, load_key, make_key
from graphkit.store.durable import rename, replace_file
from graphkit.store.lock import hold_lock
from graphkit.store.names import KEY, KNOWN_FILES, SNAPSHOTS, STORE_FILE, beside
from graphkit.store.remote import Place, RemotePath
from graphkit.store.sealed import seal
from graphkit.tables import FORMAT

_SECONDS_TO_WAIT = 10.0


def is_store(path: Place) -> bool:
    """Whether a folder is a store; a StoreError if it cannot be entered."""
    try:
        if isinstance(path, RemotePath):
            return (path / STORE_FILE).exists()
        (path / STORE_FILE).stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise StoreError(f"{path}: cannot be read: {error.strerror}") from error
    return True


def create_store(path: Place, *, key: bytes | None) -> None:
    """Make an empty store in a new or empty folder; a creation that was killed is taken up where it stopped.

    Parameters
    ----------
    path
        The folder.
    key
        The key for digests; None makes one, kept in the store, that its owner alone can read. An object store cannot
        keep one so, and needs it given.

    Raises
    ------
    StoreError
        If the folder holds other things or cannot be written, or the key is missing.
    """
    try:
        if isinstance(path, Path):
            path.mkdir(parents=True, exist_ok=True)
        ours = KNOWN_FILES | {beside(name) for name in KNOWN_FILES}
        if foreign := sorted(entry.name for entry in path.iterdir() if entry.name not in ours):
            raise StoreError(f"{path}: is no store and not empty (it holds {foreign[0]!r}); give a new folder")
        if isinstance(path, RemotePath):
            _create_remote_store(path, key)
            return
        with hold_lock(path, timeout=_SECONDS_TO_WAIT):
            if is_store(path):
                return
            key = key or read_own_key(path) or _make_own_key(path)
            (path / SNAPSHOTS).mkdir(exist_ok=True)
            replace_file(path / STORE_FILE, _describe_store(key))
    except OSError as error:
        raise StoreError(f"{error.filename or path}: a store cannot be made: {error.strerror}") from error


def _create_remote_store(path: RemotePath, key: bytes | None) -> None:
    if key is None:
        raise StoreError(
            f"{path}: who can read an object store could read a key in it, so it keeps none: "
            f"give one as a key file or in {KEY_VARIABLE}"
        )
    with suppress(FileExistsError):  # somebody made it just now
        (path / STORE_FILE).create(_describe_store(key))


def _describe_store(key: bytes) -> bytes:
    return seal({"format": FORMAT, "key_fingerprint": key_fingerprint(key)})


def read_own_key(path: Place) -> bytes | None:
    """The key kept in a store; None if it keeps none, or only its owner may read it."""
    if isinstance(path, RemotePath):
        return None
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
