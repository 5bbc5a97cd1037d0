"""Match weights: how many bits say that two accounts are one operator's, exact over all that they share."""

from __future__ import annotations

from dataclasses import dataclass

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

    a: Integers
    """Position of one account in ``Links.accounts``."""
    b: Integers
    """Position of the other, greater than ``a``."""
    weight: Numbers
    """Match weight in bits."""
    probability: Numbers
    """Chance that the pair is sampled, above 0 and at most 1."""
    bits: npt.NDArray[np.float32]
    """Bits by kind, shape (pairs, kinds); -1 where the two share no pair-making entity of the kind."""

    def take(self, chosen: npt.NDArray[np.generic]) -> Weighted:
        """Pairs by a mask or by positions."""
        return Weighted(
            self.a[chosen], self.b[chosen], self.weight[chosen], self.probability[chosen], self.bits[chosen]
        )

    def inside(self, membership: Integers) -> npt.NDArray[np.bool_]:
        """Tell the pairs of which both accounts are in one community; -1 is none."""
        inside: npt.NDArray[np.bool_] = (membership[self.a] == membership[self.b]) & (membership[self.a] >= 0)
        return inside

    def strongest_inside(self, membership: Integers) -> Numbers:
        """Bits of each account's strongest pair with an account of its community; 0 for none."""
        inside = self.inside(membership)
        a, weight = self.a[inside], self.weight[inside]
        strength = np.zeros(len(membership))
        first = np.flatnonzero(np.diff(a, prepend=-1))
        strength[a[first]] = np.maximum.reduceat(weight, first) if len(first) else 0
        np.maximum.at(strength, self.b[inside], weight)
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

    What two accounts need besides such an entity is rarer, so that they meet there.
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


def weigh_pairs(pairs: Integers, links: Links, *, co_uses: CoUses, config: Config) -> tuple[Weighted, Numbers]:
    """Weigh candidate pairs and keep those that count: linked ones, and weak ones of accounts that behave alike.

    Parameters
    ----------
    pairs
        Sorted distinct keys ``a * n_accounts + b`` with a < b.

    Returns
    -------
    The pairs that count, and each entity's corroboration: of the candidate pairs that share it, the
    share (weighted by 1 / p) that holds 12 bits or more from other kinds; nan where none shares it.
    """
    weigh = Weigher(links, co_uses, config)

    def weigh_chunk(start: int) -> tuple[Weighted, Integers, Numbers, Numbers]:
        chunk, row, entity, other = weigh.chunk(pairs[start : start + _CHUNK])
        inverse = 1 / chunk.probability[row]
        kept = chunk.take(tell_counting(chunk, links, config=config))
        return kept, entity, inverse, inverse * (other >= CORROBORATING_BITS)

    counting, corroborated, sharing = [], np.zeros(len(links.entities)), np.zeros(len(links.entities))
    for kept, entity, of_all, of_corroborated in map_ahead(weigh_chunk, range(0, len(pairs), _CHUNK)):
        sharing += np.bincount(entity, weights=of_all, minlength=len(sharing))
        corroborated += np.bincount(entity, weights=of_corroborated, minlength=len(sharing))
        counting.append(kept)
    corroboration = np.divide(corroborated, sharing, out=np.full(len(sharing), np.nan), where=sharing > 0)
    return _concatenate(counting, len(links.kinds)), corroboration


class Weigher:
    """What weighing needs of the links, made once: the account by entity matrix and tables by entity and kind."""

    def __init__(self, links: Links, co_uses: CoUses, config: Config) -> None:
        kinds = [config.kinds[kind] for kind in links.kinds]
        self.n_accounts, self.n_kinds, self.co_uses = len(links.accounts), len(kinds), co_uses
        self.kind, self.entity_bits = links.entity_kind(), links.bits(config)
        self.prior = np.array([kind.prior for kind in kinds])
        makes_pairs = links.makes_pairs(config)
        pairing = makes_pairs[links.entity]
        slots = links.account[pairing] * self.n_kinds + self.kind[links.entity[pairing]]
        self.choices = np.bincount(slots, minlength=self.n_accounts * self.n_kinds)
        self.log2_factorial = np.concatenate([[0.0], np.cumsum(np.log2(np.arange(1, self.choices.max(initial=0) + 1)))])
        timed = np.array([kind.within is not None for kind in kinds], dtype=bool)
        in_matrix = pairing & ~timed[self.kind[links.entity]]
        shape = (self.n_accounts, len(links.entities))
        ones = np.ones(int(in_matrix.sum()), dtype=np.int8)
        self.matrix = sparse.csr_array((ones, (links.account[in_matrix], links.entity[in_matrix])), shape=shape)
        degree = links.entities["n_accounts"].to_numpy()
        with np.errstate(divide="ignore"):  # log(0): an entity whose members all meet
            self.log_missed = np.log1p(-np.minimum(1, 2 * config.partners / np.maximum(degree - 1, 1)))
        self.log_missed[~tell_meeting(links, config)] = 0.0
        self.log_missed[timed[self.kind]] = -np.inf

    def chunk(self, pairs: Integers) -> tuple[Weighted, Integers, Integers, Numbers]:
        """Weigh some pairs.

        Also gives, for each entity that a pair shares, the pair, the entity, and the other kinds' bits.
        """
        a, b = np.divmod(pairs, self.n_accounts)
        row, entity = self._shared(pairs, a, b)
        slot = row * self.n_kinds + self.kind[entity]
        n_slots = len(pairs) * self.n_kinds
        n_shared = np.bincount(slot, minlength=n_slots)
        filled = np.flatnonzero(n_shared)  # few: most pairs share one kind
        shared = np.bincount(slot, weights=self.entity_bits[entity], minlength=n_slots)[filled]
        of_pair, kind = np.divmod(filled, self.n_kinds)
        choices = np.maximum(*(self.choices[end[of_pair] * self.n_kinds + kind] for end in (a, b)))
        price = self.log2_choose(choices, n_shared[filled])
        bits = np.full(n_slots, -1.0)
        bits[filled] = np.maximum(0, shared + self.prior[kind] - price)
        weight: Numbers = np.bincount(of_pair, weights=bits[filled], minlength=len(pairs)).astype(float)
        probability = -np.expm1(np.bincount(row, weights=self.log_missed[entity], minlength=len(pairs)))
        np.maximum(probability, _LEAST_PROBABILITY, out=probability)
        other = weight[row] - bits[slot]
        return (
            Weighted(a, b, weight, probability, bits.reshape(-1, self.n_kinds).astype(np.float32)),
            row,
            entity,
            other,
        )

    def log2_choose(self, n: Integers, k: Integers) -> Numbers:
        """log2 of the binomial coefficient: the bits of choice that an account with n entities has."""
        table = self.log2_factorial
        chosen: Numbers = table[n] - table[k] - table[n - k]
        return chosen

    def _shared(self, pairs: Integers, a: Integers, b: Integers) -> tuple[Integers, Integers]:
        """Each shared entity of each pair: place of the pair, and the entity."""
        both = self.matrix[a].multiply(self.matrix[b]).tocoo()
        start, end = np.searchsorted(self.co_uses.pair, [pairs[0], pairs[-1] + 1])
        asked = is_among(self.co_uses.pair[start:end], pairs)
        timed = np.searchsorted(pairs, self.co_uses.pair[start:end][asked])
        row = np.concatenate([both.row.astype(np.int64), timed])
        return row, np.concatenate([both.col.astype(np.int64), self.co_uses.entity[start:end][asked]])


def _concatenate(parts: list[Weighted], n_kinds: int) -> Weighted:
    """Join parts, column by column, so that little is there twice."""
    none = np.empty(0, np.int64)
    empty = Weighted(none, none, none.astype(float), none.astype(float), np.empty((0, n_kinds), np.float32))
    columns = [[getattr(part, name) for part in parts or [empty]] for name in _COLUMNS]
    parts.clear()
    joined = []
    for column in columns:
        joined.append(np.concatenate(column))
        column.clear()
    return Weighted(*joined)
