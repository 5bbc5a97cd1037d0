"""Append-only files of JSON lines, each with its own checksum: reviews, and alerts that were told.

A line is appended in one write that reaches the disk before the call returns. What a killed writer left of one stays
where it is, and the next line says so: nothing that was acknowledged is ever rewritten.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from graphkit.errors import StoreError, StoreLockedError
from graphkit.snapshot import sha256
from graphkit.store.durable import sync_folder
from graphkit.store.names import LINES_LOCK

_SECONDS_TO_WAIT = 10.0
_CHECKSUM, _AFTER_TORN = "checksum", "after_torn"


@contextmanager
def hold_lines(store: Path) -> Iterator[None]:
    """Keep others from appending; it does not wait for a refresh, which holds the store's own lock for long.

    Raises
    ------
    StoreLockedError
        If another process holds it for ten seconds.
    StoreError
        If the folder cannot be written.
    """
    lock = FileLock(store / LINES_LOCK, is_singleton=True)
    try:
        lock.acquire(timeout=_SECONDS_TO_WAIT)
    except Timeout as error:
        raise StoreLockedError(f"{store}: another process has been appending for long; try again") from error
    except OSError as error:
        raise StoreError(f"{store}: cannot be locked for writing: {error.strerror}") from error
    try:
        yield
    finally:
        lock.release()


def append_lines(path: Path, records: Sequence[Mapping[str, Any]]) -> None:
    """Append records to a file of a store, all in one write, and wait until they are on the disk.

    Raises
    ------
    StoreLockedError
        If another process holds the lock for ten seconds.
    StoreError
        If they cannot be written; what was there stays, and counts.
    """
    with hold_lines(path.parent):
        torn = _ends_torn(path)
        marks: list[dict[str, Any]] = [{_AFTER_TORN: True} if torn and not i else {} for i in range(len(records))]
        lines = [_seal({**record, **mark}) for record, mark in zip(records, marks, strict=True)]
        data = (b"\n" if torn else b"") + b"".join(lines)
        try:
            _write(path, data)
        except OSError as error:
            raise StoreError(f"{path}: cannot be written: {error.strerror}; nothing was recorded") from error


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The records of a file, oldest first; none where there is no file. What a killed writer left is passed by.

    Raises
    ------
    StoreError
        If it cannot be read, or a line is damaged.
    """
    records = []
    for number, record, torn in _parse_file(path):
        if record is not None:
            records.append(record)
        elif not torn:
            raise StoreError(f"{path}: line {number} is damaged; restore the file from a copy")
    return records


def find_bad_lines(path: Path) -> list[str]:
    """What is wrong with a file, a text for each bad line."""
    return [
        f"line {number} was left by a writer that was killed; it does not count"
        if torn
        else f"line {number} is damaged; restore the file from a copy"
        for number, record, torn in _parse_file(path)
        if record is None
    ]


def _parse_file(path: Path) -> Iterator[tuple[int, dict[str, Any] | None, bool]]:
    """Number and record of each line, None for a bad one, and whether a killed writer left it."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreError(f"{path}: cannot be read: {error.strerror}") from error
    *lines, rest = data.split(b"\n")
    records = [_unseal(line) for line in lines]
    for place, record in enumerate(records):
        follower = records[place + 1] if place + 1 < len(records) else None
        yield place + 1, record, follower is not None and bool(follower.get(_AFTER_TORN))
    if rest:
        yield len(lines) + 1, None, True


def _ends_torn(path: Path) -> bool:
    """Whether the last line has no end."""
    try:
        with path.open("rb") as file:
            if file.seek(0, os.SEEK_END) == 0:
                return False
            file.seek(-1, os.SEEK_END)
            return file.read(1) != b"\n"
    except FileNotFoundError:
        return False
    except OSError as error:
        raise StoreError(f"{path}: cannot be read: {error.strerror}") from error


def _write(path: Path, data: bytes) -> None:
    new = not path.exists()
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        if os.write(descriptor, data) < len(data):
            raise OSError(0, "the disk is full")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if new:
        sync_folder(path.parent)


def _seal(record: Mapping[str, Any]) -> bytes:
    checksum = sha256(_render(record))[:16]
    return _render({**record, _CHECKSUM: checksum}) + b"\n"


def _unseal(line: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    if not isinstance(record, dict):
        return None
    rest = {name: value for name, value in record.items() if name != _CHECKSUM}
    return rest if _seal(rest) == line + b"\n" else None


def _render(record: Mapping[str, Any]) -> bytes:
    return json.dumps(record, sort_keys=True, allow_nan=False).encode()
