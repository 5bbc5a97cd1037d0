"""Match weights against sums done by hand."""

from math import comb, log2

import numpy as np
import pytest

from graphkit.config import Config
from graphkit.link.couse import CoUses
from graphkit.link.weights import link_threshold, weigh_pairs
from tests.small import NO_CO_USES, links_of

KINDS = {"ip": {}, "card": {"prior": 8}, "agent": {"prior": -4}}
N = 1 << 20


def weigh(uses, **settings):
    """The linked pair of accounts a and b, as (weight, probability, bits by kind)."""
    links = links_of(uses, n_population=N)
    config = Config(**{"kinds": KINDS, "threshold_bits": 0} | settings)
    pairs, _ = weigh_pairs(np.array([1]), links, co_uses=NO_CO_USES, config=config)
    assert (pairs.a.tolist(), pairs.b.tolist()) == ([0], [1])
    return pairs.weight[0], pairs.probability[0], dict(zip(links.kinds, pairs.bits[0].tolist(), strict=True))


@pytest.mark.parametrize(
    ("a", "b", "weight"),
    [
        ({"ip": "x"}, {"ip": "x"}, 19),
        ({"card": "c"}, {"card": "c"}, 19 + 8),
        ({"agent": "g"}, {"agent": "g"}, 19 - 4),
        ({"ip": "x", "card": "c"}, {"ip": "x", "card": "c"}, 19 + 27),
        ({"ip": "x y"}, {"ip": "x y"}, 38 - log2(comb(2, 2))),
        ({"ip": "x p q r"}, {"ip": "x"}, 19 - log2(4)),
        ({"ip": "x y p q r"}, {"ip": "x y s"}, 38 - log2(comb(5, 2))),
        ({"ip": "p", "card": "c"}, {"ip": "q", "card": "c"}, 27),
    ],
)
def test_bits_by_hand(a, b, weight):
    assert weigh({"a": a, "b": b})[0] == pytest.approx(weight)


@pytest.mark.parametrize(
    ("tags", "weight"),
    [
        ({"x": "vpn"}, 38 - 19 * 0.75 - log2(comb(3, 2))),
        ({"x": "vpn", "y": "vpn"}, 38 * 0.25 - log2(comb(3, 2))),
        ({"x": "allowed"}, 19 - log2(2)),
        ({"x": "hosting"}, 38 - log2(comb(3, 2))),
    ],
)
def test_a_tag_s_weight_is_a_factor_on_the_bits_and_none_makes_no_choice(tags, weight):
    links = links_of({"a": {"ip": "x y p"}, "b": {"ip": "x y"}}, n_population=N, tags=tags)
    config = Config(kinds=KINDS, threshold_bits=0, infrastructure={"vpn": {"weight": 0.25}})
    pairs, _ = weigh_pairs(np.array([1]), links, co_uses=NO_CO_USES, config=config)
    assert pairs.weight.tolist() == pytest.approx([weight])


def test_a_kind_never_counts_against():
    crowd = {f"c{n:05}": {"agent": "g"} for n in range(N // 32 - 2)}
    weight, _, bits = weigh({"a": {"agent": "g", "ip": "x"}, "b": {"agent": "g", "ip": "x"}} | crowd)
    assert weight == pytest.approx(19 + 1)
    assert bits == pytest.approx({"agent": 1, "ip": 19})


def test_what_is_not_shared_is_told_from_what_weighs_nothing():
    crowd = {f"c{n:05}": {"agent": "g"} for n in range(N // 16 - 2)}
    uses = {"a": {"agent": "g", "card": "c"}, "b": {"agent": "g"}} | crowd
    assert weigh(uses)[2] == {"agent": 0.0, "card": -1.0}


def test_probability_joins_the_chances_of_all_shared_entities():
    crowd = {f"c{n:05}": {"ip": "x y" if n < 31 else "y"} for n in range(63)}
    uses = {"a": {"ip": "x y"}, "b": {"ip": "x y"}} | crowd
    assert weigh(uses)[1] == pytest.approx(1 - (1 - 16 / 32) * (1 - 16 / 64))
    assert weigh({"a": {"ip": "x"}, "b": {"ip": "x"}})[1] == 1


@pytest.mark.parametrize(
    ("settings", "bits"), [({}, 20), ({"margin": -6}, 14), ({"threshold_bits": 3}, 3), ({"threshold_bits": 0}, 0)]
)
def test_threshold(settings, bits):
    assert link_threshold(Config(**settings), N) == bits


def test_pairs_below_the_threshold_are_not_linked():
    links = links_of({"a": {"ip": "x"}, "b": {"ip": "x"}}, n_population=N)
    pairs, _ = weigh_pairs(np.array([1]), links, co_uses=NO_CO_USES, config=Config(kinds=KINDS))
    assert len(pairs.a) == 0


def test_corroboration_is_the_share_of_pairs_with_bits_from_other_kinds():
    uses = {"a": {"ip": "x", "card": "c"}, "b": {"ip": "x", "card": "c"}, "d": {"ip": "x"}}
    links = links_of(uses, n_population=N)
    _, corroboration = weigh_pairs(np.array([1, 2, 5]), links, co_uses=NO_CO_USES, config=Config(kinds=KINDS))
    by_name = dict(zip(links.entities["entity"].to_pylist(), corroboration, strict=True))
    assert by_name == pytest.approx({"c": 1, "x": 1 / 3})


def test_some_pairs_weigh_as_among_all():
    uses = {name: {"post": "x"} for name in "abcd"}
    links, config = links_of(uses, n_population=10**6), Config(kinds={"post": {"within": "60s"}}, threshold_bits=0)
    pairs = np.array([1, 2, 3, 6, 7, 11])
    co_uses = CoUses(pairs, np.zeros(6, np.int64), np.zeros(6, np.int64))
    whole, _ = weigh_pairs(pairs, links, co_uses=co_uses, config=config)
    some, _ = weigh_pairs(pairs[[0, 4]], links, co_uses=co_uses, config=config)
    assert some.weight.tolist() == whole.weight[[0, 4]].tolist()
    assert some.bits.tolist() == whole.bits[[0, 4]].tolist()


def test_what_was_used_in_time_weighs_beside_what_is_shared():
    uses = {name: {"card": "c", "post": "p", "zone": "z"} for name in "ab"} | {"d": {"card": "c", "post": "p"}}
    links = links_of(uses, n_population=N)
    config = Config(kinds={"card": {}, "post": {"within": "60s"}, "zone": {}}, threshold_bits=0)
    co_uses = CoUses(np.array([1, 5]), np.array([1, 1]), np.array([0, 0]))
    pairs, corroboration = weigh_pairs(np.array([1, 2, 5]), links, co_uses=co_uses, config=config)
    third = 20 - log2(3)
    assert pairs.bits.tolist() == [
        pytest.approx(bits) for bits in ([third, third, 19], [third, -1, -1], [third, third, -1])
    ]
    assert pairs.weight.tolist() == pytest.approx([2 * third + 19, third, 2 * third])
    assert corroboration.tolist() == pytest.approx([2 / 3, 1, 1])


def test_pairs_are_as_likely_sampled_as_they_were_whatever_priors_are_learnt_since():
    links = links_of({"a": {"tool": "x y"}, "b": {"tool": "x y"}}, n_population=1 << 16)
    given, learnt = (Config(kinds={"tool": {"prior": prior}}) for prior in (8, -12))
    pairs, _ = weigh_pairs(np.array([1]), links, co_uses=NO_CO_USES, config=learnt, sampling=given)
    assert (pairs.weight.tolist(), pairs.probability.tolist()) == ([2 * 15 - 12], [1])
