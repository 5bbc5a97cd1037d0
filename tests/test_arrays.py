"""Sorted integers as sets, and work done ahead: as plain Python would have it."""

import numpy as np
import pytest

from graphkit.link.ahead import map_ahead
from graphkit.link.arrays import is_among
from graphkit.naming import number_distinct

VALUES = [[], [3], [5, 1, 5, 2, 1], [7, 7, 7]]


@pytest.mark.parametrize("values", VALUES)
def test_distinct_values_are_sorted_and_numbered(values):
    array = np.array(values, dtype=np.int64)
    distinct, place = number_distinct(array, 10)
    assert distinct.tolist() == sorted(set(values))
    assert distinct[place].tolist() == values


@pytest.mark.parametrize("known", VALUES)
def test_membership_is_told(known):
    asked = np.arange(9)
    assert is_among(asked, np.array(sorted(known), dtype=np.int64)).tolist() == [n in known for n in range(9)]


def test_results_come_in_order_and_not_far_ahead():
    begun = []

    def work(number):
        begun.append(number)
        return number * number

    results = map_ahead(work, range(50))
    assert next(results) == 0
    assert max(begun) < 10
    assert list(results) == [n * n for n in range(1, 50)]


def test_an_error_reaches_the_caller():
    with pytest.raises(ZeroDivisionError):
        list(map_ahead(lambda n: 1 // n, [1, 0]))
