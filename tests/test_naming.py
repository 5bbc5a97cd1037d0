"""Columns of names: plain or as dictionaries, in one piece or several, they mean the same."""

import pyarrow as pa
import pytest

from graphkit.link.naming import name_places, place_names, rank_names

TEXTS = ["b", None, "a", "c", "a"]
COLUMNS = {
    "plain": pa.chunked_array([TEXTS], pa.string()),
    "dictionary": pa.chunked_array([pa.array(TEXTS).dictionary_encode()]),
    "unused name": pa.chunked_array(
        [pa.DictionaryArray.from_arrays(pa.array([3, None, 2, 1, 2], pa.int32()), ["z", "c", "a", "b"])]
    ),
    "pieces with names of their own": pa.chunked_array(
        [pa.array(TEXTS[:2]).dictionary_encode(), pa.array(TEXTS[2:]).dictionary_encode()]
    ),
}


@pytest.mark.parametrize("column", COLUMNS.values(), ids=COLUMNS)
def test_names_are_placed_among_the_known(column):
    assert place_names(column, ["c", "a"]).tolist() == [-1, -1, 1, 0, 1]


@pytest.mark.parametrize("column", COLUMNS.values(), ids=COLUMNS)
def test_names_rank_in_their_order(column):
    assert rank_names(column).tolist() == [2, 0, 1, 3, 1]


def test_no_names_have_no_places():
    column = pa.chunked_array([], pa.string())
    assert place_names(column, ["a"]).tolist() == rank_names(column).tolist() == []


@pytest.mark.parametrize("places", [[1, 0, None], pa.chunked_array([[1], [0, None]])], ids=["list", "pieces"])
def test_places_are_named(places):
    named = name_places(places, pa.chunked_array([["a"], ["b"]]))
    assert named.to_pylist() == ["b", "a", None]
    assert named.dictionary.to_pylist() == ["a", "b"]
