"""Stores in object stores, by fsspec's own in memory: what is half is not seen, what is damaged is named."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

import graphkit as gk
from graphkit.errors import StoreError, UsageError
from graphkit.snapshot import STORED_TABLES
from graphkit.store.remote import RemotePath, locate
from graphkit.store.store import open_store
from tests.commands import small_events

QUICK = gk.Config(stability=False, chance_runs=0)


@pytest.fixture
def store(memory_url):
    return open_store(memory_url, create=True)


@pytest.fixture
def publish(store, make_snapshot):
    return lambda *args, **kwargs: store.publish(make_snapshot(*args, key=store.key(), **kwargs))


def test_a_refresh_gives_the_same_bytes_as_in_a_folder(memory_url, tmp_path):
    small_events().to_csv(tmp_path / "small.csv", index=False)
    here = gk.refresh_store(tmp_path / "small.csv", tmp_path / "store", config=QUICK)
    there = gk.refresh_store(tmp_path / "small.csv", memory_url, config=QUICK)
    assert there.content == here.content
    assert all(there.read_bytes(name) == here.read_bytes(name) for name in STORED_TABLES)
    told = []
    again = gk.refresh_store(tmp_path / "small.csv", memory_url, config=QUICK, progress=told.append)
    assert again.id == here.id
    assert told[1].result == "408 events, 0 sources read anew", "partials are in the cache"
    assert not [name for name in open_store(memory_url).path.find() if "partials" in name or "key" in name]
    assert open_store(memory_url).verify() == []


def test_reviews_alerts_history_diff_and_pruning_work_as_in_a_folder(memory_url, tmp_path):
    small_events().to_csv(tmp_path / "small.csv", index=False)
    for day in ("2026-05-05", "2026-05-06", "2026-05-07"):
        gk.refresh_store(tmp_path / "small.csv", memory_url, config=QUICK, as_of=datetime.fromisoformat(day).date())
    store = open_store(memory_url)
    first, second, third = store.list()["snapshot_id"]
    (cluster,) = store.latest().clusters["cluster_id"]
    gk.review(memory_url, cluster, "watch", author="A. Analyst", note="one")
    gk.review(memory_url, cluster, "confirmed", author="A. Analyst", snapshot_id=first)
    assert store.reviews()["verdict"].tolist() == ["watch", "confirmed"]
    assert store.latest().clusters["verdict"].tolist() == ["confirmed"]
    alerts = gk.find_alerts(memory_url)
    assert alerts
    gk.note_alerts(memory_url, alerts)
    assert gk.find_alerts(memory_url) == []
    assert gk.cluster_history(memory_url, cluster)["event"].tolist()[0] == "birth"
    assert gk.diff_snapshots(store.load(first), store.latest()).before == first
    done = gk.prune_store(memory_url, keep=1)
    assert (done.removed, done.kept_for_reviews, done.kept_for_lineage) == ((), (first,), (second,))
    fourth = gk.refresh_store(
        tmp_path / "small.csv", memory_url, config=QUICK, as_of=datetime(2026, 5, 8, tzinfo=UTC).date()
    )
    assert gk.prune_store(memory_url, keep=1).removed == (second,)
    assert store.list()["snapshot_id"].tolist() == [first, third, fourth.id]
    assert not [name for name in store.path.find() if second in name]
    assert store.verify() == []
    copy = tmp_path / "copy"
    store.path.filesystem.get(store.path.key, str(copy), recursive=True)
    here = open_store(copy)
    assert here.verify() == []
    assert here.latest().clusters.equals(store.latest().clusters)
    gk.review(here, cluster, "benign", author="A. Analyst")
    assert sorted(here.reviews()["verdict"]) == ["benign", "confirmed", "watch"]


def test_readers_see_nothing_of_a_snapshot_until_its_manifest(store, make_snapshot, monkeypatch):
    seen = []
    put = RemotePath.write_bytes

    def look_and_put(path, data):
        if path.name.endswith(".parquet"):
            seen.append(len(open_store(str(store.path)).list()))
        put(path, data)

    monkeypatch.setattr(RemotePath, "write_bytes", look_and_put)
    store.publish(make_snapshot(key=store.key()))
    assert seen == [0] * len(STORED_TABLES)
    assert len(store.list()) == 1


@pytest.mark.parametrize("place", [0, 5, len(STORED_TABLES) - 1, "manifest"])
def test_what_a_killed_writer_put_is_not_seen_is_told_and_goes_with_the_next(store, make_snapshot, publish, place):
    kept, half = publish(), make_snapshot("2026-05-20", key=store.key())
    folder = store.path / "snapshots" / half.id
    for name in STORED_TABLES[: len(STORED_TABLES) if place == "manifest" else place + 1]:
        (folder / f"{name}.parquet").write_bytes(half.read_bytes(name))
    assert store.latest().id == kept.id
    assert store.list()["snapshot_id"].tolist() == [kept.id]
    with pytest.raises(UsageError, match="no snapshot"):
        store.load(half.id)
    assert [problem.file for problem in store.verify()] == [f"snapshots/{half.id}"]
    publish("2026-05-16")
    assert not folder.exists()
    assert store.verify() == []


def test_an_upload_that_fails_says_so_and_takes_back_what_it_put(store, make_snapshot, publish, monkeypatch):
    kept = publish()
    before = store.path.find()
    put = RemotePath.write_bytes

    def fail(path, data):
        if path.name == "links.parquet":
            raise OSError(5, "the network is down", str(path))
        put(path, data)

    monkeypatch.setattr(RemotePath, "write_bytes", fail)
    with pytest.raises(StoreError, match=r"links\.parquet: snapshot 20260520-\w+ cannot be written: the network is do"):
        store.publish(make_snapshot("2026-05-20", key=store.key()))
    assert [name for name in store.path.find() if "lease" not in name] == [n for n in before if "lease" not in n]
    assert store.latest().id == kept.id


def test_a_flipped_byte_is_named_by_verify_and_by_loading(store, publish):
    snapshot = publish()
    gk.review(store, snapshot.clusters["cluster_id"][0], "watch", author="A. Analyst")
    names = [name for name in store.path.find() if not name.startswith("lease/")]
    assert len(names) == len(STORED_TABLES) + 3, "tables, manifest, store.json, a review"
    for name in names:
        whole = (store.path / name).read_bytes()
        for place in (0, len(whole) // 2, len(whole) - 1):
            (store.path / name).write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
            if name != "store.json":
                assert [problem.file for problem in store.verify()] == [name]
            with pytest.raises(StoreError, match=name.rpartition("/")[2]):
                read_all(str(store.path))
        (store.path / name).write_bytes(whole)
    read_all(str(store.path))


def read_all(url):
    opened = open_store(url)
    opened.reviews()
    for name in STORED_TABLES:
        opened.latest().table(name)


def test_an_object_store_keeps_no_key(memory_url, monkeypatch):
    monkeypatch.delenv("GRAPHKIT_KEY")
    with pytest.raises(StoreError, match="give one as a key file or in GRAPHKIT_KEY"):
        open_store(memory_url, create=True)
    monkeypatch.setenv("GRAPHKIT_KEY", "k" * 32)
    made = open_store(memory_url, create=True)
    (made.path / "key").write_bytes(b"k" * 32)
    assert [problem.file for problem in made.verify()] == ["key"]
    monkeypatch.setenv("GRAPHKIT_KEY", "x" * 32)
    with pytest.raises(StoreError, match="does not belong to this store"):
        open_store(memory_url)


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ("memory://", "names no folder"),
        ("nothing9://a/b", "Protocol not known: nothing9"),
        ("simplecache::memory://a", "cannot be a chain"),
        ("", "empty"),
        (Path("s3://bucket/store"), "give a URL as text"),
    ],
)
def test_a_place_that_cannot_be_is_refused(given, error):
    with pytest.raises(UsageError, match=error):
        open_store(given)


def test_a_file_url_is_a_folder(tmp_path):
    made = open_store(f"file://{tmp_path}/a folder", create=True)
    assert made.path == tmp_path / "a folder"
    assert (made.path / "store.json").is_file()


def test_a_place_that_holds_other_things_does_not_become_a_store(memory_url):
    (locate(memory_url) / "thesis.txt").write_bytes(b"mine")
    with pytest.raises(StoreError, match=r"holds 'thesis\.txt'"):
        open_store(memory_url, create=True)


def test_without_fsspec_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(UsageError, match=r"s3://: .*: install graphkit\[s3\]"):
        open_store("s3://bucket/store")
