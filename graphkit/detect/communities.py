"""Communities of linked accounts: Leiden with the constant Potts model (CPM), three ways."""

from __future__ import annotations

from functools import reduce

import igraph
import leidenalg
import numpy as np

from graphkit.config import Config
from graphkit.detect.cores import CORROBORATED_BITS, split_off_cores
from graphkit.detect.detached import split_off_detached
from graphkit.detect.leiden import begin_partition, join_edges, merge_parts, seeded
from graphkit.link.arrays import Edges
from graphkit.link.likeness import member_likeness
from graphkit.link.links import Integers, Links, Numbers
from graphkit.link.weights import Weighted, link_threshold, weak_threshold

_ITERATIONS = 2
_MOST_INVERSE_PROBABILITY = 50.0
_FINER = 30.0
"""How many times the resolution is at which detached parts are looked for."""
_BEHIND = 10
"""Niceness of the partition that takes less time, so that the other has a core to itself."""
_MOST_ROUNDS = 10
"""Times that members may be dropped because others were."""


def choose_resolution(config: Config, n_population: int) -> float:
    """CPM resolution: the config's, else 0.01 at 50 thousand accounts, falling with the root of their number.

    The rule joins the two measured optima, 0.01 at 50 k and 0.002 at 1 M accounts: links between
    strangers grow sparser as the population grows, and so may clusters.
    """
    if config.resolution != "auto":
        return config.resolution
    return 0.01 * float(np.sqrt(50_000 / max(n_population, 1)))


def find_communities(pairs: Weighted, links: Links, *, config: Config) -> Integers:
    """Partition the accounts that counting pairs join.

    Returns
    -------
    For each place in ``links.accounts`` its community, numbered by decreasing size (then by first
    account); -1 for accounts in no community of ``config.min_cluster_size`` or more.
    """
    if config.method != "pairs":
        pairs = pairs.take(pairs.weight >= link_threshold(config, links.n_population))
    membership = np.full(len(links.accounts), -1, dtype=np.int64)
    joined, edges = _join_ends(pairs, len(links.accounts))
    if len(joined):
        resolution = choose_resolution(config, links.n_population)
        with seeded(config.seed):
            match config.method:
                case "pairs":
                    membership[joined] = _partition_in_steps(edges, pairs, links, config=config, resolution=resolution)
                case "multiplex":
                    strength = edge_strength(pairs, links, config=config)
                    membership[joined] = _partition_multiplex(
                        len(joined), edges, strength, pairs, resolution=resolution, seed=config.seed
                    )
                case "bipartite":
                    membership[joined] = _partition_bipartite(joined, links, config=config, resolution=resolution)
    membership = _number_by_size(membership, least=config.min_cluster_size)
    return keep_alike(membership, pairs, links, config=config)


def _join_ends(pairs: Weighted, n_accounts: int) -> tuple[Integers, Edges]:
    """Accounts that pairs join, and the places of each pair's ends among them, shape (pairs, 2)."""
    joined = pairs.joined(n_accounts)
    place = np.cumsum(joined, dtype=np.int32) - 1
    return np.flatnonzero(joined), np.stack([place[pairs.a], place[pairs.b]]).T


def edge_strength(pairs: Weighted, links: Links, *, config: Config) -> Numbers:
    """Weight of a pair's edge: bits above the least that count, plus 1, over the chance that the pair was sampled."""
    bits = pairs.weight - weak_threshold(links, config) + 1
    strength: Numbers = bits * np.minimum(_MOST_INVERSE_PROBABILITY, 1 / pairs.probability)
    return strength


def _partition_in_steps(edges: Edges, pairs: Weighted, links: Links, *, config: Config, resolution: float) -> Integers:
    """Partition, then split off what several kinds bind, then what hangs on by weak pairs alone.

    The parts of a finer resolution come first: whole communities are quickly made of them, and the last step asks
    which of them stand alone.
    """
    strength, n = edge_strength(pairs, links, config=config), int(edges.max()) + 1
    threshold = link_threshold(config, links.n_population)
    linked = join_edges(edges[pairs.weight >= threshold], n)
    finer = _FINER * resolution
    with begin_partition(edges, strength, start=linked, resolution=finer, seed=config.seed) as parts_found:
        sure = pairs.weight - reduce(np.maximum, pairs.bits.T) >= CORROBORATED_BITS
        sure_edges = edges[sure]
        joined = join_edges(sure_edges, n)
        with begin_partition(
            sure_edges, strength[sure], start=joined, resolution=resolution, seed=config.seed, niceness=_BEHIND
        ) as cores_found:
            parts, cores = parts_found(), cores_found()
    found = merge_parts(parts, edges, strength, resolution=resolution, seed=config.seed)
    found = split_off_cores(found, edges, strength, corroborated=sure, cores=cores, least=config.min_cluster_size)
    if weak_threshold(links, config) == threshold:
        return found
    return split_off_detached(found, edges, strength, parts=parts)


def keep_alike(membership: Integers, pairs: Weighted, links: Links, *, config: Config) -> Integers:
    """Drop members that no pair binds, or whose strongest pair lacks more for a link than their likeness makes up."""
    threshold = link_threshold(config, links.n_population)
    linked = np.flatnonzero(pairs.inside(membership) & (pairs.weight >= threshold))
    weak = membership >= 0
    weak[pairs.a[linked]] = weak[pairs.b[linked]] = False
    pairs = pairs.take(weak[pairs.a] | weak[pairs.b])
    for _ in range(_MOST_ROUNDS):
        weak &= membership >= 0  # others stay linked: who is dropped was linked to nobody
        strength = pairs.strongest_inside(membership)
        likeness = member_likeness(links.profiles, membership, weak)
        drop = weak & ((strength <= 0) | (strength + likeness < threshold))
        if not drop.any():
            break
        weak &= np.isin(membership, membership[drop])  # where nobody is dropped nothing changes
        membership = _number_by_size(np.where(drop, -1, membership), least=config.min_cluster_size)
    return membership


def _partition_multiplex(
    n: int, edges: Edges, strength: Numbers, pairs: Weighted, *, resolution: float, seed: int
) -> Integers:
    """Split each edge's strength over a layer per kind, by the kind's share of the bits."""
    bits = np.maximum(pairs.bits, 0).astype(float)
    total = bits.sum(axis=1, keepdims=True)
    share = np.divide(bits, total, out=np.full_like(bits, 1 / bits.shape[1]), where=total > 0)
    layers = [kind for kind in range(bits.shape[1]) if share[:, kind].any()]
    optimiser = leidenalg.Optimiser()
    optimiser.set_rng_seed(seed)
    partitions = []
    for kind in layers:
        present = share[:, kind] > 0
        graph = igraph.Graph(n=n, edges=edges[present])
        weights = (strength * share[:, kind])[present].tolist()
        partitions.append(
            leidenalg.CPMVertexPartition(graph, weights=weights, resolution_parameter=resolution / len(layers))
        )
    optimiser.optimise_partition_multiplex(partitions, n_iterations=_ITERATIONS)
    return np.asarray(partitions[0].membership, dtype=np.int64)


def _partition_bipartite(linked: Integers, links: Links, *, config: Config, resolution: float) -> Integers:
    """Cluster linked accounts and the entities that pair them in one graph (Barber 2007, Traag 2019)."""
    place = np.full(len(links.accounts), -1, dtype=np.int64)
    place[linked] = np.arange(len(linked))
    kept = links.makes_pairs(config)[links.entity] & (place[links.account] >= 0)
    entities, end = np.unique(links.entity[kept], return_inverse=True)
    graph = igraph.Graph(
        n=len(linked) + len(entities), edges=np.column_stack([place[links.account[kept]], len(linked) + end])
    )
    graph.es["weight"] = links.bits(config)[links.entity[kept]].tolist()
    graph.vs["type"] = [0] * len(linked) + [1] * len(entities)
    layers = leidenalg.CPMVertexPartition.Bipartite(
        graph, resolution_parameter_01=resolution, weights="weight", degree_as_node_size=False, types="type"
    )
    optimiser = leidenalg.Optimiser()
    optimiser.set_rng_seed(config.seed)
    optimiser.optimise_partition_multiplex(layers, layer_weights=[1, -1, -1], n_iterations=_ITERATIONS)
    return np.asarray(layers[0].membership[: len(linked)], dtype=np.int64)


def _number_by_size(membership: Integers, *, least: int) -> Integers:
    """Number communities by decreasing size, ties by first member; -1 for those smaller than ``least``."""
    inside = membership >= 0
    _, first, label, size = np.unique(membership[inside], return_index=True, return_inverse=True, return_counts=True)
    order = np.lexsort((first, -size))
    number = np.empty(len(order), dtype=np.int64)
    number[order] = np.arange(len(order))
    number[size < least] = -1
    numbered = np.full(len(membership), -1, dtype=np.int64)
    numbered[inside] = number[label]
    return numbered
