import resource
import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from graphkit.errors import StoreError
from graphkit.snapshot import STORED_TABLES
from graphkit.store.store import open_store

_KILLED_WHILE_STAGING = """
import os, signal, sys
from dataclasses import replace
from datetime import date
from graphkit.snapshot import build_snapshot
from graphkit.snapshot import STORED_TABLES
from graphkit.store.store import open_store

def read_bytes(name):
    if name == "links":
        os.kill(os.getpid(), signal.SIGKILL)
    return snapshot.read_bytes(name)

store = open_store(sys.argv[1])
content = {"key_fingerprint": store.key_fingerprint}
snapshot = build_snapshot({}, as_of=date(2026, 5, 17), content=content, run={})
store.publish(replace(snapshot, read_bytes=read_bytes))
"""


@pytest.fixture
def store(tmp_path):
    return open_store(tmp_path / "store", create=True)


def _tree(store):
    return {str(path.relative_to(store.path)): path.stat().st_mtime_ns for path in store.path.rglob("*")}


@pytest.mark.parametrize("limit", [0, 512, 3000])
def test_a_full_disk_leaves_the_store_as_it_was(store, make_snapshot, limit):
    first = store.publish(make_snapshot(key=store.key()))
    before = sorted(_tree(store))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # A limit on the size of files fails a write as a full disk does, in the midst of staging.
    with store.lock():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
        try:
            with pytest.raises(StoreError, match=r"20260516-\w+ cannot be written: File too large"):
                store.publish(make_snapshot("2026-05-16", key=store.key()))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert sorted(_tree(store)) == before
    assert store.latest().id == first.id
    assert not store.verify()


def test_readers_see_nothing_of_a_snapshot_until_it_is_whole(store, make_snapshot):
    snapshot = make_snapshot(key=store.key())
    seen = []

    def read_bytes(name):
        seen.append(len(open_store(store.path).list()))
        return snapshot.read_bytes(name)

    store.publish(replace(snapshot, read_bytes=read_bytes))
    assert seen == [0] * len(STORED_TABLES)
    assert len(store.list()) == 1


def test_an_interrupted_writer_leaves_nothing(store, make_snapshot):
    snapshot = make_snapshot(key=store.key())

    def interrupt(name):
        if name == "links":
            raise KeyboardInterrupt
        return snapshot.read_bytes(name)

    with pytest.raises(KeyboardInterrupt):
        store.publish(replace(snapshot, read_bytes=interrupt))
    assert not list((store.path / "snapshots").iterdir())


def test_bytes_that_are_not_the_manifests_are_not_published(store, make_snapshot):
    with pytest.raises(StoreError, match="the bytes of accounts are not those"):
        store.publish(replace(make_snapshot(key=store.key()), read_bytes=lambda _: b"other"))
    assert not list((store.path / "snapshots").iterdir())


def test_a_killed_writer_is_passed_by_and_its_leftovers_are_removed_by_the_next(store, make_snapshot):
    snapshot = make_snapshot(key=store.key())
    killed = subprocess.run([sys.executable, "-c", _KILLED_WHILE_STAGING, str(store.path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    (leftover,) = (store.path / "snapshots").iterdir()
    assert any(leftover.iterdir()), "it had begun to write"
    assert store.list().empty
    with pytest.raises(StoreError, match="no snapshot yet"):
        store.latest()
    store.publish(snapshot)
    assert not leftover.exists()
    assert not store.verify()


def test_a_creation_that_was_killed_is_taken_up(store):
    key = store.key()
    (store.path / "store.json").unlink()
    (store.path / ".store.json.tmp").write_bytes(b"half")
    assert open_store(store.path, create=True).key() == key
    assert not store.verify()


def test_readers_write_nothing(store, make_snapshot):
    store.publish(make_snapshot(key=store.key()))
    before = _tree(store)
    reader = open_store(store.path)
    assert len(reader.latest().accounts) == len(reader.load("2026").links) == 3
    assert len(reader.list()) == 1
    assert not reader.verify()
    assert _tree(store) == before
