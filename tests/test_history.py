import pytest

import graphkit as gk
from graphkit.errors import UsageError
from graphkit.store.store import open_store
from tests.past_world import FIRST, add_day, follow, id_of, words

A, B = words("a", 0, 20), words("b", 0, 12)


@pytest.fixture
def store(tmp_path):
    made = open_store(tmp_path / "store", create=True)
    for snapshot in follow([A, B], [f"{A} {B}"], [A, B], [A], [A, B + " n00"], key=made.key()):
        made.publish(snapshot)
    return made


def told(frame):
    return [(f"{row.day:%d}", row.event, *row.previous_ids) for row in frame.itertuples()]


def test_the_life_of_a_cluster_is_told_from_birth_to_now(store):
    a, b = (id_of(store.latest(), account) for account in ("a00", "b00"))
    frame = gk.cluster_history(store, b)
    assert told(frame) == [
        ("01", "birth"),
        ("02", "merge", *sorted([a, b])),
        ("03", "split", a),
        ("04", "death", b),
        ("05", "resurrection", b),
    ]
    assert frame["n_accounts"].tolist() == [12, 32, 12, 12, 13]
    assert frame["n_gained"].tolist() == [12, 0, 0, 0, 1]
    assert frame["score"].isna().tolist() == [False, False, False, True, False]
    assert frame["snapshot_id"].tolist() == store.list()["snapshot_id"].tolist()
    assert told(gk.cluster_history(store.path, a))[:3] == [
        ("01", "birth"),
        ("02", "growth", a),
        ("02", "merge", *sorted([a, b])),
    ]


def test_a_cluster_of_another_branch_is_not_mixed_in(store):
    a = id_of(store.latest(), "a00")
    before = told(gk.cluster_history(store, a))
    store.publish(add_day(None, day=FIRST.replace(day=3), clusters=[words("a", 0, 40)], key=store.key()))
    assert told(gk.cluster_history(store, a)) == before


def test_an_unknown_cluster_is_refused(store):
    with pytest.raises(UsageError, match="no cluster 'C-00000' is known"):
        gk.cluster_history(store, "C-00000")
