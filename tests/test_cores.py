"""Corroborated cores: a farm leaves the crowd it hides in; what is of one piece stays so."""

from functools import partial
from itertools import combinations, pairwise

import numpy as np
import pytest

from graphkit.detect.cores import CORROBORATED_BITS, split_off_cores
from graphkit.detect.leiden import join_edges


def in_pieces(n, edges, _strength):
    """Partition into what the edges join."""
    return join_edges(edges, n)


def split(groups, *, bridges=(), sure=()):
    """Split one community made of complete groups; edges inside the ``sure`` groups are corroborated."""
    edges, spare, start = [], [], 0
    for number, size in enumerate(groups):
        pairs = list(combinations(range(start, start + size), 2))
        edges += pairs
        spare += [CORROBORATED_BITS if number in sure else 0.0] * len(pairs)
        start += size
    edges += bridges
    spare += [0.0] * len(bridges)
    edges = np.array(edges)
    membership = split_off_cores(
        np.zeros(start, dtype=np.int64),
        edges,
        np.ones(len(edges)),
        spare_bits=np.array(spare),
        partition=partial(in_pieces, start),
        least=3,
    )
    ends = np.cumsum([0, *groups])
    return [set(membership[a:b].tolist()) for a, b in pairwise(ends)]


def test_a_corroborated_core_leaves_its_crowd():
    core, crowd = split([6, 12], bridges=[(0, 6), (1, 7)], sure={0})
    assert (len(core), len(crowd)) == (1, 1)
    assert core != crowd


@pytest.mark.parametrize("sure", [(), {0, 1}])
def test_parts_that_do_not_differ_stay_together(sure):
    one, other = split([6, 12], bridges=[(0, 6), (1, 7)], sure=sure)
    assert one == other


def test_a_core_tied_closely_to_the_rest_stays():
    bridges = [(a, b) for a in range(6) for b in range(6, 18)]
    core, crowd = split([6, 12], bridges=bridges, sure={0})
    assert core == crowd


def test_a_few_hangers_on_are_no_crowd():
    core, rest = split([8, 2], bridges=[(0, 8), (1, 8), (2, 9), (3, 9)], sure={0})
    assert core == rest


def test_a_core_smaller_than_a_cluster_stays():
    core, crowd = split([2, 12], bridges=[(0, 2)], sure={0})
    assert core == crowd
