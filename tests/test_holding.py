"""What holds a member: bits that its strongest pair must have, and who leaves when others do."""

import numpy as np
import pytest

from graphkit.detect.holding import bits_to_hold, reaches, tell_held


@pytest.mark.parametrize(
    ("likeness", "needed"), [(-3, 16), (0, 16), (2.5, 13.5), (7.9, 8.1), (8, 8), (30, 8), (np.nan, 16)]
)
def test_likeness_makes_up_what_a_pair_lacks_down_to_a_weak_one(likeness, needed):
    assert bits_to_hold(likeness, link=16, weak=8) == pytest.approx(needed)
    assert bits_to_hold(likeness, link=16, weak=16) == 16  # links alone decide


@pytest.mark.parametrize(
    ("bits", "least", "reached"),
    [
        ([9, -1], 9, True),
        ([9 - 1e-12, -1], 9, True),
        ([5, 4], 9, True),
        ([5, -1], 9, False),
        ([0, -1], 0, True),
        ([-1, -1], 0, False),
    ],
)
def test_a_pair_must_share_something_that_weighs(bits, least, reached):
    assert reaches(np.array([bits], dtype=float), least).tolist() == [reached]


# a - b: 16 bits, b - c: 10, c - d: 9
A, B = np.array([0, 1, 2]), np.array([1, 2, 3])
BITS = np.array([[16.0], [10.0], [9.0]])


@pytest.mark.parametrize(
    ("needed", "held"),
    [
        ([8, 8, 8, 8], [True, True, True]),
        ([16, 16, 10, 9], [True, True, True]),
        ([16, 16, 10, 10], [True, True, False]),  # d leaves
        ([16, 16, 11, 9], [True, False, False]),  # c leaves, and then nothing holds d
        ([17, 11, 9, 9], [False, False, True]),  # a, then b
    ],
)
def test_who_loses_its_strongest_pair_leaves_and_takes_others_along(needed, held):
    assert tell_held(A, B, BITS, weak=8, needed=np.array(needed, dtype=float)).tolist() == held


def test_pairs_below_the_weakest_that_counts_hold_nobody():
    assert tell_held(A, B, BITS, weak=9.5, needed=np.full(4, 8.0)).tolist() == [True, True, False]
