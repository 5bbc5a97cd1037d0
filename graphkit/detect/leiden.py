"""Leiden (Traag and others 2019) with the constant Potts model (CPM), by igraph, on large sparse graphs."""

from __future__ import annotations

import igraph
import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from graphkit.link.links import Integers, Numbers

_ITERATIONS = 2


def join_edges(edges: Integers, n: int) -> Integers:
    """Number the connected component of each of ``n`` vertices."""
    ones = np.ones(len(edges), dtype=np.int8)
    matrix = sparse.coo_array((ones, (edges[:, 0], edges[:, 1])), shape=(n, n))
    return connected_components(matrix, directed=False)[1].astype(np.int64)


def partition_graph(edges: Integers, strength: Numbers, *, start: Integers, resolution: float) -> Integers:
    """Partition a graph, beginning with given communities.

    A start near the answer, such as the components of the strongest edges, saves half of the time.

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
    graph = igraph.Graph(n=len(start), edges=edges)
    partition = graph.community_leiden(
        objective_function="CPM",
        weights=strength,
        resolution=resolution,
        initial_membership=start.tolist(),
        n_iterations=_ITERATIONS,
    )
    return np.asarray(partition.membership, dtype=np.int64)


def merge_parts(parts: Integers, edges: Integers, strength: Numbers, *, resolution: float) -> Integers:
    """Partition a graph whose parts at a finer resolution are known: no part is cut.

    Parameters
    ----------
    parts
        Part of each vertex, numbered from 0.
    edges, strength, resolution
        As for ``partition_graph``.

    Returns
    -------
    Community of each vertex, numbered from 0.
    """
    n = int(parts.max(initial=-1)) + 1
    a, b = parts[edges].T
    between = a != b
    ends = np.minimum(a, b)[between], np.maximum(a, b)[between]
    joined = sparse.coo_array((strength[between], ends), shape=(n, n)).tocsr().tocoo()
    graph = igraph.Graph(n=n, edges=np.column_stack([joined.row, joined.col]).astype(np.int64))
    partition = graph.community_leiden(
        objective_function="CPM",
        weights=joined.data,
        resolution=resolution,
        node_weights=np.bincount(parts, minlength=n).tolist(),
        n_iterations=_ITERATIONS,
    )
    return np.asarray(partition.membership, dtype=np.int64)[parts]
