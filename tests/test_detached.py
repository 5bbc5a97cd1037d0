"""Detached parts: what hangs on by a thread leaves, what is woven in stays."""

from itertools import combinations

import numpy as np
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from graphkit.detect.detached import split_off_detached

LEFT, RIGHT = list(combinations(range(5), 2)), list(combinations(range(5, 10), 2))


def in_halves(_strength):
    """Partition as a finer resolution would: the first five vertices, and the others."""
    return (np.arange(10) >= 5).astype(np.int64)


@pytest.mark.parametrize(("n_between", "n_communities"), [(1, 2), (2, 2), (3, 1), (6, 1)])
def test_a_part_leaves_that_keeps_nine_tenths_inside(n_between, n_communities):
    edges = np.array(LEFT + RIGHT + [(n % 5, 5 + n % 5) for n in range(n_between)])
    found = split_off_detached(np.zeros(10, dtype=np.int64), edges, np.ones(len(edges)), partition=in_halves)
    assert len(set(found)) == n_communities


def test_communities_are_never_joined():
    edges = np.array(LEFT + RIGHT)

    def in_pieces(strength):
        """Partition into what the edges join."""
        a, b = edges[strength > 0].T
        return connected_components(coo_array((strength[strength > 0], (a, b)), shape=(10, 10)), directed=False)[1]

    membership = np.arange(10) % 2
    found = split_off_detached(membership, edges, np.ones(len(edges)), partition=in_pieces)
    assert all(len(set(membership[found == one])) == 1 for one in set(found))
