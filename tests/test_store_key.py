import stat

import pytest

from graphkit.errors import ConfigError, StoreError
from graphkit.store.store import open_store


@pytest.fixture
def store(tmp_path):
    return open_store(tmp_path / "store", create=True)


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
    short = tmp_path / "short"
    short.write_text("abc")
    with pytest.raises(ConfigError, match="16"):
        open_store(tmp_path / "store", key_file=short)


def test_a_snapshot_of_another_key_is_not_published(store, make_snapshot):
    with pytest.raises(StoreError, match="was made with the key"):
        store.publish(make_snapshot())
    assert store.list().empty
