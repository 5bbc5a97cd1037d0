"""Priors learnt from corroboration, against sums done by hand."""

import numpy as np
import pytest

from graphkit.config import Config
from graphkit.link.calibration import LearntPrior, learn_priors, use_learnt
from graphkit.link.pairs import sample_pairs
from tests.small import NO_CO_USES, links_of

N = 1 << 14


def operators(n=100, kinds=("ip", "tool")):
    """Couples of accounts of one operator: three addresses of their own, which leave no doubt, and more."""
    own = {"ip": "x{0} y{0} z{0}", "tool": "t{0}", "card": "c{0}"}
    return {f"o{i:03}{side}": {kind: own[kind].format(i) for kind in kinds} for i in range(n) for side in "ab"}


def strangers(n=100, card="s{0}"):
    """Couples of strangers who share a card and nothing else."""
    return {f"s{i:03}{side}": {"card": card.format(i)} for i in range(n) for side in "ab"}


def learn(uses, **priors):
    links = links_of(uses, n_population=N)
    config = Config(kinds={kind: {"prior": priors.get(kind, 0)} for kind in ("ip", "tool", "card")})
    pairs = sample_pairs(links, co_uses=NO_CO_USES, config=config, key=b"k")
    return {prior.kind: prior for prior in learn_priors(pairs, links, co_uses=NO_CO_USES, config=config)}


ALWAYS = operators(kinds=("ip", "tool", "card"))
NEVER = operators() | strangers()


@pytest.mark.parametrize(
    ("uses", "given", "learnt", "verdict"),
    [
        # certain is 0.97 at most: 5.0 bits, and 1 bit since two share it; of 100 + 20 entities 20 are the given prior
        (ALWAYS, 8, (100 * 6.015 + 20 * 8) / 120, "agrees"),
        (ALWAYS, -2, (100 * 6.015 - 20 * 2) / 120, "too low"),
        (ALWAYS, 0, 100 * 6.015 / 120, "agrees"),
        # none of 100: 0.5 / 101 by four fifths is 0.004: -8.0 bits, and 1
        (NEVER, -4, (100 * -6.975 - 20 * 4) / 120, "agrees"),
        (NEVER, 0, 100 * -6.975 / 120, "too high"),
        (NEVER, 8, (100 * -6.975 + 20 * 8) / 120, "too high"),
    ],
)
def test_learnt_by_hand(uses, given, learnt, verdict):
    card = learn(uses, card=given)["card"]
    assert card.learnt == pytest.approx(learnt, abs=0.06)
    assert (card.n_entities, card.verdict) == (100, verdict)


def test_a_raise_goes_as_far_as_every_rarity_supports():
    """Cards of two are operators', those of three strangers': the mean of both would link the strangers."""
    crowds = {f"z{i:03}{side}": {"card": f"z{i}"} for i in range(40) for side in "abc"}
    mixed = learn(ALWAYS | crowds, card=-8)["card"]
    # 40 cards, three pairs each: 0.5 / 41 by four sevenths is 0.007: -7.15 bits, and log2(3); too little for a raise
    assert (mixed.learnt, mixed.verdict) == (
        pytest.approx((100 * 6.015 - 40 * 5.565 - 20 * 8) / 160, abs=0.06),
        "agrees",
    )
    assert learn(ALWAYS, card=-8)["card"].verdict == "too low"


def test_what_nobody_can_check_is_not_contradicted():
    """All pairs are one operator's, and 20 bits say no more than that."""
    assert learn(ALWAYS, card=20)["card"].verdict == "agrees"


@pytest.mark.parametrize(
    ("uses", "verdict"),
    [
        (operators(kinds=("ip",)), "one kind alone"),
        (operators(kinds=("ip",)) | strangers(), "too little corroboration"),
        (operators(5) | strangers(), "too little corroboration"),
        (operators() | strangers(20), "too few entities"),
    ],
)
def test_with_too_little_nothing_is_learnt(uses, verdict):
    learnt = learn(uses, card=8)
    prior = learnt.get("card", learnt["ip"])
    assert (prior.learnt, prior.verdict, prior.better) == (None, verdict, prior.given)


def test_an_entity_counts_once_however_large():
    """One card of 800 strangers makes 6,400 pairs, the couples make 100."""
    crowd = {f"z{i:03}": {"card": "crowd"} for i in range(800)}
    assert learn(ALWAYS | crowd)["card"].learnt == pytest.approx(learn(ALWAYS)["card"].learnt, abs=0.2)


def test_priors_do_not_judge_one_another():
    assert learn(NEVER, ip=8, tool=-8)["card"] == learn(NEVER)["card"]


def test_only_what_is_contradicted_changes_and_only_if_asked():
    learnt = [
        LearntPrior("ip", 8.0, -1.5, 99, "too high"),
        LearntPrior("card", 8.0, 5.0, 99, "agrees"),
        LearntPrior("tool", 0.0, None, 9, "too few entities"),
    ]
    kinds = {"ip": {"prior": 8}, "card": {"prior": 8}, "tool": {}}
    given = Config(kinds=kinds)
    assert use_learnt(given, learnt) == given
    priors = [kind.prior for kind in use_learnt(Config(kinds=kinds, calibrate=True), learnt).kinds.values()]
    assert priors == [-1.5, 8, 0]


def test_many_pairs_are_thinned_out_evenly(monkeypatch):
    whole = learn(ALWAYS)["ip"]
    monkeypatch.setattr("graphkit.link.calibration.MOST_PAIRS", 60)
    thinned = learn(ALWAYS)["ip"]
    assert thinned.n_entities < whole.n_entities
    assert thinned.learnt == pytest.approx(whole.learnt, abs=1)
    assert np.isfinite(thinned.learnt)
