"""Bad data: told, and no cluster is told as ended because of them."""

from datetime import timedelta
from unittest.mock import ANY

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from graphkit.config import Config
from graphkit.detect.lineage import keep_identity
from tests.past_world import FIRST, POPULATION, add_day, events_of, follow, id_of, tables_of, words

A, B = words("a", 0, 20), words("b", 0, 12)


def faults_of(snapshot):
    return [(fault["fault"], fault["subject"]) for fault in snapshot.content["faults"]]


@pytest.mark.parametrize(
    ("events", "expected"),
    [(1000, []), (201, []), (200, [("few_events", "2026-05-02")]), (1, [("few_events", "2026-05-02")]),
     (0, [("day_missing", "2026-05-02")])],
)  # fmt: skip
def test_a_day_of_far_fewer_events_is_told(events, expected):
    _, second = follow([A], {"clusters": [A], "events": events})
    assert faults_of(second) == expected


def test_how_many_fewer_is_a_setting():
    config = Config.model_validate({"lineage": {"fewer_events": 0.5}})
    _, second = follow([A], {"clusters": [A], "events": 500}, config=config)
    assert faults_of(second) == [("few_events", "2026-05-02")]


def test_every_day_since_the_parent_is_looked_at_but_none_beyond_the_look_back():
    (first,) = follow([A])
    for look_back, missing in [("all", ["02", "03"]), ("7d", ["02", "03"]), ("2d", ["03"]), ("1d", [])]:
        config = Config(look_back=look_back)
        later = add_day(first, day=FIRST + timedelta(days=3), config=config, clusters=[A])
        assert faults_of(later) == [("day_missing", f"2026-05-{day}") for day in missing]


def test_the_first_snapshot_has_no_faults():
    assert faults_of(follow({"clusters": [A], "events": 0})[0]) == []


def test_a_kind_that_many_used_and_nobody_does_is_told():
    crowd = words("c", 0, 60)
    both = {"clusters": [crowd], "things": {"203.0.113.1": crowd, "203.0.113.2": crowd, "user_agent/x": crowd}}
    without = {"clusters": [crowd], "things": {"user_agent/x": crowd}}
    assert faults_of(follow(both, without)[-1]) == [("kind_gone", "ip")]
    assert faults_of(follow(both, both)[-1]) == []
    assert faults_of(follow(without, {"clusters": [crowd]})[-1]) == [], "too few used it"


def test_deaths_are_held_back_and_told_when_the_data_are_good_again():
    snapshots = follow([A, B], {"clusters": [B], "events": 0}, [B], [B])
    a, b = id_of(snapshots[0], "a00"), id_of(snapshots[0], "b00")
    assert events_of(snapshots[1]) == {(b, "continuation", b)}
    assert set(snapshots[1].former_accounts["state"]) == {"held"}
    assert events_of(snapshots[2]) == {(b, "continuation", b), (a, "death", a)}
    assert set(snapshots[2].former_accounts["state"]) == {"dead"}
    assert events_of(snapshots[3]) == {(b, "continuation", b)}


def test_a_cluster_that_bad_data_hid_simply_goes_on():
    snapshots = follow([A, B], {"clusters": [B], "events": 0}, [A + " n00 n01", B])
    a, b = id_of(snapshots[0], "a00"), id_of(snapshots[0], "b00")
    assert events_of(snapshots[2]) == {(b, "continuation", b), (a, "growth", a)}
    assert snapshots[2].history["event"].tolist() == ["birth", "birth"]


def test_a_cluster_that_bad_data_hid_can_have_been_merged_meanwhile():
    snapshots = follow([A, B], {"clusters": [B], "events": 0}, [f"{A} {B}"])
    a, b = id_of(snapshots[0], "a00"), id_of(snapshots[0], "b00")
    assert (a, "merge", *sorted([a, b])) in events_of(snapshots[2])


def test_things_of_a_cluster_that_bad_data_hid_are_still_known():
    new, things = words("n", 0, 10), [f"203.0.113.{n}" for n in range(4)]
    old = {"clusters": [A, B], "things": dict.fromkeys(things, A)}
    snapshots = follow(
        old, {"clusters": [B], "events": 0}, {"clusters": [new, B], "things": dict.fromkeys(things, new)}
    )
    assert id_of(snapshots[2], "n00") == id_of(snapshots[0], "a00")


def test_texts_may_come_as_dictionaries_that_repeat_them():
    """As the links of a fresh analysis do: one entry an entity, so that a kind is in it many times."""
    crowd, new = words("c", 0, 60), words("n", 0, 10)
    things = [f"203.0.113.{n}" for n in range(4)]
    old = {"clusters": [crowd, A], "things": dict.fromkeys(things, A) | {f"user_agent/{n}": crowd for n in range(2)}}
    first, second = follow(old, {**old, "clusters": [crowd]})
    tables = tables_of([crowd, new], day=FIRST.replace(day=3), things=dict.fromkeys(things, new))
    expected, faults = keep(tables, second)
    links = tables["links"]
    for name in ("kind", "entity"):
        texts = links[name].combine_chunks()
        coded = pa.DictionaryArray.from_arrays(pa.array(range(len(texts)), pa.int32()), texts)
        links = links.set_column(links.column_names.index(name), name, coded)
    again, same_faults = keep(tables | {"links": links}, second)
    assert again["lineage"].equals(expected["lineage"])
    assert faults == same_faults == [{"fault": "kind_gone", "subject": "user_agent", "what": ANY}]
    assert id_of(first, "a00") in again["lineage"].filter(pc.field("event") == "resurrection")["cluster_id"].to_pylist()


def keep(tables, parent):
    return keep_identity(tables, parent, as_of=FIRST.replace(day=3), config=Config(), n_population=POPULATION)
