"""Stability: whether clusters, and their members in them, survive what should not matter.

Each run finds the communities again with one thing changed: another seed, half or twice the
resolution, edges drawn anew (Poisson bootstrap), one kind of link left out, or each cluster's
strongest entity left out. What counts is who is still together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from graphkit.config import Config
from graphkit.detect.communities import choose_resolution, find_communities
from graphkit.detect.members import Grouping
from graphkit.link.couse import CoUses
from graphkit.link.links import Integers, Links, Numbers
from graphkit.link.weights import Weighted, tell_counting, weigh_pairs

BOOTSTRAPS = 3
"""Runs with edges drawn anew."""
MOST_PAIRS = 2_000_000
"""Pairs that the runs may use; above, only the largest clusters are tested."""

WITHOUT = "without "
"""Starts the name of a run that leaves a kind of link, or the strongest entity, out."""
STRONGEST_ENTITY = WITHOUT + "strongest entity"


@dataclass(frozen=True)
class Stability:
    """What the runs found."""

    runs: tuple[str, ...]
    """Name of each run."""
    stays: npt.NDArray[np.bool_]
    """Shape (runs, accounts of the links): in the run the account is with most of its cluster."""
    together: Numbers
    """Shape (runs, clusters): share of the pairs of accounts together before or after that are so both times."""
    n_parts: Integers
    """Shape (runs, clusters): parts of two accounts or more that the cluster is in."""
    largest: Numbers
    """Shape (runs, clusters): share of the cluster that its largest part holds."""
    tested: npt.NDArray[np.bool_]
    """Shape (clusters,): the runs had all pairs of the cluster; without them they tell nothing of it."""

    def of_clusters(self) -> Numbers:
        """Mean of ``together`` over the runs that leave all evidence in place; nan where there is no test."""
        return np.where(self.tested, _mean(self.together[self._with_all_evidence()]), np.nan)

    def of_accounts(self, cluster: Integers) -> Numbers:
        """Share of the runs that leave all evidence in place in which an account stays; nan where there is no test.

        Parameters
        ----------
        cluster
            Of each account of the links its cluster; -1 for none.
        """
        stays = _mean(self.stays[self._with_all_evidence()].astype(float))
        return np.where(np.append(self.tested, False)[cluster], stays, np.nan)

    def breaks_without(self, kinds: tuple[str, ...]) -> npt.NDArray[np.bool_]:
        """Shape (kinds, accounts): the account no longer is with most of its cluster when the kind is left out."""
        rows = [self.runs.index(f"{WITHOUT}{kind}") for kind in kinds if f"{WITHOUT}{kind}" in self.runs]
        return ~self.stays[rows] if rows else np.zeros((len(kinds), self.stays.shape[1]), dtype=bool)

    def _with_all_evidence(self) -> npt.NDArray[np.bool_]:
        return np.array([not run.startswith(WITHOUT) for run in self.runs], dtype=bool)


def measure_stability(
    grouping: Grouping, pairs: Weighted, links: Links, *, co_uses: CoUses, config: Config
) -> Stability:
    """Find the communities again under each perturbation."""
    pairs, tested = _bound(_among_clustered(pairs, grouping), grouping)
    names, found = [], []
    for name, membership in _runs(grouping, pairs, links, co_uses=co_uses, config=config):
        names.append(name)
        found.append(_compare(grouping, membership))
    stays, together, n_parts, largest = (np.array(column) for column in zip(*found, strict=True))
    stays |= ~np.append(tested, True)[grouping.cluster]
    return Stability(tuple(names), stays, together, n_parts, largest, tested)


def stability_table(stability: Stability, grouping: Grouping) -> pa.Table:
    """Rows of the table ``stability``, of the clusters that were tested."""
    names, tested = np.array(grouping.names, dtype=object)[stability.tested], stability.tested
    return pa.table(
        {
            "cluster_id": pa.array(np.tile(names, len(stability.runs)), pa.string()),
            "perturbation": pa.array(np.repeat(np.array(stability.runs, dtype=object), len(names)), pa.string()),
            "together": stability.together[:, tested].ravel(),
            "n_parts": stability.n_parts[:, tested].ravel(),
            "largest_part": stability.largest[:, tested].ravel(),
        }
    )


def _mean(rows: Numbers) -> Numbers:
    """Mean over the rows; nan of none."""
    mean: Numbers = rows.mean(axis=0) if len(rows) else np.full(rows.shape[1], np.nan)
    return mean


def no_stability(grouping: Grouping, links: Links) -> Stability:
    """Give the result of no runs at all."""
    none, untested = np.empty((0, len(grouping.names))), np.zeros(len(grouping.names), dtype=bool)
    return Stability((), np.empty((0, len(links.accounts)), dtype=bool), none, none.astype(np.int64), none, untested)


def _among_clustered(pairs: Weighted, grouping: Grouping) -> Weighted:
    """Keep the pairs of which both accounts are in clusters, whichever."""
    return pairs.take((grouping.cluster[pairs.a] >= 0) & (grouping.cluster[pairs.b] >= 0))


def _bound(pairs: Weighted, grouping: Grouping) -> tuple[Weighted, npt.NDArray[np.bool_]]:
    """Keep the pairs of the largest clusters if there are too many; also tells the clusters of which all are kept."""
    n = len(grouping.names)
    cluster = np.where(pairs.inside(grouping.cluster), grouping.cluster[pairs.a], n)
    tested = np.cumsum(np.bincount(cluster, minlength=n)[:n]) <= MOST_PAIRS
    if len(cluster) <= MOST_PAIRS:
        return pairs, tested
    return pairs.take(np.sort(np.argsort(cluster, kind="stable")[:MOST_PAIRS])), tested


def _runs(
    grouping: Grouping, pairs: Weighted, links: Links, *, co_uses: CoUses, config: Config
) -> Iterator[tuple[str, Integers]]:
    """Name and membership of each run."""
    config = config.model_copy(update={"min_cluster_size": 2})
    resolution = choose_resolution(config, links.n_population)
    changes: list[tuple[str, dict[str, object]]] = [
        ("another seed", {"seed": (config.seed + 1) % 2**32}),
        ("half the resolution", {"resolution": resolution / 2}),
        ("twice the resolution", {"resolution": resolution * 2}),
    ]
    for name, change in changes:
        yield name, find_communities(pairs, links, config=config.model_copy(update=change))
    random = np.random.Generator(np.random.PCG64(config.seed))
    for number in range(1, BOOTSTRAPS + 1):
        times = random.poisson(1.0, len(pairs.a))
        drawn = replace(pairs, probability=pairs.probability / np.maximum(times, 1)).take(times > 0)
        yield f"edges drawn anew, {number}", find_communities(drawn, links, config=config)
    for place, kind in enumerate(links.kinds):
        left = _without_kind(pairs, place)
        yield (
            f"{WITHOUT}{kind}",
            find_communities(left.take(tell_counting(left, links, config=config)), links, config=config),
        )
    kept = _all_but_strongest(grouping, links, config)
    fewer, fewer_co_uses = links.take(kept), _keep_co_uses(co_uses, links, kept)
    weighed, _ = weigh_pairs(pairs.keys(len(links.accounts)), fewer, co_uses=fewer_co_uses, config=config)
    still_share = weighed.bits.max(axis=1, initial=-1) >= 0
    yield STRONGEST_ENTITY, find_communities(weighed.take(still_share), links, config=config)


def _without_kind(pairs: Weighted, place: int) -> Weighted:
    """Pairs that share something without a kind, and what they weigh then."""
    lost = np.maximum(pairs.bits[:, place], 0)
    bits = pairs.bits.copy()
    bits[:, place] = -1
    left = replace(pairs, weight=pairs.weight - lost, bits=bits)
    return left.take(bits.max(axis=1) >= 0)


def _all_but_strongest(grouping: Grouping, links: Links, config: Config) -> npt.NDArray[np.bool_]:
    """Tell links apart from those of each cluster's members to the entity that most of its strength hangs on."""
    cluster = grouping.cluster[links.account]
    member = cluster >= 0
    n_entities = max(len(links.entities), 1)
    key, place, n_inside = np.unique(
        cluster[member] * n_entities + links.entity[member], return_inverse=True, return_counts=True
    )
    of_cluster, entity = np.divmod(key, n_entities)
    worth = n_inside * (links.bits(config) * links.makes_pairs(config))[entity] * (n_inside > 1)
    order = np.lexsort((entity, -worth, of_cluster))
    first = np.unique(of_cluster[order], return_index=True)[1]
    strongest = np.zeros(len(key), dtype=bool)
    strongest[order[first]] = True
    kept = np.ones(len(links.account), dtype=bool)
    kept[np.flatnonzero(member)] = ~strongest[place]
    return kept


def _keep_co_uses(co_uses: CoUses, links: Links, kept: npt.NDArray[np.bool_]) -> CoUses:
    """Co-uses of which both ends keep their link."""
    n_entities = max(len(links.entities), 1)
    lost = links.account[~kept] * n_entities + links.entity[~kept]
    ends = np.divmod(co_uses.pair, max(len(links.accounts), 1))
    left = ~np.logical_or(*(np.isin(end * n_entities + co_uses.entity, lost) for end in ends))
    return CoUses(co_uses.pair[left], co_uses.entity[left], co_uses.gap_us[left])


def _compare(grouping: Grouping, membership: Integers) -> tuple[npt.NDArray[np.bool_], Numbers, Integers, Numbers]:
    """Hold a run's communities against the clusters: who stays, pairs kept together, parts, share of the largest."""
    n = len(grouping.names)
    member = np.flatnonzero(grouping.cluster >= 0)
    cluster = grouping.cluster[member]
    n_found = int(membership.max(initial=-1)) + 1
    # accounts in no community are parts of one
    part = np.where(membership[member] >= 0, membership[member], n_found + np.arange(len(member)))
    key, place, size = np.unique(cluster * (n_found + len(member)) + part, return_inverse=True, return_counts=True)
    of_cluster, of_part = np.divmod(key, n_found + max(len(member), 1))
    whole = np.bincount(cluster, minlength=n)
    part_size = np.bincount(membership[membership >= 0], minlength=n_found)
    full = np.where(of_part < n_found, part_size[np.minimum(of_part, max(n_found - 1, 0))] if n_found else 1, 1)

    def pairs_of(count: Integers) -> Numbers:
        return count * (count - 1) / 2

    both = np.bincount(of_cluster, weights=pairs_of(size), minlength=n)
    after = np.bincount(of_cluster, weights=pairs_of(full) * (size / full), minlength=n)
    either = np.maximum(pairs_of(whole) + after - both, 1)
    largest = np.zeros(n, dtype=np.int64)
    np.maximum.at(largest, of_cluster, size)
    stays = np.zeros(len(membership), dtype=bool)
    stays[member] = (size == largest[of_cluster])[place] & (2 * size > whole[of_cluster])[place]
    n_parts = np.bincount(of_cluster, weights=size > 1, minlength=n).astype(np.int64)
    return stays, both / either, n_parts, largest / np.maximum(whole, 1)
