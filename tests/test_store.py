import json
import stat
from datetime import date

import pytest

from graphkit.errors import ConfigError, StoreError, UsageError
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


def test_the_key_is_made_once_for_its_owner_alone(store):
    path = store.path / "key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert open_store(store.path).key() == store.key() == path.read_bytes().strip()
    assert store.key().decode() not in repr(store)


@pytest.mark.parametrize("way", ["file", "environment", "own"])
def test_a_key_that_does_not_belong_is_refused(tmp_path, monkeypatch, way):
    mine, other = tmp_path / "mine", tmp_path / "other"
    mine.write_text("a" * 32)
    other.write_text("b" * 32)
    open_store(tmp_path / "store", create=True, key_file=mine)
    assert not (tmp_path / "store" / "key").exists()
    if way == "environment":
        monkeypatch.setenv("GRAPHKIT_KEY", "b" * 32)
    if way == "own":
        (tmp_path / "store" / "key").write_text("b" * 32)
    with pytest.raises(StoreError, match="does not belong to this store"):
        open_store(tmp_path / "store", create=True, key_file=other if way == "file" else None)


def test_reading_needs_no_key_but_digests_do(tmp_path, make_snapshot, monkeypatch):
    monkeypatch.setenv("GRAPHKIT_KEY", "a" * 32)
    made = open_store(tmp_path / "store", create=True)
    made.publish(make_snapshot(key=made.key()))
    monkeypatch.delenv("GRAPHKIT_KEY")
    reader = open_store(tmp_path / "store")
    assert len(reader.latest().accounts) == 3
    with pytest.raises(StoreError, match="GRAPHKIT_KEY"):
        reader.key()
    with pytest.raises(ConfigError, match="16"):
        open_store(tmp_path / "store", key_file=_write(tmp_path / "short", "abc"))


def test_a_snapshot_of_another_key_is_not_published(store, make_snapshot):
    with pytest.raises(StoreError, match="was made with the key"):
        store.publish(make_snapshot())
    assert store.list().empty


def test_a_folder_that_holds_other_things_does_not_become_a_store(tmp_path):
    _write(tmp_path / "thesis.txt", "mine")
    with pytest.raises(StoreError, match=r"holds 'thesis\.txt'"):
        open_store(tmp_path, create=True)
    with pytest.raises(StoreError, match="no store here"):
        open_store(tmp_path / "absent")
    with pytest.raises(StoreError, match="cannot be made"):
        open_store(tmp_path / "thesis.txt", create=True)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def _write(path, text):
    path.write_text(text)
    return path
