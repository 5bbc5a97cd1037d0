"""Who writes to an object store: one at a time, by a lease that ends by itself when its holder is dead."""

import json
import time
from datetime import UTC, datetime, timedelta

import pytest

from graphkit.errors import StoreLockedError
from graphkit.store import lease
from graphkit.store.remote import RemotePath
from graphkit.store.store import open_store


@pytest.fixture
def store(memory_url):
    return open_store(memory_url, create=True)


@pytest.fixture
def publish(store, make_snapshot):
    return lambda *args, **kwargs: store.publish(make_snapshot(*args, key=store.key(), **kwargs))


def put_lease(store, *, number=1, age=timedelta(), machine="another"):
    renewed = (datetime.now(UTC) - age).isoformat(timespec="seconds")
    record = {"pid": 7, "host": "elsewhere", "renewed": renewed, "released": False, "token": machine}
    (store.path / "lease" / f"{number:08}.json").write_bytes(json.dumps(record).encode())


def leases(store):
    return [name for name in store.path.find() if name.startswith("lease/")]


def test_a_second_writer_is_told_who_holds_the_store_and_until_when(store, publish):
    put_lease(store)
    with pytest.raises(
        StoreLockedError, match=r"process 7 on elsewhere, last heard of at .* ends at \d\d:\d\d:\d\d UTC"
    ):
        publish()
    assert store.list().empty, "readers are not held up"
    assert leases(store) == ["lease/00000001.json"]


def test_a_lease_that_was_not_renewed_for_long_or_was_given_back_is_taken_over(store, publish):
    put_lease(store, number=3, age=timedelta(minutes=11))
    publish()
    assert leases(store) == ["lease/00000004.json"]
    assert json.loads((store.path / "lease" / "00000004.json").read_bytes())["released"]
    publish("2026-05-16")
    assert leases(store) == ["lease/00000005.json"], "nothing piles up"


def test_what_a_killed_process_of_this_machine_held_is_free_at_once(store, publish, tmp_path):
    publish()
    (note,) = (tmp_path / "cache").glob("*/lease.json")
    put_lease(store, number=2, machine=json.loads(note.read_text())["token"])
    publish("2026-05-16")
    assert leases(store) == ["lease/00000003.json"]


def test_of_two_who_take_over_at_once_one_wins(store, monkeypatch):
    create = RemotePath.create

    def be_late(path, data):
        if path.name == "00000001.json":
            monkeypatch.setattr(RemotePath, "create", create)
            put_lease(store, number=1)
        create(path, data)

    monkeypatch.setattr(RemotePath, "create", be_late)
    with pytest.raises(StoreLockedError, match="process 7 on elsewhere"), store.lock():
        pass


@pytest.mark.parametrize("number", [2, 9], ids=["a server that let both create it", "the next"])
def test_who_lost_the_lease_to_another_publishes_nothing(store, make_snapshot, publish, number):
    kept, late = publish(), make_snapshot("2026-05-20", key=store.key())
    with store.lock():
        put_lease(store, number=number)
        with pytest.raises(StoreLockedError, match="another writer took the store over"):
            store.publish(late)
    assert store.list()["snapshot_id"].tolist() == [kept.id]
    last = json.loads((store.path / leases(store)[-1]).read_bytes())
    assert (last["pid"], last["released"]) == (7, False), "it is not given back for it"


def test_a_lease_is_renewed_while_it_is_held(store, monkeypatch):
    monkeypatch.setattr(lease, "_SECONDS_BETWEEN_RENEWALS", 0.01)
    renewed = []
    monkeypatch.setattr(lease, "_renew", lambda *given: renewed.append(given) or True)
    with store.lock():
        while len(renewed) < 3:
            time.sleep(0.01)
    n = len(renewed)
    time.sleep(0.1)
    assert len(renewed) == n, "and not when it was given back"
