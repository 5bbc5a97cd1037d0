"""Leiden (Traag and others 2019) with the constant Potts model (CPM), by igraph, on large sparse graphs."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import igraph
import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from graphkit.apart import work_apart
from graphkit.link.arrays import Edges, Integers, Numbers

_ITERATIONS = 2
_CENTERS = 0.05
"""Share of the vertices that others may join before Leiden begins; more leave more edges, and a worse partition."""
_FEW_EDGES = 500_000
"""Up to here a process of its own takes longer to begin than the work takes."""


def join_edges(edges: Edges, n: int) -> Integers:
    """Number the connected component of each of ``n`` vertices."""
    ones = np.ones(len(edges), dtype=np.int8)
    matrix = sparse.coo_array((ones, (edges[:, 0], edges[:, 1])), shape=(n, n))
    return connected_components(matrix, directed=False)[1].astype(np.int64)


def partition_graph(edges: Edges, strength: Numbers, *, start: Integers, resolution: float, seed: int) -> Integers:
    """Partition a graph, beginning with given communities.

    A start near the answer, such as the components of the strongest edges, saves half of the time, and stars that are
    gathered first (``gather_stars``) two thirds of the rest.

    Parameters
    ----------
    edges
        Ends of the edges, shape (edges, 2).
    strength
        Weight of each edge, above 0.
    start
        Community of each vertex to begin with.

    Returns
    -------
    Community of each vertex, numbered from 0.
    """
    star = gather_stars(edges, strength, n=len(start), resolution=resolution, seed=seed)
    start_of_star = np.empty(int(star.max(initial=-1)) + 1, dtype=np.int64)
    start_of_star[star] = start
    return merge_parts(star, edges, strength, start=start_of_star, resolution=resolution, seed=seed)


def gather_stars(edges: Edges, strength: Numbers, *, n: int, resolution: float, seed: int) -> Integers:
    """Let vertices join the one of a few centers, chosen at random, to which their strongest edge leads.

    A vertex joins while its edge to the center alone makes up for all who joined before it by stronger edges, so that
    each joining raises the quality of the partition. Who has other edges, but into the star only that to its center,
    may stand at a bridge and is left alone.

    Parameters
    ----------
    edges, strength, resolution, seed
        As for ``partition_graph``.
    n
        Number of vertices.

    Returns
    -------
    Star of each vertex, numbered from 0; most are alone in theirs.
    """
    center = np.random.default_rng(seed).random(n) < _CENTERS
    a, b = edges.T
    joins = np.flatnonzero(center[a] != center[b])
    vertex = np.where(center[a[joins]], b[joins], a[joins])
    other = np.where(center[a[joins]], a[joins], b[joins])
    strongest = np.zeros(n)
    np.maximum.at(strongest, vertex, strength[joins])
    chosen = strength[joins] == strongest[vertex]
    star = np.arange(n)
    star[vertex[chosen]] = other[chosen]
    joined = np.flatnonzero(star != np.arange(n))
    joined = joined[np.lexsort((-strongest[joined], star[joined]))]
    begins = np.flatnonzero(np.diff(star[joined], prepend=-1))
    size = np.arange(len(joined)) - np.repeat(begins, np.diff(begins, append=len(joined))) + 1
    alone = joined[strongest[joined] < resolution * size]
    star[alone] = alone
    inside = star[a] == star[b]
    n_edges = np.bincount(a, minlength=n) + np.bincount(b, minlength=n)
    n_inside = np.bincount(a[inside], minlength=n) + np.bincount(b[inside], minlength=n)
    bridged = joined[(n_inside[joined] == 1) & (n_edges[joined] > 1)]
    star[bridged] = bridged
    return np.unique(star, return_inverse=True)[1].astype(np.int64)


@contextmanager
def begin_partition(
    edges: Edges, strength: Numbers, *, start: Integers, resolution: float, seed: int, niceness: int = 0
) -> Iterator[Callable[[], Integers]]:
    """Begin ``partition_graph``, in a process of its own if it takes long; gives a function that waits for the end.

    Parameters
    ----------
    niceness
        How far such a process stands back behind others that want the same core, 0 to 19.
    """
    settings: dict[str, Any] = {"start": start, "resolution": resolution, "seed": seed}
    if len(edges) <= _FEW_EDGES:
        yield lambda: partition_graph(edges, strength, **settings)
        return
    with work_apart(_partition_nicely, niceness, edges, strength, **settings) as wait:
        yield wait


def _partition_nicely(niceness: int, edges: Edges, strength: Numbers, **settings: Any) -> Integers:
    os.nice(niceness)
    return partition_graph(edges, strength, **settings)


def merge_parts(
    parts: Integers,
    edges: Edges,
    strength: Numbers,
    *,
    start: Integers | None = None,
    resolution: float,
    seed: int,
) -> Integers:
    """Partition a graph of whose vertices some are known to belong together: no part is cut.

    Parameters
    ----------
    parts
        Part of each vertex, numbered from 0.
    edges, strength, resolution, seed
        As for ``partition_graph``.
    start
        Community of each part to begin with; by default each is its own.

    Returns
    -------
    Community of each vertex, numbered from 0.
    """
    n = int(parts.max(initial=-1)) + 1
    joined = _join_between(parts.astype(np.int32), edges, strength, n=n)
    # of an array igraph makes lists, all at once; a view of its memory gives one number at a time
    ends = zip(joined.row.data, joined.col.data, strict=True)
    graph = igraph.Graph(n=n, edges=ends)
    with seeded(seed):
        partition = graph.community_leiden(
            objective_function="CPM",
            weights=joined.data.data,
            resolution=resolution,
            node_weights=np.bincount(parts, minlength=n).tolist(),
            initial_membership=None if start is None else start.tolist(),
            n_iterations=_ITERATIONS,
        )
    return np.asarray(partition.membership, dtype=np.int64)[parts]


def _join_between(parts: npt.NDArray[np.int32], edges: Edges, strength: Numbers, *, n: int) -> sparse.coo_array:
    """Strength between each two parts of ``n``, above the diagonal."""
    a, b = parts[edges.T]
    between = a != b
    ends = np.minimum(a, b)[between], np.maximum(a, b)[between]
    return sparse.coo_array((strength[between], ends), shape=(n, n)).tocsr().tocoo()


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Let igraph draw from a generator of its own for a while, and leave Python's as it was."""
    igraph.set_random_number_generator(random.Random(seed))  # noqa: S311  # not for secrets
    try:
        yield
    finally:
        igraph.set_random_number_generator(random)
