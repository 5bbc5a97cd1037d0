import pytest

import graphkit as gk
from graphkit.errors import StoreError, UsageError
from graphkit.store.reviews import read_reviews
from graphkit.store.store import open_store
from tests.past_world import follow, id_of, words

A, B = words("a", 0, 20), words("b", 0, 12)


@pytest.fixture
def publish(tmp_path):
    store = open_store(tmp_path / "Über sicht", create=True)
    return store, lambda *days: [store.publish(each) for each in follow(*days, key=store.key())]


def test_a_review_is_kept_with_what_it_looked_at(publish):
    store, make = publish
    first, second = make([A, B], [A + " n00", B])
    a = id_of(first, "a00")
    given = gk.review(store, a, "confirmed", author=" Ann ", note="same\nproxies\ud800")
    gk.review(store.path, a, "watch", author="Bob", snapshot_id="20260501")
    frame = store.reviews()
    assert frame["verdict"].tolist() == ["confirmed", "watch"]
    assert frame["author"].tolist() == ["Ann", "Bob"]
    assert frame["snapshot_id"].tolist() == [second.id, first.id]
    assert frame["n_accounts"].tolist() == [21, 20]
    assert frame["note"][0] == "same\nproxies?"
    assert frame["time"].dt.tz is not None
    assert read_reviews(store.path)[0] == given
    assert not store.verify()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"verdict": "guilty"}, "allowed: confirmed, benign, watch"),
        ({"author": " "}, "author: give who"),
        ({"author": "x" * 201}, "author: give who"),
        ({"note": "x" * 10_001}, "allowed: 10,000"),
        ({"cluster_id": "C-00000"}, "has no cluster 'C-00000'; its first are: C-"),
        ({"snapshot_id": "1999"}, "no snapshot '1999'"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(publish, arguments, message):
    store, make = publish
    (first,) = make([A])
    given = {"cluster_id": id_of(first, "a00"), "verdict": "benign", "author": "Ann"} | arguments
    with pytest.raises(UsageError, match=message):
        gk.review(store, given.pop("cluster_id"), given.pop("verdict"), **given)
    assert store.reviews().empty
    assert not (store.path / "reviews.jsonl").exists()


def test_a_store_without_reviews_has_an_empty_frame(publish):
    store, make = publish
    make([A])
    assert store.reviews().columns.tolist()[:3] == ["time", "cluster_id", "verdict"]
    assert store.latest().clusters["verdict"].isna().all()


def test_damage_is_told_by_verify_and_on_reading(publish):
    store, make = publish
    (first,) = make([A])
    gk.review(store, id_of(first, "a00"), "benign", author="Ann")
    path = store.path / "reviews.jsonl"
    path.write_bytes(path.read_bytes().replace(b"benign", b"watch!"))
    assert [(each.file, each.problem[:17]) for each in store.verify()] == [("reviews.jsonl", "line 1 is damaged")]
    with pytest.raises(StoreError, match="line 1 is damaged"):
        _ = store.latest().clusters
    with pytest.raises(StoreError, match="line 1 is damaged"):
        store.reviews()
    assert len(store.latest().accounts) == 20, "what needs no verdict can be read"
