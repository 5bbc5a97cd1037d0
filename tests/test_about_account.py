"""Why an account is in: exact links, what would clear it, what is not known, and no name in a sentence."""

import numpy as np
import pandas as pd
import pytest

import graphkit as gk
from graphkit.detect import members
from graphkit.detect.telling import CUT_LOOSE, REASONS, REVIEW, STAYS, tell_reason
from tests.show_world import HOSTILE
from tests.small import events_of

USES = {
    "anna": {"ip": "10.9.0.1 10.9.0.2", "payment_instrument": "c1"},
    "berta": {"ip": "10.9.0.1", "payment_instrument": "c1"},
    "carla": {"ip": "10.9.0.1", "payment_instrument": "c1"},
    "dora": {"ip": "10.9.0.2", "payment_instrument": "c2"},
    "emil": {"payment_instrument": "c2", "ip": "10.9.0.3"},
}
LINK_BITS = np.log2(1005)


@pytest.fixture(scope="module")
def snapshot() -> gk.Snapshot:
    return gk.analyze(events_of(USES, bystanders=1_000))


@pytest.fixture(scope="module")
def anna(snapshot) -> gk.AccountExplanation:
    return gk.explain_account(snapshot, "anna")


def test_partners_are_exact_and_strongest_first(anna):
    card, address = np.log2(1005 / 3) + 8, np.log2(1005 / 3)
    assert anna.partners["account_id"].tolist() == ["berta", "carla"]
    assert anna.partners["match_weight"].tolist() == pytest.approx([card + address - 1] * 2)  # one of two addresses
    assert anna.partners["kinds"].tolist() == [["payment_instrument", "ip"]] * 2
    assert (anna.facts["n_linked"], anna.facts["n_others"]) == (2, 2)


def test_shared_entities_have_their_bits_and_dates(anna):
    shared = anna.shared.set_index(["kind", "entity"])
    card = anna.shared.iloc[0]
    assert card["kind"] == "payment_instrument"
    assert (card["n_pairs"], card["n_inside"], card["n_outside"]) == (2, 3, 0)
    assert card["bits"] == pytest.approx(card["rarity_bits"] + 8)
    address = shared.loc["ip", "10.9.0.1"]
    assert address["bits"] == pytest.approx(address["rarity_bits"] - 1)
    assert shared.loc[("ip", "10.9.0.2"), ["n_pairs", "bits", "n_outside"]].tolist() == [0, 0, 1]
    assert card["first_seen"] == pd.Timestamp("2026-05-04", tz="UTC")


@pytest.mark.parametrize(
    ("set_aside", "kind", "best_bits", "outcome"),
    [
        ("entity", "payment_instrument", LINK_BITS - np.log2(3) - 1, CUT_LOOSE),
        ("entity", "ip", LINK_BITS - np.log2(3) + 8, REVIEW),
        ("kind", "payment_instrument", LINK_BITS - np.log2(3) - 1, CUT_LOOSE),
        ("kind", "ip", LINK_BITS - np.log2(3) + 8, REVIEW),
    ],
)
def test_what_would_clear_it_is_computed(anna, set_aside, kind, best_bits, outcome):
    trials = anna.clearing
    (trial,) = trials[(trials["set_aside"] == set_aside) & (trials["kind"] == kind)].to_dict("records")
    assert trial["best_bits"] == pytest.approx(best_bits)
    assert trial["outcome"] == outcome
    assert any(sentence.startswith("If the payment instrument that 3 accounts use") for sentence in anna.clears)


def test_clearing_is_what_an_analysis_without_the_entity_finds():
    """Setting an entity aside gives the links of an analysis of events that lack it."""
    crowd = {
        f"m{n}": {"ip": f"10.8.0.{n % 3} 10.8.0.{n % 4} 10.8.1.{n % 2}", "user_agent": f"a{n % 2}"} for n in range(9)
    }
    events = events_of(crowd, bystanders=500)
    snapshot = gk.analyze(events)
    explained = gk.explain_account(snapshot, "m4")
    inside = set(snapshot.accounts.loc[snapshot.accounts["cluster_id"] == explained.cluster_id, "account_id"])
    trials = explained.clearing[explained.clearing["set_aside"] == "entity"]
    assert len(trials) >= 3
    for trial in trials.to_dict("records"):
        less = events.assign(**{trial["kind"]: events[trial["kind"]].mask(events[trial["kind"]] == trial["entity"])})
        pairs = gk.analyze(less).pairs
        mine = pairs[(pairs["account_a"] == "m4") | (pairs["account_b"] == "m4")]
        mine = mine[mine["account_a"].isin(inside) & mine["account_b"].isin(inside)]
        assert len(mine) == trial["n_linked"]
        assert not len(mine) or mine["match_weight"].max() == pytest.approx(trial["best_bits"])


def test_evidence_that_only_together_clears_is_named_together():
    uses = {name: {"ip": "10.7.0.1 10.7.0.2 10.7.0.3 10.7.0.4"} for name in ("a", "b", "c")}
    explained = gk.explain_account(gk.analyze(events_of(uses, bystanders=1_000)), "a")
    outcomes = explained.clearing.groupby("set_aside")["outcome"].agg(list)
    assert outcomes["entity"] == [STAYS] * 4
    assert outcomes["together"] == [STAYS, STAYS, CUT_LOOSE]
    assert "Set aside together, 3 entities would clear it: those of the rows “together”." in explained.clears
    assert tell_reason("one_kind") in explained.why


def test_linked_but_in_no_cluster(snapshot):
    explained = gk.explain_account(snapshot, "emil")
    assert explained.cluster_id is None
    assert explained.why[0].startswith("It is linked to others but in no cluster")
    assert explained.partners["account_id"].tolist() == ["dora"]
    assert explained.clearing["outcome"].tolist()[0] == CUT_LOOSE
    assert explained.comparison.empty


def test_not_linked_at_all_is_said_with_near_ids(snapshot):
    with pytest.raises(gk.UsageError, match=r"shares less than the 10\.0 bits .* Near ids: 'emil'"):
        gk.explain_account(snapshot, "emill")
    with pytest.raises(gk.UsageError, match="No account there has an id like it"):
        gk.explain_account(snapshot, "z00001")


def test_every_reason_has_words():
    codes = {code for _, reasons in members.TIER_RULES for code in reasons}
    assert codes <= set(REASONS)
    assert tell_reason("breaks_without_user_agent").startswith("Where links by user agent are left out")


def test_sentences_name_no_account_and_no_entity(snapshot, anna):
    cluster = gk.explain_cluster(snapshot, anna.cluster_id)
    told = [sentence for each in (anna, cluster) for section in each.sections for sentence in section.sentences]
    assert len(told) > 20
    names = [*USES, *snapshot.links["entity"]]
    assert not [sentence for sentence in told if any(name in sentence for name in names)]


def test_what_is_not_known_is_said():
    snapshot = gk.analyze(events_of(USES, bystanders=1_000), config=gk.Config(stability=False, chance_runs=0))
    unknown = " ".join(gk.explain_account(snapshot, "anna").unknown)
    for words in (
        "no user agent and no prompt template",
        "created is not known",
        "creation burst",
        "stability = false",
    ):
        assert words in unknown


def test_values_show_in_notebooks_and_as_json(anna):
    assert "<table>" in anna._repr_html_()
    plain = anna.to_dict()
    assert plain["shared"][0]["first_seen"].startswith("2026-05-04T00:0")
    assert plain["clearing"][-1]["set_aside"] == "together"
    uses = {name: {"payment_instrument": "c", "user_agent": name} for name in HOSTILE}
    hostile = gk.explain_account(gk.analyze(events_of(uses, bystanders=1_000)), HOSTILE[0])
    for tag in ("<script", "<b>bold", "<img", "<a "):
        assert tag not in hostile._repr_html_()
