"""A place in an object store, with what a store asks of a path; what its library raises becomes an OSError."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from graphkit.errors import StoreError, UsageError

_URL = re.compile(r"([a-z][a-z0-9+.-]+)://(.*)", re.DOTALL)
_COLLAPSED = re.compile(r"[a-z][a-z0-9+.-]+:")
_EXTRA = "install graphkit[s3], or fsspec and the package for such URLs"


@dataclass(frozen=True)
class RemotePath:
    """A folder or an object, in a file system that fsspec reaches. Nothing is cached: what others wrote is seen."""

    key: str
    """What the file system calls it, such as ``bucket/folder/object``."""
    filesystem: Any = field(repr=False, compare=False)

    def __str__(self) -> str:
        return str(self.filesystem.unstrip_protocol(self.key))

    def __truediv__(self, name: str) -> RemotePath:
        return RemotePath(f"{self.key.rstrip('/')}/{name}", self.filesystem)

    @property
    def name(self) -> str:
        """The last part."""
        return self.key.rpartition("/")[2]

    @property
    def parent(self) -> RemotePath:
        """The folder that it is in."""
        return RemotePath(self.key.rpartition("/")[0], self.filesystem)

    def read_bytes(self) -> bytes:
        """The bytes of an object."""
        with _as_os_error(self):
            return bytes(self.filesystem.cat_file(self.key))

    def read_objects(self) -> dict[str, bytes]:
        """The bytes of all objects of a folder and of those in it, by their names relative to it."""
        with _as_os_error(self):
            keys = sorted(self.filesystem.find(self.key))
            found = self.filesystem.cat_ranges(keys, None, None)  # many at once, and names are no patterns to it
            for each in found:
                if isinstance(each, Exception):
                    raise each
        return {self._relative(key): bytes(data) for key, data in zip(keys, found, strict=True)}

    def write_bytes(self, data: bytes) -> None:
        """Put an object, in place of what was there: readers see the old bytes or the new."""
        with _as_os_error(self):
            self.filesystem.pipe_file(self.key, data)

    def create(self, data: bytes) -> None:
        """Put an object where there is none; a FileExistsError if there is one."""
        with _as_os_error(self):
            self.filesystem.pipe_file(self.key, data, mode="create")

    def unlink(self, *, missing_ok: bool = False) -> None:
        """Remove an object."""
        try:
            with _as_os_error(self):
                self.filesystem.rm_file(self.key)
        except FileNotFoundError:
            if not missing_ok:
                raise

    def exists(self) -> bool:
        """Whether there is such an object, or any in such a folder."""
        with _as_os_error(self):
            return bool(self.filesystem.exists(self.key))

    def is_dir(self) -> bool:
        """Whether there is any object in such a folder."""
        with _as_os_error(self):
            return bool(self.filesystem.isdir(self.key))

    def iterdir(self) -> Iterator[RemotePath]:
        """What is in a folder; nothing where it is not there."""
        try:
            with _as_os_error(self):
                keys = self.filesystem.ls(self.key, detail=False)
        except FileNotFoundError:
            return
        for key in sorted(key.rstrip("/") for key in keys):
            if key != self.key:  # some tools put an empty object in place of a folder
                yield RemotePath(key, self.filesystem)

    def find(self) -> list[str]:
        """Names of all objects in a folder and in those in it, relative to it, sorted."""
        with _as_os_error(self):
            return sorted(self._relative(key) for key in self.filesystem.find(self.key))

    def _relative(self, key: str) -> str:
        return key.removeprefix(f"{self.key}/")


Place = Path | RemotePath
"""Where a store, or something in it, lies."""


def locate(given: str | Path | RemotePath) -> Place:
    """The place of a store: a folder of this machine, or one that a URL such as ``s3://bucket/store`` names.

    Raises
    ------
    UsageError
        If it is empty, or no package that is installed knows such URLs.
    StoreError
        If what serves them cannot be used.
    """
    if isinstance(given, RemotePath):
        return given
    if isinstance(given, Path):
        if _COLLAPSED.fullmatch(given.parts[0] if given.parts else "") and not given.exists():
            raise UsageError(f"{given}: give a URL as text; a Path has lost one of its slashes")
        return given.expanduser().resolve()
    if not given.strip():
        raise UsageError("the store is an empty text; give its folder or URL")
    match = _URL.fullmatch(given)
    if match is None and "::" in given and "://" in given:
        raise UsageError(f"{given}: a store's URL cannot be a chain of file systems: give the last alone")
    if match is None:
        return Path(given).expanduser().resolve()
    protocol, rest = match.groups()
    if protocol in {"file", "local"}:
        return Path(rest).expanduser().resolve()
    return _connect(given, protocol)


def _connect(url: str, protocol: str) -> RemotePath:
    try:
        from fsspec.core import url_to_fs

        filesystem, key = url_to_fs(url, use_listings_cache=False)
    except ImportError as error:
        raise UsageError(f"{protocol}://: {error}: {_EXTRA}") from error
    except ValueError as error:
        raise UsageError(f"{protocol}://: {error}") from error
    except Exception as error:  # whatever the file system's library raises
        raise StoreError(f"{protocol}://: cannot be used: {_describe(error)}") from error
    if not key.strip("/"):
        raise UsageError(f"{url}: names no folder; give one, such as {protocol}://bucket/store")
    return RemotePath(key.rstrip("/"), filesystem)


@contextmanager
def _as_os_error(path: RemotePath) -> Iterator[None]:
    """Raise what a file system's library raises, which may be anything, as an OSError that says what and where."""
    try:
        yield
    except FileNotFoundError as error:
        told = str(error)  # some say only the path, some that the bucket does not exist
        reason = told if told and "/" not in told else os.strerror(errno.ENOENT)
        raise FileNotFoundError(errno.ENOENT, reason, str(path)) from error
    except FileExistsError as error:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from error
    except PermissionError as error:
        raise PermissionError(errno.EACCES, _describe(error), str(path)) from error
    except Exception as error:
        raise OSError(errno.EIO, _describe(error), str(path)) from error


def _describe(error: Exception) -> str:
    return str(error) or type(error).__name__
