"""Columns of names as dictionaries: each name is kept once, and a row is its place among the names."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc


def number_distinct(values: npt.NDArray[np.int64], n: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Distinct values from 0 to ``n - 1``, sorted, and the place of each value among them."""
    present = np.zeros(n, dtype=bool)
    present[values] = True
    distinct = np.flatnonzero(present)
    place = np.empty(n, dtype=np.int64)
    place[distinct] = np.arange(len(distinct))
    return distinct, place[values]


def name_places(places: npt.ArrayLike | pa.ChunkedArray, names: pa.Array | pa.ChunkedArray) -> pa.DictionaryArray:
    """Names by their places; null has none."""
    whole = names.combine_chunks() if isinstance(names, pa.ChunkedArray) else names
    if isinstance(places, pa.ChunkedArray):
        return pa.DictionaryArray.from_arrays(places.combine_chunks().cast(pa.int32()), whole)
    return pa.DictionaryArray.from_arrays(pa.array(places, pa.int32()), whole)


def place_names(column: pa.ChunkedArray, known: Iterable[str]) -> npt.NDArray[np.int32]:
    """Place of each name of a column, plain or a dictionary, among the known ones; -1 where it is none of them."""
    coded = _combine(pc.dictionary_encode(column))
    place = pc.index_in(coded.dictionary, value_set=pa.array(known, pa.string()))
    places: npt.NDArray[np.int32] = pc.fill_null(place.take(coded.indices), -1).to_numpy()
    return places


def rank_values(column: pa.Array | pa.ChunkedArray) -> npt.NDArray[np.integer]:
    """Rank of each value of a column, plain or a dictionary, in their order, from 1 on; 0 where there is none."""
    coded = _combine(pc.dictionary_encode(column))
    values, n = coded.dictionary, len(coded.dictionary)
    rank = np.arange(1, n + 1) if _rises(values) else pc.rank(values, tiebreaker="dense").to_numpy()
    narrow = np.append(rank, 0).astype(np.min_scalar_type(n))  # null is at place -1
    ranks: npt.NDArray[np.integer] = narrow[pc.fill_null(coded.indices, -1).to_numpy()]
    return ranks


def code_texts(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Texts, or lists of them, as a dictionary of those that occur, in their order; other columns as they are."""
    whole = _combine(column)
    if pa.types.is_list(whole.type):
        lengths = pc.fill_null(pc.list_value_length(whole), 0).to_numpy()
        offsets = np.append(0, np.cumsum(lengths)).astype(np.int32)
        absent = whole.is_null() if whole.null_count else None
        return pa.ListArray.from_arrays(offsets, code_texts(whole.flatten()), mask=absent)
    if not (pa.types.is_string(whole.type) or pa.types.is_dictionary(whole.type)):
        return whole
    coded = _combine(pc.dictionary_encode(whole))
    n = len(coded.dictionary)
    code = pc.fill_null(coded.indices.cast(pa.int64()), n).to_numpy()
    used, place = number_distinct(code, n + 1)
    texts = coded.dictionary.take(pa.array(used[used < n]))
    if not _rises(texts):
        place = np.append(rank_values(texts) - 1, 0)[place]  # the last is for null
        texts = texts.unique().sort()
    return pa.DictionaryArray.from_arrays(pa.array(place, pa.int32(), mask=code == n), texts)


def _combine(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """A column as one array."""
    if isinstance(column, pa.Array):
        return column
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _rises(values: pa.Array) -> bool:
    """Tell whether each value is greater than the one before."""
    return bool(pc.all(pc.less(values[:-1], values[1:])).as_py())
