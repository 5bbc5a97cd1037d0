import json

import pytest

import graphkit as gk
from graphkit.config import Config
from tests.past_world import FIRST, add_day, follow, id_of, words

A, B = words("a", 0, 20), words("b", 0, 12)


def changes(diff, **columns):
    """Changes as (change, cluster), those that changed only."""
    frame = diff.clusters[diff.clusters["change"] != "same"]
    return {
        (row["change"], row["cluster_id"], *(row[name] for name in columns.values()))
        for row in frame.to_dict("records")
    }


@pytest.mark.parametrize(
    ("then", "expected"),
    [
        ([A, B], set()),
        ([A, B, words("c", 0, 5)], {("new", "c00")}),
        ([A], {("gone", "b00")}),
        ([A + " n00", B], {("grown", "a00")}),
        ([A, words("b", 0, 9)], {("shrunk", "b00")}),
        ([f"{A} {B}"], {("grown", "a00"), ("merged", "a00")}),
        ([words("a", 0, 13), words("a", 13, 20), B], {("shrunk", "a00"), ("split", "a19")}),
    ],
)
def test_clusters_that_changed(then, expected):
    first, second = follow([A, B], then)
    found = gk.diff_snapshots(first, second)
    known = {id_of(first, "b00"): "b00"} | {id_of(second, account): account for account in ("c00", "a19", "a00")}
    assert {(change, known[name]) for change, name in changes(found)} == expected
    assert set(found.clusters["cause"]) == {"world"}
    assert "The settings are the same: the world changed." in found.sentences


def test_a_snapshot_does_not_differ_from_itself():
    (only,) = follow([A, B])
    found = gk.diff_snapshots(only, only)
    assert (changes(found), found.accounts.empty) == (set(), True)
    assert found.sentences[-1] == "Both are the same snapshot: nothing changed."


def test_accounts_that_joined_left_and_moved():
    first, second = follow([A, B], [words("a", 0, 19) + " n00 b11", words("b", 0, 10)])
    a, b = id_of(first, "a00"), id_of(first, "b00")
    rows = {tuple(row) for row in gk.diff_snapshots(first, second).accounts.astype(object).fillna("").to_numpy()}
    assert rows == {("a19", a, "", "left"), ("b10", b, "", "left"), ("b11", b, a, "moved"), ("n00", "", a, "joined")}


def test_things_that_bind_anew():
    first, second = follow(
        {"clusters": [A, B], "things": {"203.0.113.1": A}},
        {"clusters": [A, B], "things": {"203.0.113.1": A, "203.0.113.2": "a00 a01 b00 b01 b02", "user_agent/x": "a00"}},
    )
    rows = gk.diff_snapshots(first, second).binding
    assert rows[["cluster_id", "entity", "n_inside"]].to_numpy().tolist() == [
        [id_of(first, "b00"), "203.0.113.2", 3],
        [id_of(first, "a00"), "203.0.113.2", 2],
    ]


def test_ids_hold_over_days_on_which_every_account_changed():
    days = [[words("a", n, n + 20)] for n in range(0, 44, 4)]
    snapshots = follow(*days)
    found = gk.diff_snapshots(snapshots[0], snapshots[-1])
    assert changes(found) == set()
    assert found.clusters[["n_kept", "n_gained", "n_lost"]].to_numpy().tolist() == [[0, 20, 20]]
    assert set(found.accounts["change"]) == {"joined", "left"}


def test_what_had_ended_before_is_told_as_returned():
    snapshots = follow([A, B], [B], [A, B])
    assert changes(gk.diff_snapshots(snapshots[1], snapshots[2])) == {("returned", id_of(snapshots[0], "a00"))}


def test_settings_that_differ_leave_the_cause_open_until_the_old_ones_ran():
    (first,) = follow([A, B])
    new = Config.model_validate({"margin": 2, "kinds": {"ip": {"prior": 1}}, "alerts": {"score": 0.1}})
    day = FIRST.replace(day=2)
    after = add_day(first, day=day, config=new, clusters=[A + " n00", words("c", 0, 5)])
    found = gk.diff_snapshots(first, after)
    assert set(found.clusters["cause"]) == {"unknown"}
    assert found.n_undone is None
    differ = found.settings.set_index("key")
    assert differ.loc["margin"].tolist() == ["0.0", "2.0"]
    assert differ.loc["kinds.ip.prior"].tolist() == ["0.0", "1.0"]
    assert "kinds.user_agent.column" in differ.index
    assert not differ.index.str.startswith("alerts").any(), "alerts change no cluster"
    assert "Only the old settings run on the new data" in found.sentences[-1]

    rerun = add_day(None, day=day, clusters=[A + " n00", B, words("d", 0, 4)])
    told = gk.diff_snapshots(first, after, rerun=rerun)
    cause = told.clusters.set_index(["change", "cluster_id"])["cause"].to_dict()
    assert cause == {
        ("grown", id_of(first, "a00")): "world",
        ("new", id_of(after, "c00")): "settings",
        ("gone", id_of(first, "b00")): "settings",
    }
    assert told.n_undone == 1, "the cluster of d"
    assert "1 change would be the same; 2 came with the new settings, which also hide 1." in told.sentences[-1]


def test_a_diff_is_json_html_and_text():
    first, second = follow([A, B], [A + " n00"])
    found = gk.diff_snapshots(first, second)
    told = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert told["before"] == first.id
    assert {row["change"] for row in told["clusters"]} == {"grown", "gone"}
    assert told["accounts"][-1] == {
        "account_id": "n00",
        "before": None,
        "after": id_of(first, "a00"),
        "change": "joined",
    }
    assert second.id in repr(found)
    assert "<table" in found._repr_html_()


def test_no_clusters_then_or_now():
    first, second = follow([], [])
    found = gk.diff_snapshots(first, second)
    assert found.sentences[:2] == ("Clusters: none.", "Accounts: 0 joined, 0 left, 0 moved.")
    assert found.to_dict()["clusters"] == []
    assert changes(gk.diff_snapshots(first, add_day(first, day=FIRST.replace(day=2), clusters=[A]))) == {
        ("new", id_of(follow([A])[0], "a00"))
    }
