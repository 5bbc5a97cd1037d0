"""Append-only files of JSON lines, each with its own checksum: reviews, and alerts that were told.

A line is appended in one write that reaches the disk before the call returns. What a killed writer left of one stays
where it is, and the next line says so: nothing that was acknowledged is ever rewritten. An object store cannot append:
there each call puts an object of its own into a folder, and no lock is needed. Either is read anywhere, so that a store
can be copied.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from graphkit.errors import StoreError, StoreLockedError
from graphkit.snapshot import sha256
from graphkit.store.durable import sync_folder
from graphkit.store.names import LINES_LOCK, pieces_folder
from graphkit.store.remote import Place, RemotePath

_SECONDS_TO_WAIT = 10.0
_CHECKSUM, _AFTER_TORN = "checksum", "after_torn"


@contextmanager
def hold_lines(store: Place) -> Iterator[None]:
    """Keep others from appending; it does not wait for a refresh, which holds the store's own lock for long.

    In an object store nobody is kept: what is appended there is an object of its own.

    Raises
    ------
    StoreLockedError
        If another process holds it for ten seconds.
    StoreError
        If the folder cannot be written.
    """
    if isinstance(store, RemotePath):
        yield
        return
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


def append_lines(path: Place, records: Sequence[Mapping[str, Any]]) -> None:
    """Append records to a file of a store, all in one write, and wait until they are on the disk.

    Raises
    ------
    StoreLockedError
        If another process holds the lock for ten seconds.
    StoreError
        If they cannot be written; what was there stays, and counts.
    """
    if isinstance(path, RemotePath):
        _put_piece(path, records)
        return
    with hold_lines(path.parent):
        torn = _ends_torn(path)
        marks: list[dict[str, Any]] = [{_AFTER_TORN: True} if torn and not i else {} for i in range(len(records))]
        lines = [_seal({**record, **mark}) for record, mark in zip(records, marks, strict=True)]
        data = (b"\n" if torn else b"") + b"".join(lines)
        try:
            _write(path, data)
        except OSError as error:
            raise StoreError(f"{path}: cannot be written: {error.strerror}; nothing was recorded") from error


def read_lines(path: Place) -> list[dict[str, Any]]:
    """The records of a file, then those of its folder, oldest first; none where there is neither.

    What a killed writer left is passed by.

    Raises
    ------
    StoreError
        If it cannot be read, or a line is damaged.
    """
    records = []
    for file, number, record, torn in _parse_all(path):
        if record is not None:
            records.append(record)
        elif not torn:
            raise StoreError(f"{path.parent / file}: line {number} is damaged; restore the file from a copy")
    return records


def find_bad_lines(path: Place) -> list[tuple[str, str]]:
    """What is wrong with a file and its folder: a file, beside or in the folder, and a text for each bad line."""
    return [
        (file, f"line {number} was left by a writer that was killed; it does not count")
        if torn
        else (file, f"line {number} is damaged; restore the file from a copy")
        for file, number, record, torn in _parse_all(path)
        if record is None
    ]


def _parse_all(path: Place) -> Iterator[tuple[str, int, dict[str, Any] | None, bool]]:
    """File, number and record of each line, None for a bad one, and whether a killed writer left it."""
    try:
        files = _read_files(path)
    except OSError as error:
        raise StoreError(f"{error.filename or path}: cannot be read: {error.strerror}") from error
    for file, data in files.items():
        for number, record, torn in _parse_lines(data):
            yield file, number, record, torn and file == path.name  # an object is put whole


def _read_files(path: Place) -> dict[str, bytes]:
    folder = path.parent / pieces_folder(path.name)
    if isinstance(folder, RemotePath):
        pieces = folder.read_objects()
    else:
        pieces = {each.name: each.read_bytes() for each in sorted(folder.iterdir())} if folder.is_dir() else {}
    files = {f"{folder.name}/{name}": data for name, data in pieces.items()}
    try:
        return {path.name: path.read_bytes(), **files}
    except FileNotFoundError:
        return files


def _parse_lines(data: bytes) -> Iterator[tuple[int, dict[str, Any] | None, bool]]:
    """Number and record of each line, None for a bad one, and whether a killed writer left it."""
    *lines, rest = data.split(b"\n")
    records = [_unseal(line) for line in lines]
    for place, record in enumerate(records):
        follower = records[place + 1] if place + 1 < len(records) else None
        marked = follower is not None and bool(follower.get(_AFTER_TORN))
        yield place + 1, record, marked and _is_torn(lines[place])
    if rest:
        yield len(lines) + 1, None, _is_torn(rest)


def _is_torn(line: bytes) -> bool:
    """Whether it can be what a killed writer left: the beginning of a line, and not a whole one with more after it."""
    try:
        _, end = json.JSONDecoder().raw_decode(line.decode("ascii", errors="replace"))
    except ValueError:
        return True
    return end == len(line)


def _put_piece(path: RemotePath, records: Sequence[Mapping[str, Any]]) -> None:
    now = datetime.now(UTC)
    name = f"{now:%Y%m%dT%H%M%S.%fZ}-{secrets.token_hex(4)}.jsonl"  # in the order of time
    piece = path.parent / pieces_folder(path.name) / name
    try:
        piece.create(b"".join(_seal(record) for record in records))
    except OSError as error:
        raise StoreError(f"{piece}: cannot be written: {error.strerror}; nothing was recorded") from error


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
