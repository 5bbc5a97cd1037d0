"""What holds of every lineage, whatever becomes of the clusters."""

from datetime import timedelta

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from graphkit.snapshot import STORED_TABLES
from tests.past_world import FIRST, add_day

_ACCOUNTS = [f"a{n:02}" for n in range(24)]
_ORIGINS = {"birth", "split", "resurrection"}
_SIZES = {"growth", "contraction", "continuation"}


@st.composite
def day(draw):
    """Clusters of some of the accounts, and how many events there were."""
    places = draw(st.lists(st.integers(-1, 4), min_size=len(_ACCOUNTS), max_size=len(_ACCOUNTS)))
    groups = [[name for name, place in zip(_ACCOUNTS, places, strict=True) if place == group] for group in range(5)]
    return {
        "clusters": [" ".join(group) for group in groups if len(group) >= 2],
        "events": draw(st.sampled_from([1000, 1000, 1000, 0])),
    }


@settings(max_examples=25, phases=(Phase.explicit, Phase.generate))
@given(st.lists(day(), min_size=2, max_size=5))
def test_every_cluster_has_one_origin_and_every_earlier_one_one_end(days):
    parent = None
    for number, world in enumerate(days):
        snapshot = add_day(parent, day=FIRST + timedelta(days=number), **world)
        lineage = snapshot.lineage
        now = set(snapshot.clusters["cluster_id"])
        assert len(now) == len(world["clusters"])
        how = lineage[lineage["event"].isin(_ORIGINS | _SIZES)]
        assert sorted(how["cluster_id"]) == sorted(now), "one row says how each came to be what it is"
        assert not set(snapshot.former_accounts["cluster_id"]) & now

        sizes = snapshot.accounts.groupby("cluster_id").size()
        alive = lineage[lineage["event"] != "death"]
        assert (alive["n_kept"] + alive["n_gained"] == alive["cluster_id"].map(sizes)).all()
        assert (lineage[["n_kept", "n_gained", "n_lost"]] >= 0).all(axis=None)

        if parent is not None:
            before = set(parent.clusters["cluster_id"])
            before |= set(parent.former_accounts.query("state == 'held'")["cluster_id"])
            merged = {name for names in lineage.query("event == 'merge'")["previous_ids"] for name in names} - now
            back = {name for names in lineage.query("event == 'resurrection'")["previous_ids"] for name in names}
            dead = set(lineage.query("event == 'death'")["cluster_id"])
            held = set(snapshot.former_accounts.query("state == 'held'")["cluster_id"])
            ends = [before & now, merged, dead, held]
            assert set().union(*ends) == before
            assert sum(map(len, ends)) == len(before), "each has one end"
            assert back <= set(parent.former_accounts["cluster_id"]) | before
            assert not held or snapshot.content["faults"]
        again = add_day(parent, day=FIRST + timedelta(days=number), **world)
        assert all(again.read_bytes(name) == snapshot.read_bytes(name) for name in STORED_TABLES)
        parent = snapshot
