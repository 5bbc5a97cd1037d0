import json
import shutil
from datetime import date

import pytest

from graphkit.errors import StoreError, UsageError
from graphkit.store import listing
from graphkit.store.folder import read_snapshot
from graphkit.store.store import open_store


@pytest.fixture
def store(tmp_path):
    return open_store(tmp_path / "Übersicht der Läufe", create=True)


@pytest.fixture
def publish(store, make_snapshot):
    return lambda *args, **kwargs: store.publish(make_snapshot(*args, key=store.key(), **kwargs))


def test_a_new_store_is_empty(store):
    assert store.list().empty
    assert not store.verify()
    assert store.parent_of(date(2026, 5, 15)) is None
    with pytest.raises(StoreError, match="no snapshot yet"):
        store.latest()


def test_a_published_snapshot_is_the_same_when_loaded(store, make_snapshot):
    fresh = make_snapshot(key=store.key(), created="2026-05-16T01:00:00+00:00")
    loaded = store.publish(fresh)
    assert loaded.manifest == fresh.manifest
    assert loaded.accounts.equals(fresh.accounts)
    assert loaded.table("links", columns=["entity"]).column_names == ["entity"]
    assert open_store(store.path).latest().id == fresh.id


def test_the_same_again_is_the_same_snapshot(store, publish):
    first = publish(created="2026-05-16T01:00:00")
    before = (store.path / "snapshots" / first.id / "manifest.json").read_bytes()
    again = publish(created="2026-05-17T01:00:00")
    assert again.id == first.id
    assert len(store.list()) == 1
    assert (store.path / "snapshots" / first.id / "manifest.json").read_bytes() == before


def test_the_list_tells_each_snapshot(store, publish):
    later = publish("2026-05-16", created="2026-05-17T01:00:00+02:00")
    publish("2026-05-15")
    row = store.list().iloc[-1]
    assert store.list()["as_of"].tolist() == [date(2026, 5, 15), date(2026, 5, 16)]
    assert row["snapshot_id"] == later.id
    assert row["created"].isoformat() == "2026-05-16T23:00:00+00:00"
    counts = ["n_accounts", "n_clusters", "n_clustered_accounts", "n_events", "format"]
    assert row[counts].tolist() == [100, 1, 3, 1000, 1]


def test_the_newest_is_of_the_last_day_and_of_two_the_one_made_last(store, publish):
    made = {seed: publish(seed=seed, created=f"2026-05-{20 - seed}T00:00:00+00:00").id for seed in range(4)}
    publish("2026-05-14", created="2026-06-01T00:00:00+00:00")
    assert store.latest().id == made[0]
    assert store.list()["snapshot_id"].tolist()[1:] == [made[3], made[2], made[1], made[0]]


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [("2026-05-14", None), ("2026-05-15", "20260514"), ("2026-05-16", "20260515"), ("2027-01-01", "20260515")],
)
def test_the_parent_is_strictly_earlier(store, publish, as_of, expected):
    publish("2026-05-14")
    publish("2026-05-15")
    parent = store.parent_of(date.fromisoformat(as_of))
    assert (parent.id[:8] if parent else None) == expected


def test_a_snapshot_is_loaded_by_the_start_of_its_id(store, publish):
    first, second = publish("2026-05-14"), publish("2026-05-15")
    assert store.load(first.id).id == first.id
    assert store.load("20260515").id == second.id
    with pytest.raises(UsageError, match=f"several snapshots start with '2026': {first.id}, {second.id}"):
        store.load("2026")
    for unknown in ("2025", "", "../../key", second.id + "0"):
        with pytest.raises(UsageError, match=f"the last are: {first.id}, {second.id}"):
            store.load(unknown)


def test_json_is_sorted_indented_and_utf_8(store, publish):
    manifest = (store.path / "snapshots" / publish().id / "manifest.json").read_text(encoding="utf-8")
    top = list(json.loads(manifest))
    assert top == sorted(top)
    assert manifest.startswith('{\n  "checksum"')


def test_a_folder_that_holds_other_things_does_not_become_a_store(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(StoreError, match=r"holds 'thesis\.txt'"):
        open_store(tmp_path, create=True)
    with pytest.raises(StoreError, match="no store here"):
        open_store(tmp_path / "absent")
    with pytest.raises(StoreError, match="cannot be made"):
        open_store(tmp_path / "thesis.txt", create=True)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_snapshot_that_is_pruned_while_the_list_is_read_is_passed_by(store, publish, monkeypatch):
    kept, old = publish("2026-05-14").id, publish("2026-05-15").id

    def read_late(folder):
        shutil.rmtree(store.path / "snapshots" / old, ignore_errors=True)
        return read_snapshot(folder)

    monkeypatch.setattr(listing, "read_snapshot", read_late)
    assert store.list()["snapshot_id"].tolist() == [kept]
