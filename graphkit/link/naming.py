"""Columns of names as dictionaries: each name is kept once, and a row is its place among the names."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from graphkit.link.arrays import Integers


def name_places(places: npt.ArrayLike | pa.ChunkedArray, names: pa.Array | pa.ChunkedArray) -> pa.DictionaryArray:
    """Names by their places; null has none."""
    whole = names.combine_chunks() if isinstance(names, pa.ChunkedArray) else names
    if isinstance(places, pa.ChunkedArray):
        return pa.DictionaryArray.from_arrays(places.combine_chunks().cast(pa.int32()), whole)
    return pa.DictionaryArray.from_arrays(pa.array(places, pa.int32()), whole)


def place_names(column: pa.ChunkedArray, known: Iterable[str]) -> npt.NDArray[np.int32]:
    """Place of each name of a column, plain or a dictionary, among the known ones; -1 where it is none of them."""
    encoded = pc.dictionary_encode(column).combine_chunks()
    place = pc.index_in(encoded.dictionary, value_set=pa.array(known, pa.string()))
    places: npt.NDArray[np.int32] = pc.fill_null(place.take(encoded.indices), -1).to_numpy()
    return places


def rank_names(column: pa.ChunkedArray) -> Integers:
    """Rank of each name of a column, plain or a dictionary, in their order, from 1 on; 0 where there is none."""
    encoded = pc.dictionary_encode(column).combine_chunks()
    rank = pc.rank(encoded.dictionary, tiebreaker="dense").cast(pa.int64())
    ranks: Integers = pc.fill_null(rank.take(encoded.indices), 0).to_numpy()
    return ranks
