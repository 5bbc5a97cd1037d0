"""Columns of names: plain or as dictionaries, in one piece or several, they mean the same."""

import pyarrow as pa
import pytest

from graphkit.naming import code_texts, name_places, place_names, rank_values

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
    assert rank_values(column).tolist() == [2, 0, 1, 3, 1]


def test_no_names_have_no_places():
    column = pa.chunked_array([], pa.string())
    assert place_names(column, ["a"]).tolist() == rank_values(column).tolist() == []


@pytest.mark.parametrize("places", [[1, 0, None], pa.chunked_array([[1], [0, None]])], ids=["list", "pieces"])
def test_places_are_named(places):
    named = name_places(places, pa.chunked_array([["a"], ["b"]]))
    assert named.to_pylist() == ["b", "a", None]
    assert named.dictionary.to_pylist() == ["a", "b"]


@pytest.mark.parametrize("column", COLUMNS.values(), ids=COLUMNS)
def test_texts_are_coded_by_those_that_occur_in_their_order(column):
    coded = code_texts(column)
    assert coded.to_pylist() == TEXTS
    assert coded.dictionary.to_pylist() == ["a", "b", "c"]


def test_names_that_are_given_twice_are_coded_once():
    coded = code_texts(name_places([0, 1, 2, None, 1], pa.array(["b", "a", "b"])))
    assert coded.to_pylist() == ["b", "a", "b", None, "a"]
    assert coded.dictionary.to_pylist() == ["a", "b"]


def test_lists_are_coded_by_the_texts_that_occur_in_them():
    lists = [["z"], ["b", "a"], None, [], ["b", None]]
    coded = code_texts(pa.chunked_array([pa.array(lists)]).slice(1))
    assert coded.to_pylist() == lists[1:]
    assert coded.values.dictionary.to_pylist() == ["a", "b"]


@pytest.mark.parametrize("values", [[1, None, 3], [[1.5], []]])
def test_what_is_no_text_is_not_coded(values):
    assert code_texts(pa.chunked_array([values])).to_pylist() == values
