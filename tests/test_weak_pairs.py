"""Weak pairs: a farm that shares too little to be linked shows where its accounts also behave alike."""

from dataclasses import replace

import numpy as np
import pytest

import graphkit as gk
from graphkit.config import Config
from graphkit.lab.frontier import frontier_farms
from graphkit.link.weights import tell_counting, weak_threshold, weigh_pairs
from tests.small import NO_CO_USES, links_of

ALIKE = np.array([[1.5, -1.5], [1.5, -1.5], [-1.5, 1.5]])
PAIR = {"a": {"ip": "x"}, "b": {"ip": "x"}, "c": {"ip": "x"}}


@pytest.fixture(scope="module")
def world():
    farms = tuple(plan for plan in frontier_farms(60) if plan.name in {"ip-4x10", "template-5-10%"})
    return gk.synthesize(n_accounts=4_000, n_events=120_000, seed=1, farms=farms)


def analyze(world, events=None, **settings):
    settings = {"stability": False, "chance_runs": 0} | settings
    return gk.analyze(world.events if events is None else events, world.accounts, gk.Config(**settings))


@pytest.fixture(scope="module")
def snapshot(world):
    return analyze(world)


def measure(snapshot, world):
    return gk.evaluate_clusters(snapshot.accounts, world.truth)


def test_diluted_farms_are_found_to_the_last_account_with_weak_pairs(world, snapshot):
    found, by_links_alone = measure(snapshot, world), measure(analyze(world, reach=0), world)
    assert found["farms_whole"] == 2
    assert found["recall"] == 1
    assert by_links_alone["recall"] < 0.95


def test_without_models_and_capabilities_links_alone_decide(world):
    events = world.events.drop(columns=["model", "capability"])
    found, alone = analyze(world, events), analyze(world, events, reach=0)
    assert found.content["resolved"]["weak_threshold_bits"] == found.content["resolved"]["threshold_bits"]
    assert found.accounts["cluster_id"].tolist() == alone.accounts["cluster_id"].tolist()


def test_every_member_reaches_the_threshold_with_its_likeness(snapshot):
    members, threshold = snapshot.accounts, snapshot.content["resolved"]["threshold_bits"]
    weak = members["strength"] < threshold
    assert weak.any()
    assert (members["strength"] > 0).all()
    assert (members["strength"] + members["likeness"])[weak].min() >= threshold
    assert set(members.loc[weak, "tier"]) == {"review"}
    assert all(reasons[0] == "weak_links" for reasons in members.loc[weak, "reasons"])
    assert not any("weak_links" in reasons for reasons in members.loc[~weak, "reasons"])


def test_weak_pairs_are_kept_inside_clusters_only(snapshot):
    cluster = snapshot.accounts.set_index("account_id")["cluster_id"]
    pairs = snapshot.pairs
    weak = pairs[pairs["match_weight"] < snapshot.content["resolved"]["threshold_bits"]]
    assert len(weak)
    assert (weak["account_a"].map(cluster) == weak["account_b"].map(cluster)).all()


@pytest.mark.parametrize(("reach", "counting"), [(0, []), (1, []), (2, [(0, 1)]), (64, [(0, 1)])])
def test_a_weak_pair_counts_if_near_enough_and_alike(reach, counting):
    links = replace(links_of(PAIR, n_population=768), profiles=ALIKE)
    config = Config(kinds={"ip": {}}, reach=reach)  # the pair has 8 bits, a link 9.6
    pairs, _ = weigh_pairs(np.array([1, 2, 5]), links, co_uses=NO_CO_USES, config=config)
    assert list(zip(pairs.a, pairs.b, strict=True)) == counting


@pytest.mark.parametrize("method", ["multiplex", "bipartite"])
def test_other_methods_look_at_links_alone(method):
    links = replace(links_of(PAIR, n_population=768), profiles=ALIKE)
    config = Config(kinds={"ip": {}}, reach=8, method=method)
    pairs, _ = weigh_pairs(np.array([1, 2, 5]), links, co_uses=NO_CO_USES, config=config)
    assert weak_threshold(links, config) == pytest.approx(np.log2(768))
    assert not len(pairs.a)
    assert not tell_counting(pairs, links, config=config).any()


def test_explanations_say_what_likeness_makes_up(snapshot):
    members = snapshot.accounts
    weak = members[members["reasons"].map(lambda reasons: "weak_links" in reasons)].iloc[0]
    text = " ".join(gk.explain_account(snapshot, weak["account_id"]).to_dict()["why"])
    assert f"adds {weak['likeness']:.1f} bits of likeness" in text
    assert f"takes {snapshot.content['resolved']['threshold_bits']:.1f} bits" in text
