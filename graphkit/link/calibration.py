"""Calibration: what the prior of each kind should be, learnt from corroboration across kinds, without labels.

A prior is a claim: of the pairs that share an entity of ``d`` accounts, the odds that they are one
operator's are ``2^prior / d``. The other kinds can tell: one operator's pairs often share more,
strangers hardly ever do. Bits without priors are used, so that the priors given do not judge themselves,
and each entity counts once, so that one huge farm does not speak for all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from graphkit.config import Config
from graphkit.link.ahead import map_ahead
from graphkit.link.couse import CoUses
from graphkit.link.links import Integers, Links, Numbers
from graphkit.link.weights import CORROBORATING_BITS, Weigher

Verdict = Literal["agrees", "too high", "too low", "one kind alone", "too little corroboration", "too few entities"]

TOO_HIGH_BITS = 3.0
"""A prior more than this above the learnt one is too high."""
TOO_LOW_BITS = 6.0
"""A prior more than this below the learnt one is too low; more is asked, since a raised prior may link strangers."""
MOST_BITS = 8.0
"""Priors are learnt from minus to plus this."""
FEWEST_ENTITIES = 30
"""Entities from which a kind's prior is learnt at least."""
FEWEST_CORROBORATED = 20.0
"""Entities' worth of sure and corroborated pairs without which nothing is learnt."""
LEAST_SENSITIVITY = 0.05
"""Share of the sure pairs that other kinds must corroborate for anything to be learnt."""
MOST_PAIRS = 2_000_000
"""Candidate pairs that are looked at; of more, evenly spaced ones."""

_SURE_BITS = 4.0
_POOLED_WEIGHT = 20.0
_GIVEN_WEIGHT = 20.0
_OCTAVE_WEIGHT = 4.0
_LEAST_SAME, _MOST_SAME = 1e-5, 0.97
_ENOUGH_SHARE = 0.75
_CHUNK = 1 << 18


@dataclass(frozen=True)
class LearntPrior:
    """What corroboration says of the prior of a kind."""

    kind: str
    given: float
    """Bits, from the config."""
    learnt: float | None
    """Bits; None where there is too little to learn from. If the given one is too low: what entities of every rarity
    support."""
    n_entities: int
    """Entities it is learnt from."""
    verdict: Verdict
    """Whether the given prior agrees with the learnt one, or why there is none."""

    @property
    def better(self) -> float:
        """The learnt prior where it contradicts the given one, else the given one."""
        contradicted = self.verdict in ("too high", "too low")
        return self.learnt if contradicted and self.learnt is not None else self.given


def use_learnt(config: Config, learnt: Sequence[LearntPrior]) -> Config:
    """Settings to weigh by: if they say ``calibrate``, the better priors in place of the given ones."""
    return config.with_priors({prior.kind: prior.better for prior in learnt}) if config.calibrate else config


def calibration_table(learnt: Sequence[LearntPrior], weighing: Config) -> pa.Table:
    """Rows of the table ``calibration``, from what was learnt and the settings that weighed."""
    return pa.table(
        {
            "kind": pa.array([prior.kind for prior in learnt], pa.string()),
            "given_prior": pa.array([prior.given for prior in learnt], pa.float64()),
            "learnt_prior": pa.array([prior.learnt for prior in learnt], pa.float64()),
            "n_entities": pa.array([prior.n_entities for prior in learnt], pa.int64()),
            "verdict": pa.array([prior.verdict for prior in learnt], pa.string()),
            "prior": pa.array([weighing.kinds[prior.kind].prior for prior in learnt], pa.float64()),
        }
    )


def learn_priors(pairs: Integers, links: Links, *, co_uses: CoUses, config: Config) -> tuple[LearntPrior, ...]:
    """Learn the prior of each kind of link in the data.

    Parameters
    ----------
    pairs
        Candidate pairs, as ``sample_pairs`` gives them.

    Returns
    -------
    One for each of ``links.kinds``, in that order.
    """
    plain = config.with_priors(dict.fromkeys(config.kinds, 0.0))
    chosen = pairs[:: max(1, -(-len(pairs) // MOST_PAIRS))]
    met = _meet(chosen, links, co_uses=co_uses, config=plain, sampling=config)
    claimed = links.bits(plain) - np.log2(max(links.n_population, 2))
    places = [(met.n_pairs > 0) & (met.kind == place) for place in range(len(links.kinds))]
    fault = _fault(met, sum(bool(place.any()) for place in places))
    learnt = []
    for kind, place in zip(links.kinds, places, strict=True):
        given, n = config.kinds[kind].prior, int(place.sum())
        if fault or n < FEWEST_ENTITIES:
            learnt.append(LearntPrior(kind, given, None, n, fault or "too few entities"))
        else:
            learnt.append(_learn(kind, given, met.d[place], claimed[place], _same_operator_bits(met, place)))
    return tuple(learnt)


@dataclass(frozen=True)
class _Met:
    """What the pairs that share each entity also share; arrays by entity."""

    kind: Integers
    d: Integers
    n_pairs: Integers
    corroborated: Numbers
    """Share of its pairs that other kinds corroborate."""
    sure: Numbers
    """Share of its pairs of which its own kind leaves no doubt."""
    sure_corroborated: Numbers

    def sensitivity(self, place: npt.NDArray[np.bool_] | slice = slice(None)) -> float:
        """Share of one operator's pairs that other kinds corroborate: that of the sure ones, drawn to all kinds'."""
        pooled = self.sure_corroborated.sum() / max(self.sure.sum(), 1.0)
        both = self.sure_corroborated[place].sum() + _POOLED_WEIGHT * pooled
        return float(both / (self.sure[place].sum() + _POOLED_WEIGHT))


def _meet(pairs: Integers, links: Links, *, co_uses: CoUses, config: Config, sampling: Config) -> _Met:
    """Count by entity, each pair by the inverse of the chance that it is sampled."""
    weigh = Weigher(links, co_uses, config, sampling=sampling)
    kind, n_entities = links.entity_kind(), len(links.entities)
    even_odds = float(np.log2(max(links.n_population, 2)))
    enough = min(CORROBORATING_BITS, _ENOUGH_SHARE * even_odds)

    def count(start: int) -> tuple[Integers, list[Numbers]]:
        weighing = weigh.chunk(pairs[start : start + _CHUNK])
        corroborated = (weighing.other >= enough)[weighing.share]
        sure = (weighing.bits >= even_odds + _SURE_BITS)[weighing.share]
        chosen = [np.flatnonzero(mask) for mask in (corroborated, sure, sure & corroborated)]
        counted = [weighing.count(n_entities), *(weighing.count(n_entities, places) for places in chosen)]
        return np.bincount(weighing.entity, minlength=n_entities), counted

    n_pairs, sums = np.zeros(n_entities, dtype=np.int64), np.zeros((4, n_entities))
    for n_counted, counted in map_ahead(count, range(0, len(pairs), _CHUNK)):
        n_pairs += n_counted
        sums += counted
    shares = np.divide(sums[1:], sums[0], out=np.zeros((3, n_entities)), where=sums[0] > 0)
    return _Met(kind, links.entities["n_accounts"].to_numpy(), n_pairs, *shares)


def _fault(met: _Met, n_kinds: int) -> Verdict | None:
    """Why nothing can be learnt."""
    if n_kinds < 2:
        return "one kind alone"
    if met.sure_corroborated.sum() < FEWEST_CORROBORATED or met.sensitivity() < LEAST_SENSITIVITY:
        return "too little corroboration"
    return None


def _same_operator_bits(met: _Met, place: npt.NDArray[np.bool_]) -> Numbers:
    """Log odds, in bits, that a pair that shares an entity is one operator's; for each entity of a kind.

    An entity of few pairs is drawn to those of its kind that have about as many accounts.
    """
    sensitivity = met.sensitivity(place)
    n_pairs, share = met.n_pairs[place], met.corroborated[place]
    octave = _octave(met.d[place])
    usual = (np.bincount(octave, share) + sensitivity / 2) / (np.bincount(octave) + 1)
    share = (n_pairs * share + _OCTAVE_WEIGHT * usual[octave]) / (n_pairs + _OCTAVE_WEIGHT)
    same = np.clip(share / sensitivity, _LEAST_SAME, _MOST_SAME)
    bits: Numbers = np.log2(same / (1 - same))
    return bits


def _learn(kind: str, given: float, d: Integers, claimed: Numbers, seen: Numbers) -> LearntPrior:
    """Hold what a kind claims of its entities, without its prior, against what is seen; log odds in bits."""
    n = len(seen)
    # near certainty, more bits are a claim that nobody can check
    most = np.log2(_MOST_SAME / (1 - _MOST_SAME))
    excess = float((np.minimum(claimed + given, most) - seen).mean()) * n / (n + _GIVEN_WEIGHT)
    learnt, lowest = _draw(seen - claimed, given), _lowest(seen - claimed, given, _octave(d))
    if excess > TOO_HIGH_BITS and learnt < given:
        return LearntPrior(kind, given, learnt, n, "too high")
    if lowest - given > TOO_LOW_BITS:
        return LearntPrior(kind, given, lowest, n, "too low")
    return LearntPrior(kind, given, learnt, n, "agrees")


def _lowest(priors: Numbers, given: float, octave: Integers) -> float:
    """Prior that entities of every rarity support; a raise to more would link strangers by some of them."""
    full = np.flatnonzero(np.bincount(octave) >= FEWEST_ENTITIES)
    return min((_draw(priors[octave == place], given) for place in full), default=_draw(priors, given))


def _draw(priors: Numbers, given: float) -> float:
    """Mean, drawn to the given prior where there are few; in tenths of a bit."""
    mean = (float(priors.sum()) + _GIVEN_WEIGHT * given) / (len(priors) + _GIVEN_WEIGHT)
    return round(min(max(mean, -MOST_BITS), MOST_BITS), 1)


def _octave(d: Integers) -> Integers:
    return np.ceil(np.log2(d)).astype(np.int64)
