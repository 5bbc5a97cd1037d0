"""Sharing read from a snapshot gives the match weights again, also as if some entities were innocent."""

import numpy as np
import pandas as pd
import pytest

import graphkit as gk
from graphkit.detect.sharing import read_sharing, weigh_sharing
from tests.small import events_of

USES = {
    "anna": {"ip": "10.9.0.1 10.9.0.2 10.9.0.3", "payment_instrument": "c1", "user_agent": "rare"},
    "berta": {"ip": "10.9.0.1 10.9.0.2 10.9.0.4 10.9.0.5", "payment_instrument": "c1", "user_agent": "rare"},
    "carla": {"ip": "10.9.0.3 10.9.0.4 10.9.0.5", "payment_instrument": "c2", "user_agent": "rare"},
    "dora": {"ip": "10.9.0.9", "payment_instrument": "c2"},
}


def analyzed(**settings):
    return gk.analyze(events_of(USES, bystanders=1_000), config=gk.Config(margin=-6, **settings))


def weigh(snapshot, without=()):
    """Match weight by pair, as sharing gives it."""
    pairs = snapshot.pairs
    sharing = read_sharing(snapshot, pairs["account_a"], pairs["account_b"])
    named = pd.MultiIndex.from_frame(sharing.entities[["kind", "entity"]])
    places = [named.get_loc(name) for name in without]
    bits = np.maximum(weigh_sharing(sharing, without=places), 0).sum(axis=1)
    return dict(zip(zip(pairs["account_a"], pairs["account_b"], strict=True), bits, strict=True))


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"calibrate": True},
        {"kinds": {"ip": {"within": "2m"}, "payment_instrument": {}, "user_agent": {}}},
    ],
)
def test_weights_are_those_of_the_snapshot(settings):
    snapshot = analyzed(**settings)
    pairs = snapshot.pairs
    assert len(pairs) >= 3
    assert list(weigh(snapshot).values()) == pytest.approx(pairs["match_weight"].tolist())


def test_an_innocent_entity_counts_for_no_one():
    """Berta has four addresses, three without the first: the price of the one she still shares with Anna falls."""
    snapshot = analyzed()
    rarity = np.log2(1004 / 2)
    agent = np.log2(1004 / 3) - 4
    full, less = weigh(snapshot), weigh(snapshot, without=[("ip", "10.9.0.1")])
    card = rarity + 8
    assert full["anna", "berta"] == pytest.approx(2 * rarity - np.log2(6) + card + agent)
    assert less["anna", "berta"] == pytest.approx(rarity - np.log2(3) + card + agent)
    assert less["berta", "carla"] == pytest.approx(full["berta", "carla"] + np.log2(6) - np.log2(3))


def test_nothing_shared_is_told_from_nothing_weighed():
    snapshot = analyzed()
    sharing = read_sharing(snapshot, ["anna"], ["dora"])
    assert weigh_sharing(sharing).tolist() == [[-1, -1, -1]]
