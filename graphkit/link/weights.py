"""Match weights: how many bits say that two accounts are one operator's, exact over all that they share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from graphkit.config import Config
from graphkit.link.ahead import map_ahead
from graphkit.link.arrays import is_among
from graphkit.link.couse import CoUses
from graphkit.link.likeness import pair_likeness
from graphkit.link.links import Integers, Links, Numbers

CORROBORATING_BITS = 12.0
"""Bits from other kinds that corroborate a pair."""

ALIKE_BITS = 1.0
"""Likeness in behavior that a weak pair must have to count."""

MEETING_SHARE = 0.5
"""Share of the least bits that count which an entity must hold for accounts to meet there."""

_USUAL_REACH = 8.0
"""Bits short of a link from which on accounts are looked at, whether or not weak pairs count."""
_LEAST_PROBABILITY = 1e-9
"""That of pairs which no longer share an entity where they would meet."""
_CHUNK = 1 << 18
_COLUMNS = ("a", "b", "weight", "probability", "bits")


@dataclass(frozen=True)
class Weighted:
    """Pairs of accounts with their evidence; arrays of one length, sorted by (a, b)."""

    a: npt.NDArray[np.integer]
    """Position of one account in ``Links.accounts``; four bytes, where there are many pairs."""
    b: npt.NDArray[np.integer]
    """Position of the other, greater than ``a``."""
    weight: Numbers
    """Match weight in bits."""
    probability: Numbers
    """Chance that the pair is sampled, above 0 and at most 1."""
    bits: npt.NDArray[np.float32]
    """Bits by kind, shape (pairs, kinds); -1 where the two share no pair-making entity of the kind."""

    def take(self, chosen: npt.NDArray[np.generic]) -> Weighted:
        """Pairs by a mask or by positions."""
        places = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
        return Weighted(*(getattr(self, name).take(places, axis=0) for name in _COLUMNS))

    def keys(self, n_accounts: int) -> Integers:
        """``a * n_accounts + b``, by which they are sorted."""
        return self.a.astype(np.int64) * n_accounts + self.b

    def joined(self, n_accounts: int, chosen: npt.NDArray[np.bool_] | slice = slice(None)) -> npt.NDArray[np.bool_]:
        """Tell which of the accounts are in a pair, of all or of the chosen ones."""
        joined = np.zeros(n_accounts, dtype=bool)
        joined[self.a[chosen]] = joined[self.b[chosen]] = True
        return joined

    def inside(self, membership: Integers) -> npt.NDArray[np.bool_]:
        """Tell the pairs of which both accounts are in one community; -1 is none."""
        narrow = membership.astype(np.int32)  # half of the bytes are looked up in half of the time
        of_a = narrow[self.a]
        inside: npt.NDArray[np.bool_] = (of_a == narrow[self.b]) & (of_a >= 0)
        return inside

    def strongest_inside(self, membership: Integers) -> Numbers:
        """Bits of each account's strongest pair with an account of its community; 0 for none."""
        weight = np.where(self.inside(membership), self.weight, 0)
        strength = np.zeros(len(membership))
        first = np.flatnonzero(np.diff(self.a, prepend=-1))
        strength[self.a[first]] = np.maximum.reduceat(weight, first) if len(first) else 0
        np.maximum.at(strength, self.b, weight)
        return strength


def link_threshold(config: Config, n_population: int) -> float:
    """Bits that link a pair: log2(N) + margin, or the config's threshold_bits."""
    if config.threshold_bits is not None:
        return config.threshold_bits
    return float(np.log2(max(n_population, 1))) + config.margin


def weak_threshold(links: Links, config: Config) -> float:
    """Bits from which a pair counts if its accounts behave alike; the link threshold where behavior is unknown."""
    reach = config.reach if config.method == "pairs" and links.profiles.size else 0.0
    return link_threshold(config, links.n_population) - reach


def tell_meeting(links: Links, config: Config) -> npt.NDArray[np.bool_]:
    """Tell the entities at which accounts meet; those that hold fewer bits weigh where two met elsewhere.

    What two accounts need besides one such entity is rarer, so that they meet there; several, enough only together, may
    be missed.
    """
    prior = np.array([config.kinds[kind].prior for kind in links.kinds])[links.entity_kind()]
    least = MEETING_SHARE * (link_threshold(config, links.n_population) - max(config.reach, _USUAL_REACH))
    meeting: npt.NDArray[np.bool_] = links.makes_pairs(config) & (links.bits(config) + prior >= least)
    return meeting


def tell_counting(pairs: Weighted, links: Links, *, config: Config) -> npt.NDArray[np.bool_]:
    """Tell the pairs that count: those linked, and weak ones whose accounts behave alike."""
    counts: npt.NDArray[np.bool_] = pairs.weight >= link_threshold(config, links.n_population)
    weak = np.flatnonzero(~counts & (pairs.weight >= weak_threshold(links, config)))
    counts[weak] = pair_likeness(links.profiles, pairs.a[weak], pairs.b[weak]) >= ALIKE_BITS
    return counts


def weigh_pairs(
    pairs: Integers, links: Links, *, co_uses: CoUses, config: Config, sampling: Config | None = None
) -> tuple[Weighted, Numbers]:
    """Weigh candidate pairs and keep those that count: linked ones, and weak ones of accounts that behave alike.

    Parameters
    ----------
    pairs
        Sorted distinct keys ``a * n_accounts + b`` with a < b.
    sampling
        Settings by which they were sampled, where priors were learnt since; by default ``config``.

    Returns
    -------
    The pairs that count, and each entity's corroboration: of the candidate pairs that share it, the
    share (weighted by 1 / p) that holds 12 bits or more from other kinds; nan where none shares it.
    """
    weigh = Weigher(links, co_uses, config, sampling=sampling)

    def weigh_chunk(start: int) -> tuple[Weighted, Numbers, Numbers]:
        weighing = weigh.chunk(pairs[start : start + _CHUNK])
        kept = weighing.pairs.take(tell_counting(weighing.pairs, links, config=config))
        corroborated = np.flatnonzero((weighing.other >= CORROBORATING_BITS)[weighing.share])
        return kept, weighing.count(len(links.entities)), weighing.count(len(links.entities), corroborated)

    room, n = _make_room(len(pairs), len(links.kinds)), 0
    sharing, corroborated = np.zeros(len(links.entities)), np.zeros(len(links.entities))
    for kept, n_all, n_corroborated in map_ahead(weigh_chunk, range(0, len(pairs), _CHUNK)):
        for name, column in room.items():
            column[n : n + len(kept.a)] = getattr(kept, name)
        n += len(kept.a)
        sharing += n_all
        corroborated += n_corroborated
    corroboration = np.divide(corroborated, sharing, out=np.full(len(sharing), np.nan), where=sharing > 0)
    return Weighted(**{name: column[:n] for name, column in room.items()}), corroboration


@dataclass(frozen=True)
class Weighing:
    """Pairs, weighed, and what each shares: its entities, and by kind; both in the order of the pairs."""

    pairs: Weighted
    entity: Integers
    """Each entity that a pair shares."""
    inverse: Numbers
    """1 / p of the pair, beside each entity."""
    share: Integers
    """Place in the arrays by pair and kind, beside each entity."""
    bits: npt.NDArray[np.float32]
    """Bits of each kind of which a pair shares an entity."""
    other: Numbers
    """Bits of the pair's other kinds."""

    def count(self, n_entities: int, chosen: Integers | slice = slice(None)) -> Numbers:
        """Pairs that share each entity, each by 1 / p; of all that they share, or of the chosen places."""
        return np.bincount(self.entity[chosen], weights=self.inverse[chosen], minlength=n_entities).astype(float)


class Weigher:
    """What weighing needs of the links, made once: the account by entity matrix and tables by entity and kind."""

    def __init__(self, links: Links, co_uses: CoUses, config: Config, *, sampling: Config | None = None) -> None:
        kinds = [config.kinds[kind] for kind in links.kinds]
        self.n_accounts, self.n_kinds, self.co_uses = len(links.accounts), len(kinds), co_uses
        self.kind, self.entity_bits = links.entity_kind(), links.bits(config)
        self.prior = np.array([kind.prior for kind in kinds])
        makes_pairs = links.makes_pairs(config)
        pairing = makes_pairs[links.entity]
        slots = links.account[pairing] * self.n_kinds + self.kind[links.entity[pairing]]
        self.choices = np.bincount(slots, minlength=self.n_accounts * self.n_kinds).astype(np.int32)
        self.log2_factorial = np.concatenate([[0.0], np.cumsum(np.log2(np.arange(1, self.choices.max(initial=0) + 1)))])
        timed = np.array([kind.within is not None for kind in kinds], dtype=bool)
        in_matrix = pairing & ~timed[self.kind[links.entity]]
        ends = links.account[in_matrix].astype(np.int32), links.entity[in_matrix].astype(np.int32)
        shape = (self.n_accounts, len(links.entities))
        self.matrix = sparse.csr_array((np.ones(len(ends[0]), dtype=np.int8), ends), shape=shape)
        degree = links.entities["n_accounts"].to_numpy()
        with np.errstate(divide="ignore"):  # log(0): an entity whose members all meet
            self.log_missed = np.log1p(-np.minimum(1, 2 * config.partners / np.maximum(degree - 1, 1)))
        self.log_missed[~tell_meeting(links, sampling or config)] = 0.0
        self.log_missed[timed[self.kind]] = -np.inf

    def chunk(self, pairs: Integers) -> Weighing:
        """Weigh some pairs."""
        a, b = np.divmod(pairs, self.n_accounts)
        pair, entity = self._shared(pairs, a, b)
        kind = self.kind[entity]
        new = np.ones(len(pair), dtype=bool)
        new[1:] = (pair[1:] != pair[:-1]) | (kind[1:] != kind[:-1])
        first, share = np.flatnonzero(new), np.cumsum(new) - 1
        of_pair, kind = pair[first], kind[first]
        shared = np.bincount(share, weights=self.entity_bits[entity], minlength=len(first))
        choices = np.maximum(*(self.choices[end[of_pair] * self.n_kinds + kind] for end in (a, b)))
        price = self.log2_choose(choices, np.diff(first, append=len(pair)))
        bits = np.maximum(0, shared + self.prior[kind] - price)
        weight: Numbers = np.bincount(of_pair, weights=bits, minlength=len(pairs)).astype(float)
        by_kind = np.full((len(pairs), self.n_kinds), -1, dtype=np.float32)
        by_kind[of_pair, kind] = bits
        probability = -np.expm1(np.bincount(pair, weights=self.log_missed[entity], minlength=len(pairs)))
        np.maximum(probability, _LEAST_PROBABILITY, out=probability)
        return Weighing(
            Weighted(a, b, weight, probability, by_kind),
            entity,
            (1 / probability)[pair],
            share,
            bits.astype(np.float32),
            weight[of_pair] - bits,
        )

    def log2_choose(self, n: Integers, k: Integers) -> Numbers:
        """log2 of the binomial coefficient: the bits of choice that an account with n entities has."""
        table = self.log2_factorial
        chosen: Numbers = table[n] - table[k] - table[n - k]
        return chosen

    def _shared(self, pairs: Integers, a: Integers, b: Integers) -> tuple[Integers, Integers]:
        """Each shared entity of each pair, by pair and kind: place of the pair, and the entity."""
        both = self.matrix[a].multiply(self.matrix[b]).tocoo()
        co_used = slice(*np.searchsorted(self.co_uses.pair, [pairs[0], pairs[-1] + 1]))
        asked = is_among(self.co_uses.pair[co_used], pairs)
        timed = np.searchsorted(pairs, self.co_uses.pair[co_used][asked])
        pair = np.concatenate([both.row, timed])
        entity = np.concatenate([both.col, self.co_uses.entity[co_used][asked]])
        if len(timed):
            order = np.lexsort((entity, pair))
            pair, entity = pair[order], entity[order]
        return pair, entity


def _make_room(n: int, n_kinds: int) -> dict[str, npt.NDArray[Any]]:
    """Columns of pairs to fill; what is never filled takes no memory."""
    types = dict.fromkeys(("a", "b"), np.int32) | dict.fromkeys(("weight", "probability"), np.float64)
    return {name: np.empty(n, dtype) for name, dtype in types.items()} | {"bits": np.empty((n, n_kinds), np.float32)}
