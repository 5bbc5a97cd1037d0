"""Farms outrank every kind of look-alike, the closed ones too, in a small world."""

import pandas as pd
import pytest

import graphkit as gk
from graphkit.lab.worlds import synthesize

LOOK_ALIKES = (
    "enterprise",
    "enterprise-closed",
    "classroom",
    "classroom-closed",
    "household",
    "carrier",
    "vpn",
    "niche-tool",
)


@pytest.fixture(scope="module")
def world():
    return synthesize(10_000, 400_000, seed=200)


@pytest.fixture(scope="module")
def ranked(world):
    """A row is a cluster: score, whether it is mostly farm, and what most of it is."""
    found = gk.analyze(world.events, world.accounts, gk.Config(stability=False, chance_runs=0))
    members = found.accounts[["account_id", "cluster_id"]].merge(world.truth, on="account_id")
    members["what"] = members["style"].fillna(members["group"].str.replace(r"-\d+", "", regex=True))
    by_cluster = members.groupby("cluster_id")
    return pd.DataFrame(
        {
            "score": found.clusters.set_index("cluster_id")["score"],
            "farm": by_cluster["farm"].agg(lambda farm: farm.notna().mean() > 0.5),
            "what": by_cluster["what"].agg(lambda what: what.mode()[0]),
        }
    )


@pytest.mark.parametrize("what", LOOK_ALIKES)
def test_every_farm_style_outranks(ranked, what):
    styles = ranked[ranked["farm"]].groupby("what")["score"].min()
    assert len(styles) >= 9
    harmless = ranked.loc[~ranked["farm"] & (ranked["what"] == what), "score"]
    if what not in {"carrier", "vpn", "niche-tool"}:  # these are no clusters by design, if all goes well
        assert len(harmless)
    assert not len(harmless) or styles.min() > harmless.max(), styles


def test_closed_groups_share_one_of_everything(world):
    closed = world.truth[world.truth["group"].str.contains("closed")]
    events, cards = (frame.merge(closed[["account_id", "group"]]) for frame in (world.events, world.accounts))
    per_group = events.groupby("group")[["ip", "user_agent"]].nunique()
    assert set(closed["group"].str.replace(r"-\d+", "", regex=True)) == {"enterprise-closed", "classroom-closed"}
    assert (per_group == 1).all(axis=None)
    firms = cards[cards["group"].str.startswith("enterprise")].groupby("group")
    assert firms["payment_instrument"].agg(set).str.len().eq(1).all()
    assert ((firms["created_at"].max() - firms["created_at"].min()).dt.days < 7).all()
