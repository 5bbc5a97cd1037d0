"""Ids and events from one day to the next, on clusters of a few accounts."""

import random
from dataclasses import replace
from datetime import date

import pytest

from graphkit.config import Config
from graphkit.detect.lineage import keep_identity
from graphkit.snapshot import STORED_TABLES
from tests.past_world import POPULATION, events_of, follow, id_of, tables_of, words

A, B = words("a", 0, 20), words("b", 0, 12)


def names(snapshots, *accounts):
    return [[id_of(snapshot, account) for account in accounts] for snapshot in snapshots]


@pytest.mark.parametrize(
    ("then", "event", "counts"),
    [
        (A, "continuation", (20, 0, 0)),
        (words("a", 1, 20) + " n00", "continuation", (19, 1, 1)),
        (words("a", 0, 21), "growth", (20, 1, 0)),
        (words("a", 0, 30), "growth", (20, 10, 0)),
        (words("a", 0, 19), "contraction", (19, 0, 1)),
        (words("a", 0, 3), "contraction", (3, 0, 17)),
        (words("a", 10, 20) + " " + words("n", 0, 50), "growth", (10, 50, 10)),
    ],
)
def test_a_cluster_keeps_its_id_as_it_changes(then, event, counts):
    first, second = follow([A, B], [then, B])
    assert id_of(second, "a11" if "a11" in then else "a01") == id_of(first, "a00")
    rows = {row["cluster_id"]: row for row in second.table("lineage").to_pylist()}
    row = rows[id_of(first, "a00")]
    assert (row["event"], row["n_kept"], row["n_gained"], row["n_lost"]) == (event, *counts)
    assert rows[id_of(first, "b00")]["event"] == "continuation"


def test_the_first_snapshot_has_births_and_content_ids():
    (first,) = follow([A, B])
    assert {event for _, event in events_of(first)} == {"birth"}
    assert first.lineage["n_gained"].tolist() == first.clusters["n_accounts"].tolist()
    assert first.accounts.groupby("cluster_id").size().to_dict() == {id_of(first, "a00"): 20, id_of(first, "b00"): 12}


def test_a_merge_keeps_the_id_of_the_larger_and_is_told_once():
    first, second, third = follow([A, B], [f"{A} {B}"], [f"{A} {B}"])
    a, b = id_of(first, "a00"), id_of(first, "b00")
    assert events_of(second) == {(a, "growth", a), (a, "merge", *sorted([a, b]))}
    assert events_of(third) == {(a, "continuation", a)}
    merge = second.lineage.set_index("event").loc["merge"]
    assert (merge["n_kept"], merge["n_gained"], merge["n_lost"]) == (32, 0, 0)


def test_a_split_keeps_the_id_with_the_larger_part_and_is_told_once():
    first, second, third = follow([A], [words("a", 0, 13), words("a", 13, 20)], [words("a", 0, 13), words("a", 13, 20)])
    a, part = id_of(first, "a00"), id_of(second, "a19")
    assert id_of(second, "a00") == a != part
    assert events_of(second) == {(a, "contraction", a), (part, "split", a)}
    assert names([third], "a00", "a19") == [[a, part]]


def test_core_members_decide_which_part_it_is():
    first, second = follow(
        [words("a", 0, 6, core=True) + " " + words("a", 6, 20)], [words("a", 0, 6, core=True), words("a", 6, 20)]
    )
    assert id_of(second, "a00") == id_of(first, "a00") != id_of(second, "a10")


def test_what_joined_and_leaves_again_gets_its_own_id_back():
    snapshots = follow([A, B], [f"{A} {B}"], [f"{A} {B}"], [A, B])
    (a, b), *_, last = names(snapshots, "a00", "b00")
    assert last == [a, b]
    assert (b, "split", a) in events_of(snapshots[-1])


def test_small_parts_are_births_and_small_mergers_are_deaths_that_say_so():
    large = words("a", 0, 60)
    first, second = follow([large, words("b", 0, 3)], [words("a", 0, 57) + " " + words("b", 0, 3), words("a", 57, 60)])
    a, b, part = id_of(first, "a00"), id_of(first, "b00"), id_of(second, "a59")
    assert events_of(second) == {(a, "continuation", a), (b, "death", b), (part, "birth", a)}
    reasons = second.lineage.set_index("cluster_id")["reason"]
    assert reasons[b] == f"joined {a}"
    assert reasons[part] == f"a small part of {a}"


def test_death_and_return_with_the_same_accounts():
    snapshots = follow([A, B], [B], [B], [A + " n00", B])
    a, b = names(snapshots, "a00", "b00")[0]
    assert events_of(snapshots[1]) == {(a, "death", a), (b, "continuation", b)}
    assert events_of(snapshots[2]) == {(b, "continuation", b)}
    assert events_of(snapshots[3]) == {(a, "resurrection", a), (b, "continuation", b)}
    back = snapshots[3].lineage.set_index("event").loc["resurrection"]
    assert (back["n_kept"], back["n_gained"], back["n_lost"], back["reason"]) == (20, 1, 0, "accounts")
    assert id_of(snapshots[3], "n00") == a
    assert snapshots[3].former_accounts.empty


@pytest.mark.parametrize("then", [words("a", 0, 2) + " n00 n01 n02", words("a", 0, 4) + " " + words("n", 0, 9)])
def test_a_few_accounts_that_went_elsewhere_do_not_bring_a_cluster_back(then):
    dead = words("a", 0, 4)
    first, _, third = follow([dead, B], [B], [then, B])
    assert id_of(third, "n00") != id_of(first, "a00")


def test_it_is_forgotten_after_the_days_that_the_settings_say():
    config = Config.model_validate({"lineage": {"remember_days": 3}})
    kept = follow([A, B], [B], [B], [A, B], config=config)
    lost = follow([A, B], [B], [B], [B], [B], [A, B], config=config)
    assert events_of(kept[-1]) >= {(id_of(kept[0], "a00"), "resurrection", id_of(kept[0], "a00"))}
    assert (id_of(lost[-1], "a00"), "birth") in events_of(lost[-1])
    assert lost[-2].former_accounts.empty
    assert lost[-2].history["cluster_id"].unique().tolist() == [id_of(lost[0], "b00")]


@pytest.mark.parametrize("gaps", [(1,), (1, 2), (2, 3), (1, 2, 3)])
def test_how_many_snapshots_lie_between_makes_no_difference(gaps):
    days = [[A, B], [f"{A} {B}"], [words("a", 0, 24), B], [words("a", 2, 26)], [words("a", 4, 28), B]]
    whole = follow(*days)
    some = follow(*(None if number in gaps else day for number, day in enumerate(days)))
    assert names(whole[-1:], "a10", "b00") == names(some[-1:], "a10", "b00") == names(whole[:1], "a10", "b00")


def test_an_id_that_is_taken_is_not_given_again():
    first, _, third = follow([A], [A + " " + words("n", 0, 30)], [words("n", 0, 30), A])
    a = id_of(first, "a00")
    part, whole = names([third], "a00", "n00")[0]
    assert whole == a, "the larger part keeps it"
    assert part.startswith(a), "its members would name it so, but the name is taken"
    assert len(part) > len(a)


def test_the_order_of_rows_makes_no_difference():
    days = [[A, B, words("c", 0, 9)], [f"{A} {B}", words("c", 0, 5), words("c", 5, 9)]]
    expected = follow(*days)[-1]
    mixed = random.Random(5)  # noqa: S311
    for _ in range(3):
        shuffled = [[" ".join(mixed.sample(text.split(), len(text.split()))) for text in day] for day in days]
        again = follow(*(mixed.sample(day, len(day)) for day in shuffled))[-1]
        assert all(again.read_bytes(name) == expected.read_bytes(name) for name in STORED_TABLES)


def test_every_table_tells_the_lasting_ids():
    things = {"203.0.113.1": "a00 a01 a02"}
    first, second = follow({"clusters": [A], "things": things}, {"clusters": [words("a", 0, 25)], "things": things})
    ids = {id_of(first, "a00")}
    for name in ("accounts", "clusters", "evidence", "lineage"):
        assert set(second.table(name)["cluster_id"].to_pylist()) == ids
    assert second.usage["cluster_id"].isna().all(), "the population stays without a cluster"


def test_a_parent_of_before_lineage_was_kept_gives_its_ids():
    (first,) = follow([A])
    kept = {
        name: table for name, table in first.content["tables"].items() if not name.startswith(("former", "history"))
    }
    older = replace(first, manifest={**first.manifest, "content": {**first.content, "tables": kept}})
    tables, faults = keep_identity(
        tables_of([A], day=date(2026, 5, 2)), older, as_of=date(2026, 5, 2), config=Config(), n_population=POPULATION
    )
    assert tables["clusters"]["cluster_id"].to_pylist() == [id_of(first, "a00")]
    assert faults == []
