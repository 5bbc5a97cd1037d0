"""Detached parts: what hangs on by a thread leaves, what is woven in stays."""

from itertools import combinations

import numpy as np
import pytest

from graphkit.detect.detached import split_off_detached

LEFT, RIGHT = list(combinations(range(5), 2)), list(combinations(range(5, 10), 2))


HALVES = (np.arange(10) >= 5).astype(np.int64)


@pytest.mark.parametrize(("n_between", "n_communities"), [(1, 2), (2, 2), (3, 1), (6, 1)])
def test_a_part_leaves_that_keeps_nine_tenths_inside(n_between, n_communities):
    edges = np.array(LEFT + RIGHT + [(n % 5, 5 + n % 5) for n in range(n_between)])
    found = split_off_detached(np.zeros(10, dtype=np.int64), edges, np.ones(len(edges)), parts=HALVES)
    assert len(set(found)) == n_communities


def test_communities_are_never_joined():
    edges = np.array(LEFT + RIGHT)
    membership = np.arange(10) % 2
    found = split_off_detached(membership, edges, np.ones(len(edges)), parts=HALVES)
    assert all(len(set(membership[found == one])) == 1 for one in set(found))
