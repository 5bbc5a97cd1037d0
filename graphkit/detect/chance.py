"""Chance: what the same method finds when links are dealt out at random, degrees kept.

Within each kind the links are dealt anew: every account keeps its number of entities, every entity
its number of accounts, and nothing else is kept (the configuration model). Clusters found there are
chance's; beside them stands what was found in the real links.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from graphkit.config import Config
from graphkit.detect.communities import edge_strength, find_communities
from graphkit.link.couse import no_co_uses
from graphkit.link.likeness import member_likeness
from graphkit.link.links import Integers, Links, Numbers
from graphkit.link.pairs import sample_pairs
from graphkit.link.weights import Weighted, weigh_pairs

_ROUNDS = 20


@dataclass(frozen=True)
class ChanceRun:
    """What one deal of the links gave."""

    n_pairs: int
    """Pairs that count, linked or weak."""
    sizes: Integers
    """Accounts of each cluster, largest first."""
    densities: Numbers
    """Strength of each cluster, an average over all pairs of its accounts."""
    likenesses: Numbers
    """Likeness of each cluster, an average over its accounts."""


def deal_at_random(links: Links, *, config: Config, key: bytes) -> Iterator[ChanceRun]:
    """Find clusters in links dealt at random, ``config.chance_runs`` times.

    Kinds with ``within`` are left out: their co-uses cannot be dealt without the events. Nothing is
    given where no other kind is left.
    """
    timed = np.array([config.kinds[kind].within is not None for kind in links.kinds], dtype=bool)
    untimed = links.take(~timed[links.entity_kind()[links.entity]])
    if not len(untimed.account):
        return
    for number in range(config.chance_runs):
        random = np.random.Generator(np.random.PCG64([config.seed, number]))
        dealt = shuffle_links(untimed, random)
        candidates = sample_pairs(dealt, co_uses=no_co_uses(), config=config, key=key)
        pairs, _ = weigh_pairs(candidates, dealt, co_uses=no_co_uses(), config=config)
        membership = find_communities(pairs, dealt, config=config)
        sizes = np.bincount(membership[membership >= 0])
        yield ChanceRun(
            len(pairs.a),
            sizes,
            measure_density(pairs, membership, dealt, config=config),
            measure_likeness(membership, dealt),
        )


def shuffle_links(links: Links, random: np.random.Generator) -> Links:
    """Deal the links of each kind anew; the few that would give an account the same entity twice are dropped."""
    account = links.account.copy()
    kind = links.entity_kind()[links.entity]
    for number in range(len(links.kinds)):
        places = np.flatnonzero(kind == number)
        account[places] = account[random.permutation(places)]
    for _ in range(_ROUNDS):
        doubled = _doubled(account, links.entity)
        if not doubled.any():
            break
        for number in np.unique(kind[doubled]):
            places = np.flatnonzero(doubled & (kind == number))
            # each doubled link swaps accounts with a random link of its kind, one swap after the other
            others = random.choice(np.flatnonzero(kind == number), len(places))
            for place, other in zip(places, others, strict=True):
                account[place], account[other] = account[other], account[place]
    kept = np.flatnonzero(~_doubled(account, links.entity))
    order = kept[np.lexsort((links.entity[kept], account[kept]))]
    return replace(links, account=account).take(order)


def measure_density(pairs: Weighted, membership: Integers, links: Links, *, config: Config) -> Numbers:
    """Strength inside each cluster, over all pairs of its accounts, those not sampled by estimate."""
    inside = pairs.inside(membership)
    strength = edge_strength(pairs.take(inside), links, config=config)
    size = np.bincount(membership[membership >= 0])
    total = np.bincount(membership[pairs.a[inside]], weights=strength, minlength=len(size))
    density: Numbers = total / (size * (size - 1) / 2)
    return density


def measure_likeness(membership: Integers, links: Links) -> Numbers:
    """Likeness of each cluster in bits, an average over its accounts."""
    inside = membership >= 0
    likeness = member_likeness(links.profiles, membership, inside)[inside]
    mean: Numbers = np.bincount(membership[inside], weights=likeness) / np.bincount(membership[inside])
    return mean


def expect_by_chance(
    sizes: npt.NDArray[np.number], densities: Numbers, likenesses: Numbers, *, runs: list[ChanceRun]
) -> Numbers:
    """Clusters of chance, a run, at least as large, as dense and as alike as each given one; nan without runs."""
    if not runs:
        return np.full(len(sizes), np.nan)
    chance = [np.concatenate([getattr(run, name) for run in runs]) for name in ("sizes", "densities", "likenesses")]
    matches = [
        np.count_nonzero(np.logical_and.reduce([made >= given for made, given in zip(chance, cluster, strict=True)]))
        for cluster in zip(sizes, densities, likenesses, strict=True)
    ]
    return np.array(matches, dtype=float) / len(runs)


def _doubled(account: Integers, entity: Integers) -> npt.NDArray[np.bool_]:
    """Tell the links that repeat an earlier one."""
    doubled = np.ones(len(account), dtype=bool)
    doubled[np.unique(account * (int(entity.max(initial=0)) + 1) + entity, return_index=True)[1]] = False
    return doubled
