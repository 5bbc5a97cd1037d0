"""Verdicts through growth, merges, splits and returns."""

from datetime import date, timedelta

import pytest

import graphkit as gk
from graphkit.config import Config
from graphkit.snapshot import rank_clusters
from graphkit.store.reviews import Review
from graphkit.store.store import open_store
from graphkit.store.verdicts import _find_candidates
from tests.past_world import add_day, follow, id_of, words

A, B = words("a", 0, 20), words("b", 0, 12)
BOTH = f"{A} {B}"


@pytest.fixture
def tell(tmp_path):
    """Publish days; reviews are given after their day: {0: {"a00": "benign"}}; gives what holds on the last day."""

    def run(*days, reviews, config=None):
        store, snapshot = open_store(tmp_path / "store", create=True), None
        for number, day in enumerate(days):
            made = follow(*[None] * number, day, config=config, key=store.key(), parent=snapshot)
            snapshot = store.publish(made[-1])
            for account, verdict in reviews.get(number, {}).items():
                gk.review(store, id_of(snapshot, account), verdict, author="Ann")
        return store

    return run


def verdicts(store):
    """Verdict, basis and share covered, by an account of the cluster."""
    snapshot = store.latest()
    rows = snapshot.clusters.set_index("cluster_id")
    found = {}
    for account in ("a00", "b00", "a19"):
        name = id_of(snapshot, account)
        if name is not None and rows["verdict"].notna()[name]:
            found[account] = (
                rows["verdict"][name],
                rows["verdict_basis"][name],
                round(rows["verdict_covers"][name], 2),
            )
    return found


@pytest.mark.parametrize(
    ("days", "reviews", "expected"),
    [
        ([[A, B]], {0: {"a00": "benign"}}, {"a00": ("benign", "own", 1.0), "a19": ("benign", "own", 1.0)}),
        ([[A, B], [A + " n00", B]], {0: {"b00": "watch"}}, {"b00": ("watch", "own", 1.0)}),
        # a quarter of others is the most that a review covers
        ([[B], [B + " n00 n01 n02 n03"]], {0: {"b00": "benign"}}, {"b00": ("benign", "own", 0.75)}),
        ([[B], [B + " n00 n01 n02 n03 n04"]], {0: {"b00": "benign"}}, {"b00": ("benign", "outgrown", 0.71)}),
        ([[B], [B + " n00 n01 n02 n03 n04"]], {0: {"b00": "benign"}, 1: {"b00": "benign"}},
         {"b00": ("benign", "own", 1.0)}),
        ([[B], ["b00 b01 b02"]], {0: {"b00": "benign"}}, {"b00": ("benign", "own", 1.0)}),
        # a part of a benign cluster is not silently benign
        ([[A], [words("a", 0, 13), words("a", 13, 20)]], {0: {"a00": "benign"}},
         {"a00": ("benign", "own", 1.0), "a19": ("benign", "inherited", 1.0)}),
        ([[A], [words("a", 0, 13), words("a", 13, 20)]], {0: {"a00": "benign"}, 1: {"a19": "confirmed"}},
         {"a00": ("benign", "own", 1.0), "a19": ("confirmed", "own", 1.0)}),
        # what was said of the rest after the part had left is not about the part
        ([[A], [words("a", 0, 13), words("a", 13, 20)]], {1: {"a00": "benign"}}, {"a00": ("benign", "own", 1.0)}),
        # merges: the gravest holds until the whole is looked at
        ([[A, B], [BOTH]], {0: {"a00": "benign", "b00": "confirmed"}},
         dict.fromkeys(("a00", "b00", "a19"), ("confirmed", "outgrown", 0.38))),
        ([[A, B], [BOTH]], {0: {"a00": "confirmed", "b00": "benign"}},
         dict.fromkeys(("a00", "b00", "a19"), ("confirmed", "outgrown", 0.62))),
        ([[A, B], [BOTH]], {0: {"b00": "watch"}}, dict.fromkeys(("a00", "b00", "a19"), ("watch", "outgrown", 0.38))),
        ([[A, B], [BOTH], [BOTH]], {0: {"b00": "confirmed"}, 1: {"a00": "benign"}},
         dict.fromkeys(("a00", "b00", "a19"), ("benign", "own", 1.0))),
        # a part of the merged whole inherits from what the whole was said to be
        ([[A, B], [BOTH], [BOTH], [A, B]], {1: {"a00": "benign"}},
         {"a00": ("benign", "own", 1.0), "a19": ("benign", "own", 1.0), "b00": ("benign", "inherited", 1.0)}),
        # a farm that comes back brings its verdict
        ([[A, B], [B], [A, B]], {0: {"a00": "confirmed"}}, dict.fromkeys(("a00", "a19"), ("confirmed", "own", 1.0))),
    ],
)  # fmt: skip
def test_what_holds(tell, days, reviews, expected):
    assert verdicts(tell(*days, reviews=reviews)) == expected


@pytest.mark.timeout(20)
def test_clusters_that_merge_and_split_daily_for_long_are_followed():
    """There are more ways through their past than could be counted."""
    days = [date(2026, 1, 1) + timedelta(days=number) for number in range(90)]
    sources = {"A": [(day, "B") for day in days[::2]], "B": [(day, "A") for day in days[1::2]]}
    early = Review("B", "watch", "Ann", "", f"{days[10]:%Y%m%d}-00000000", 9, "")
    assert set(_find_candidates("A", {"B": [early]}, sources)) == {early}


def test_how_many_may_come_after_a_review_is_a_setting(tell):
    config = Config.model_validate({"lineage": {"renew": 0.5}})
    store = tell([B], [B + " n00 n01 n02 n03 n04"], reviews={0: {"b00": "benign"}}, config=config)
    assert verdicts(store)["b00"][1] == "own"


def test_a_reviewed_snapshot_that_is_gone_leaves_the_verdict_without_a_share(tell):
    import shutil

    store = tell([B], [B], reviews={0: {"b00": "benign"}})
    shutil.rmtree(store.path / "snapshots" / store.list()["snapshot_id"][0])
    row = store.latest().clusters.iloc[0]
    assert (row["verdict"], row["verdict_basis"]) == ("benign", "own")
    assert row.isna()["verdict_covers"]


def test_benign_sinks_and_stays_in_sight_and_what_is_not_its_own_does_not(tell):
    days = [[A, B], [words("a", 0, 13), words("a", 13, 20), B]]
    store = tell(*days, reviews={0: {"a00": "benign"}})
    snapshot = store.latest()
    ranked = [row["cluster_id"] for row in rank_clusters(snapshot.table("clusters").to_pylist())]
    assert ranked == [id_of(snapshot, account) for account in ("b00", "a19", "a00")]
    assert ranked[-1] in snapshot._repr_html_()


def test_verdicts_do_not_touch_the_bytes_of_a_snapshot(tell):
    store = tell([A], reviews={})
    before = store.latest()
    gk.review(store, id_of(before, "a00"), "benign", author="Ann")
    after = store.latest()
    assert after.clusters["verdict"].tolist() == ["benign"]
    assert after.id == before.id
    assert after.read_bytes("clusters") == before.read_bytes("clusters")
    assert before.clusters["verdict"].tolist() == ["benign"], "a value joins them when it is read"
    assert after.table("clusters", columns=["verdict"]).to_pydict() == {"verdict": ["benign"]}
    assert after.table("clusters", columns=["n_core", "verdict"]).column_names == ["n_core", "verdict"]
    assert not store.verify()


def test_an_older_snapshot_tells_the_verdict_too(tell):
    store = tell([A], [A], reviews={1: {"a00": "confirmed"}})
    assert store.load("20260501").clusters["verdict"].tolist() == ["confirmed"]


def test_no_day_follows_from_a_verdict(tell):
    """The same history with and without reviews has the same bytes."""
    store = tell([A, B], [BOTH], reviews={0: {"a00": "benign"}})
    plain = follow([A, B], [BOTH], key=store.key())[-1]
    assert plain.id == store.latest().id


def test_a_day_can_be_added_to_any_snapshot(tell):
    store = tell([A], reviews={0: {"a00": "benign"}})
    later = add_day(store.latest(), day=store.latest().as_of.replace(day=9), clusters=[A], key=store.key())
    assert store.publish(later).clusters["verdict"].tolist() == ["benign"]
