"""Why a cluster is a finding, what would undo it: on a cluster that one address holds together."""

import numpy as np
import pytest

import graphkit as gk
from tests.small import events_of

BRIDGE = "10.200.0.9"
USES = {
    f"{half}{n}": {"ip": f"{BRIDGE} 10.201.{side}.1", "user_agent": half}
    for side, half in enumerate("xy")
    for n in range(4)
}
SETTINGS = {"kinds": {"ip": {}, "user_agent": {"prior": -4}}, "margin": -5, "resolution": 0.001}


@pytest.fixture(scope="module")
def snapshot() -> gk.Snapshot:
    return gk.analyze(events_of(USES, bystanders=1_000), config=gk.Config(**SETTINGS))


@pytest.fixture(scope="module")
def explained(snapshot) -> gk.ClusterExplanation:
    (cluster_id,) = snapshot.clusters["cluster_id"]
    return gk.explain_cluster(snapshot, cluster_id)


def test_without_what_holds_it_together_it_falls_apart(explained):
    trials = explained.undoing[explained.undoing["set_aside"] == "entity"].set_index("entity")
    bridge = trials.loc[BRIDGE]
    assert (bridge["n_parts"], bridge["largest_part"]) == (2, 0.5)
    assert bridge["outcome"] == "falls into 2 parts of two accounts or more; the largest keeps 50%"
    assert trials.drop(index=BRIDGE)["largest_part"].eq(1).all()
    assert f"Without the IP address that matters most: {bridge['outcome']}." in explained.undoes


def test_evidence_parts_and_tiers_are_the_tables(explained, snapshot):
    evidence = explained.evidence.set_index("entity")
    assert evidence.loc[BRIDGE, ["n_inside", "n_outside", "coverage"]].tolist() == [8, 0, 1]
    assert evidence.loc[BRIDGE, "rarity_bits"] == pytest.approx(np.log2(1008 / 8))
    assert set(explained.parts["part"]) == set(snapshot.score_parts["part"])
    assert explained.parts["contribution"].is_monotonic_decreasing
    assert explained.tiers.groupby("tier")["n_accounts"].max().sum() == 8


def test_stability_is_told_in_sentences(explained):
    outcome = explained.stability.set_index("perturbation")["outcome"]
    assert f"Found again without its strongest entity, it {outcome['without strongest entity']}." in explained.holds
    assert any("Links dealt at random give" in sentence for sentence in explained.holds)


def test_missing_parts_are_blind_points(explained):
    assert any("creation burst" in sentence and "created_at" in sentence for sentence in explained.unknown)


def test_it_shows_in_notebooks_and_as_json(explained):
    assert "What would undo it" in explained._repr_html_()
    assert explained.to_dict()["facts"]["n_accounts"] == 8
    assert repr(explained).startswith("<ClusterExplanation of 'C-")


def test_an_unknown_cluster_is_refused(snapshot):
    with pytest.raises(gk.UsageError, match="no cluster 'C-NONE'"):
        gk.explain_cluster(snapshot, "C-NONE")
