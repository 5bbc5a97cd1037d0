"""One writer at a time on an object store, which has no locks that die with their process.

A lease is an object ``lease/NUMBER.json``; whose number is highest holds the store, until it is given back or was not
renewed for long. Who takes over creates the next number, which can succeed only once, so that of several one wins.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from graphkit.errors import StoreError, StoreLockedError
from graphkit.store.durable import replace_file
from graphkit.store.names import LEASE, LEASE_NOTE
from graphkit.store.remote import RemotePath

_LASTS = timedelta(minutes=10)
_SECONDS_BETWEEN_RENEWALS = 60.0
_SECONDS_BETWEEN_LOOKS = 2.0
_LOG = logging.getLogger("graphkit")


@dataclass(frozen=True)
class Lease:
    """A right to write: which it is, and of whom."""

    number: int
    token: str
    """Of this machine, not of this process: what a killed process held is known again."""


@contextmanager
def hold_lease(store: RemotePath, work: Path, *, timeout: float) -> Iterator[None]:
    """Hold a store's lease; it is renewed from a thread while it is held.

    Parameters
    ----------
    work
        A folder of this machine whose lock the caller holds, so that a lease of this machine which was not given back
        is a dead process's; which lease is held is noted there.
    timeout
        Seconds to wait for another writer; negative: for ever.

    Raises
    ------
    StoreLockedError
        If another writer holds it, saying who.
    StoreError
        If the object store cannot be reached or written.
    """
    note = work / LEASE_NOTE
    try:
        held = _read_note(note)
        token = secrets.token_hex(8) if held is None else held.token
        replace_file(note, _render_note(Lease(0, token)))
        lease = _acquire(store, token, timeout=timeout)
        replace_file(note, _render_note(lease))
    except OSError as error:
        raise StoreError(f"{error.filename or store}: cannot be locked for writing: {error.strerror}") from error
    stop = threading.Event()
    renewing = threading.Thread(target=_keep_renewing, args=(store, lease, stop), daemon=True)
    renewing.start()
    try:
        yield
    finally:
        stop.set()
        renewing.join()
        _give_back(store, lease)


def confirm_lease(store: RemotePath, work: Path) -> None:
    """Make sure, just before it matters, that the lease noted in ``work`` is still held.

    Raises
    ------
    StoreLockedError
        If another writer took over, as when this one slept for long.
    """
    lease = _read_note(work / LEASE_NOTE)
    if lease is not None and _renew(store, lease):
        return
    raise StoreLockedError(
        f"{store}: another writer took the store over, since this one gave no sign of life for {_LASTS}; "
        "nothing was published: refresh again"
    )


def _acquire(store: RemotePath, token: str, *, timeout: float) -> Lease:
    until = time.monotonic() + timeout
    while True:
        number, record = _read_last(store)
        if _is_free(record, token):
            if _take(store, Lease(number + 1, token)):
                return Lease(number + 1, token)
            continue
        if timeout >= 0 and time.monotonic() >= until:
            raise StoreLockedError(_tell_holder(store, record))
        time.sleep(_SECONDS_BETWEEN_LOOKS)


def _take(store: RemotePath, lease: Lease) -> bool:
    """Create a lease and remove older ones; False if somebody was quicker."""
    try:
        _place(store, lease.number).create(_render(lease))
    except FileExistsError:
        return False
    numbers = _list_numbers(store)
    if numbers[-1] != lease.number or _read(store, lease.number).get("token") != lease.token:
        return False
    for number in numbers[:-1]:
        _place(store, number).unlink(missing_ok=True)
    return True


def _keep_renewing(store: RemotePath, lease: Lease, stop: threading.Event) -> None:
    while not stop.wait(_SECONDS_BETWEEN_RENEWALS):
        try:
            _renew(store, lease)
        except OSError as error:  # it may pass; what counts is asked again before anything is published
            _LOG.warning("%s: the lease could not be renewed: %s", store, error)


def _renew(store: RemotePath, lease: Lease) -> bool:
    """Give a sign of life; False if the lease is another's by now."""
    number, record = _read_last(store)
    if number != lease.number or record.get("token") != lease.token:
        return False
    _place(store, number).write_bytes(_render(lease))
    return _list_numbers(store)[-1] == number


def _give_back(store: RemotePath, lease: Lease) -> None:
    """Say that it is not needed any more. The object stays: were numbers given twice, two could hold one."""
    try:
        number, record = _read_last(store)
        if number == lease.number and record.get("token") == lease.token:
            _place(store, number).write_bytes(_render(lease, released=True))
    except OSError as error:
        _LOG.warning("%s: the lease could not be given back, and ends by itself: %s", store, error)


def _read_last(store: RemotePath) -> tuple[int, dict[str, Any]]:
    numbers = _list_numbers(store)
    return (numbers[-1], _read(store, numbers[-1])) if numbers else (0, {"released": True})


def _list_numbers(store: RemotePath) -> list[int]:
    names = [path.name.removesuffix(".json") for path in (store / LEASE).iterdir()]
    return sorted(int(name) for name in names if name.isdecimal())


def _place(store: RemotePath, number: int) -> RemotePath:
    return store / LEASE / f"{number:08}.json"


def _read(store: RemotePath, number: int) -> dict[str, Any]:
    place = _place(store, number)
    try:
        record: dict[str, Any] = json.loads(place.read_bytes())
        datetime.fromisoformat(record["renewed"])
    except FileNotFoundError:  # its follower removed it just now
        return {}
    except (ValueError, LookupError, TypeError) as error:
        raise StoreError(f"{place}: is damaged; remove it when nobody writes to the store") from error
    return record


def _is_free(record: Mapping[str, Any], token: str) -> bool:
    if not record:
        return False
    given_back = record.get("released") or record["token"] == token
    return given_back or datetime.now(UTC) - datetime.fromisoformat(record["renewed"]) > _LASTS


def _render(lease: Lease, *, released: bool = False) -> bytes:
    record = {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "renewed": datetime.now(UTC).isoformat(timespec="seconds"),
        "released": released,
        "token": lease.token,
    }
    return json.dumps(record, sort_keys=True).encode()


def _tell_holder(store: RemotePath, record: Mapping[str, Any]) -> str:
    if not record:
        return f"{store}: another writer has just begun; wait until it is done"
    heard = datetime.fromisoformat(record["renewed"])
    return (
        f"{store}: another writer holds the store (process {record['pid']} on {record['host']}, last heard of at "
        f"{heard:%Y-%m-%d %H:%M:%S} UTC); wait until it is done. If it was killed, its lease ends at "
        f"{heard + _LASTS:%H:%M:%S} UTC: --wait {_LASTS.seconds} waits for that"
    )


def _render_note(lease: Lease) -> bytes:
    return json.dumps({**vars(lease), "host": socket.gethostname()}).encode()


def _read_note(note: Path) -> Lease | None:
    """The lease that this machine held last; None if it held none."""
    try:
        noted = json.loads(note.read_bytes())
        return Lease(noted["number"], noted["token"]) if noted["host"] == socket.gethostname() else None
    except FileNotFoundError:
        return None
    except (ValueError, LookupError, TypeError) as error:
        raise StoreError(f"{note}: is damaged; remove it") from error
