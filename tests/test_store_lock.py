import os
import resource
import subprocess
import sys
import threading

import pytest

from graphkit.errors import StoreError, StoreLockedError
from graphkit.store.store import open_store

_HOLD = """
import sys
from graphkit.store.store import open_store
with open_store(sys.argv[1]).lock():
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def store(tmp_path):
    return open_store(tmp_path / "store", create=True)


@pytest.fixture
def writer(store):
    """Another process that holds the store."""
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(store.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_writer_is_told_who_holds_the_store(store, writer, make_snapshot):
    told = rf"process {writer.pid} on {os.uname().nodename} since \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d UTC"
    with pytest.raises(StoreLockedError, match=told):
        store.publish(make_snapshot(key=store.key()))
    assert store.list().empty, "readers are not held up"


def test_the_lock_dies_with_its_process(store, writer, make_snapshot):
    writer.kill()
    writer.wait()
    assert (store.path / "lock.json").exists()
    assert store.publish(make_snapshot(key=store.key())).id == store.latest().id
    assert not (store.path / "lock.json").exists()


def test_a_writer_can_wait(store, writer):
    threading.Timer(0.2, writer.kill).start()
    with store.lock(timeout=60):
        assert writer.wait() != 0


def test_another_thread_is_another_writer(store):
    refused = []

    def write():
        try:
            with store.lock():
                pass
        except StoreLockedError as error:
            refused.append(error)

    with store.lock(), store.lock():
        thread = threading.Thread(target=write)
        thread.start()
        thread.join()
    assert len(refused) == 1


def test_publishing_within_the_lock_keeps_it(store, make_snapshot):
    with store.lock():
        store.publish(make_snapshot(key=store.key()))
        assert (store.path / "lock.json").exists()


def test_a_store_that_cannot_be_written_says_so(store):
    (store.path / "lock").unlink(missing_ok=True)
    (store.path / "lock").mkdir()
    with pytest.raises(StoreError, match="cannot be locked for writing"), store.lock():
        pass


def test_a_disk_too_full_to_say_who_writes_leaves_the_lock_free(store):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        with pytest.raises(StoreError, match=r"lock\.json: cannot be written: File too large"), store.lock():
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    with store.lock():
        assert not store.verify()
