"""A table of a snapshot as Parquet bytes: in its schema and order, so that the same rows are the same bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING

from graphkit.tables import TABLES

if TYPE_CHECKING:
    import pyarrow as pa

Writing = Future[tuple[bytes, int]]
"""A table that is being written: its Parquet bytes, and its number of rows."""

_ROWS_AT_ONCE = 1 << 18


@contextmanager
def begin_writing(tables: Mapping[str, pa.Table | None]) -> Iterator[dict[str, Writing]]:
    """Write tables in two threads, beside other work; they are written when the block is left."""
    with ThreadPoolExecutor(max_workers=2) as threads:
        begun = {name: threads.submit(write_table, name, table) for name, table in tables.items()}
        del tables  # each goes when it is written
        yield begun


def write_table(name: str, rows: pa.Table | None) -> tuple[bytes, int]:
    """Parquet bytes of a table of ``tables.py``, and its number of rows.

    Parameters
    ----------
    rows
        In any order, texts plain or as dictionaries; None for none.
    """
    import pyarrow.parquet as pq

    definition = TABLES[name]
    schema = definition.schema()
    table = schema.empty_table() if rows is None else rows.select(schema.names)
    order = _find_order(table, definition.sorted_by)
    texts = [column.name for column in definition.columns if column.type in {"text", "texts"}]
    sink = BytesIO()
    with pq.ParquetWriter(sink, schema, compression="zstd", use_dictionary=texts) as writer:
        for start in range(0, max(len(table), 1), _ROWS_AT_ONCE):
            place = None if order is None else order.slice(start, _ROWS_AT_ONCE)
            rows_now = table.slice(start, _ROWS_AT_ONCE) if place is None else table.take(place)
            writer.write_table(rows_now.cast(schema))
    return sink.getvalue(), table.num_rows


def _find_order(table: pa.Table, columns: tuple[str, ...]) -> pa.Array | None:
    """Places of a table's rows in the order of some columns, nulls first; None if they are in it."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    keys: dict[str, pa.ChunkedArray] = {}
    for name in columns:
        if table[name].null_count:
            keys[f"{name} is known"] = pc.is_valid(table[name])  # pyarrow's own options for nulls vary by version
        keys[name] = _rank_texts(table[name])
    if not len(table):
        return None
    tied, risen = np.ones(len(table) - 1, dtype=bool), np.zeros(len(table) - 1, dtype=bool)
    for key in keys.values():
        above, below = key.slice(0, len(key) - 1), key.slice(1)
        risen |= tied & np.asarray(pc.fill_null(pc.less(above, below), fill_value=False))
        tied &= np.asarray(pc.fill_null(pc.equal(above, below), fill_value=True))
    if (tied | risen).all():
        return None
    return pc.sort_indices(pa.table(keys), sort_keys=[(name, "ascending") for name in keys])


def _rank_texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column of dictionary texts as the rank of each: texts sort slowly, and few are distinct."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_dictionary(column.type):
        return column
    column = column.unify_dictionaries()
    texts = column.chunk(0).dictionary if column.num_chunks else pa.array([], pa.string())
    ranks = pc.rank(texts, tiebreaker="dense").cast(pa.uint32())
    return pa.chunked_array([ranks.take(chunk.indices) for chunk in column.chunks], pa.uint32())
