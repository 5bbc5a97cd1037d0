"""Explanations, packets and the report of clusters that weak pairs and likeness hold."""

import numpy as np
import pytest

import graphkit as gk
from graphkit.detect.telling import CUT_LOOSE
from graphkit.lab.frontier import frontier_farms
from graphkit.show.packet import render_packet
from graphkit.show.report import render_report


@pytest.fixture(scope="module")
def snapshot():
    farms = tuple(plan for plan in frontier_farms(60) if plan.name in {"ip-2x10", "ip-4x10"})
    world = gk.synthesize(n_accounts=2_500, n_events=70_000, seed=3, farms=farms)
    return gk.analyze(world.events, world.accounts, gk.Config(stability=False, chance_runs=0))


@pytest.fixture(scope="module")
def members(snapshot):
    accounts = snapshot.accounts
    weak = accounts["reasons"].map(lambda reasons: "weak_links" in reasons)
    share = weak.groupby(accounts["cluster_id"]).transform("mean")
    size = weak.groupby(accounts["cluster_id"]).transform("size")
    return accounts.assign(weak=weak)[(share > 0.5) & (share < 1) & (size > 20)]


@pytest.fixture(scope="module")
def weak(snapshot, members):
    return gk.explain_account(snapshot, members.loc[members["weak"], "account_id"].iloc[0])


def test_the_bits_of_a_weak_member_add_up_to_a_link(weak):
    facts = weak.facts
    assert facts["best_bits"] < facts["threshold_bits"] <= facts["strength"] + facts["likeness"]
    assert facts["best_bits"] >= facts["needed_bits"] >= facts["weak_threshold_bits"]
    assert (facts["n_linked"], facts["n_weak"]) == (0, len(weak.partners))
    assert not weak.partners["linked"].any()
    told = " ".join(weak.why)
    assert f"takes {facts['threshold_bits']:.1f} bits; its strongest has {facts['best_bits']:.1f}" in told
    assert f"adds {facts['likeness']:.1f} bits of likeness" in told
    assert "to be linked" not in told


def test_what_would_clear_a_weak_member_is_that_it_reaches_no_link_with_its_likeness(weak):
    facts, trials = weak.facts, weak.clearing
    cut = trials["outcome"] == CUT_LOOSE
    evidence = trials["set_aside"] != "likeness"
    assert (cut == (trials["best_bits"] < facts["needed_bits"] - 1e-9))[evidence].all()
    assert trials.loc[trials["set_aside"] == "likeness", "outcome"].tolist() == [CUT_LOOSE]
    assert trials.loc[trials["set_aside"] == "together", "outcome"].iloc[-1] == CUT_LOOSE
    assert "If it did not behave as the others do, nothing would hold it." in weak.clears
    assert any("is held as it is throughout" in sentence for sentence in weak.clears)


def test_links_alone_hold_a_member_that_has_any(snapshot, members):
    strong = gk.explain_account(snapshot, members.loc[~members["weak"], "account_id"].iloc[0])
    assert strong.facts["n_linked"] == strong.partners["linked"].sum() > 0
    assert strong.facts["best_bits"] >= strong.facts["threshold_bits"]
    assert "likeness" not in set(strong.clearing["set_aside"])
    assert any("Its links alone hold it" in sentence for sentence in strong.compared)


def test_a_member_unlike_the_others_is_told_so(snapshot):
    unlike = snapshot.accounts.nsmallest(1, "likeness").iloc[0]
    told = " ".join(gk.explain_account(snapshot, unlike["account_id"]).compared)
    assert unlike["likeness"] < -1
    assert f"{unlike['likeness']:.1f} bits of likeness to the other members: it behaves unlike them" in told


def test_a_cluster_says_how_many_likeness_holds_and_what_links_alone_would(snapshot, members):
    cluster_id = members["cluster_id"].iloc[0]
    own = members[members["cluster_id"] == cluster_id]
    explained = gk.explain_cluster(snapshot, cluster_id)
    sentence = f"{own['weak'].sum()} of {len(own)} accounts have no link of their own"
    assert any(sentence in told for told in explained.why)
    assert f"{own['likeness'].median():.1f} bits a member (median)" in explained.alike[0]
    (trial,) = explained.undoing[explained.undoing["set_aside"] == "likeness"].to_dict("records")
    assert trial["largest_part"] < 1
    assert trial["pairs_left"] < 0.5
    assert any(told.startswith("If like behavior counted for nothing") for told in explained.undoes)
    assert sentence in render_report(snapshot, cluster_id=cluster_id)
    assert "In by likeness" in render_packet(snapshot, cluster_id)


def test_weak_pairs_are_steps_of_paths_and_told(snapshot, members):
    threshold = snapshot.content["resolved"]["threshold_bits"]
    own = members[members["cluster_id"] == members["cluster_id"].iloc[0]]
    names = own.loc[own["weak"], "account_id"]
    path = gk.explain_path(snapshot, names.iloc[0], names.iloc[-1])
    bits = path.groupby("step")["bits"].transform("sum")
    assert len(path)
    assert (path["linked"] == (bits >= threshold)).all()
    assert not path["linked"].all()


def test_linked_and_weak_pairs_are_counted_apart(snapshot):
    resolved, weight = snapshot.content["resolved"], snapshot.pairs["match_weight"]
    linked = snapshot.pairs[weight >= resolved["threshold_bits"]]
    assert (resolved["n_pairs"], resolved["n_weak_pairs"]) == (len(linked), len(weight) - len(linked))
    assert resolved["n_linked_accounts"] == len(np.union1d(linked["account_a"], linked["account_b"]))
    page = render_report(snapshot)
    assert f"{resolved['n_weak_pairs']:,} sampled pairs inside clusters are weak" in page
