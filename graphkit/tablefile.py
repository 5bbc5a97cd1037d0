"""A table of a snapshot as Parquet bytes: in its schema and order, so that the same rows are the same bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, TYPE_CHECKING

from graphkit.errors import StoreError
from graphkit.tables import TABLES

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

_ROWS_AT_ONCE = 1 << 18
_REPEATING = {"text", "texts", "integer"}
"""Types of columns whose values repeat."""
_LARGEST_DICTIONARY = 1 << 23


@dataclass(frozen=True)
class Written:
    """A table that was written."""

    n_rows: int
    sha256: str
    read: Callable[[], bytes]
    """Gives its Parquet bytes."""


Writing = Future[Written]
"""A table that is being written."""


@contextmanager
def begin_writing(tables: Mapping[str, pa.Table | None], *, folder: Path | None = None) -> Iterator[dict[str, Writing]]:
    """Write tables in two threads, beside other work; they are written when the block is left.

    Parameters
    ----------
    folder
        Where their bytes are kept as files; by default they are held in memory.
    """
    with ThreadPoolExecutor(max_workers=2) as threads:
        begun = {name: threads.submit(_write, name, table, folder) for name, table in tables.items()}
        del tables  # each goes when it is written
        yield begun


def _write(name: str, rows: pa.Table | None, folder: Path | None) -> Written:
    if folder is None:
        sink = BytesIO()
        n_rows, data = write_table(name, rows, sink), sink.getvalue()
        return Written(n_rows, hashlib.sha256(data).hexdigest(), lambda: data)
    path = folder / f"{name}.parquet"
    try:
        with path.open("w+b") as file:
            n_rows = write_table(name, rows, file)
            file.seek(0)
            return Written(n_rows, hashlib.file_digest(file, "sha256").hexdigest(), path.read_bytes)
    except OSError as error:
        raise StoreError(f"{path}: cannot be written: {error.strerror or error}") from error


def write_table(name: str, rows: pa.Table | None, sink: IO[bytes]) -> int:
    """Write a table of ``tables.py`` as Parquet; gives its number of rows.

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
    coded = [f"{one.name}.list.element" if one.type == "texts" else one.name for one in definition.columns]
    with pq.ParquetWriter(
        sink,
        schema,
        compression="zstd",
        use_dictionary=[path for path, one in zip(coded, definition.columns, strict=True) if one.type in _REPEATING],
        dictionary_pagesize_limit=_LARGEST_DICTIONARY,
        write_statistics=list(definition.sorted_by[:1]),  # those of others let a reader skip nothing
    ) as writer:
        for start in range(0, max(len(table), 1), _ROWS_AT_ONCE):
            place = None if order is None else order[start : start + _ROWS_AT_ONCE]
            rows_now = table.slice(start, _ROWS_AT_ONCE) if place is None else table.take(place)
            writer.write_table(rows_now.cast(schema))
    return len(table)


def _find_order(table: pa.Table, columns: tuple[str, ...]) -> npt.NDArray[np.int64] | None:
    """Places of a table's rows in the order of some columns, nulls first; None if they are in it."""
    import numpy as np

    if not len(table):
        return None
    ranks = [_rank_values(table[name]) for name in columns]
    for start in range(0, len(table), _ROWS_AT_ONCE):
        some = slice(start, start + _ROWS_AT_ONCE + 1)
        risen = np.zeros(len(ranks[0][some]) - 1, dtype=bool)
        tied = ~risen
        for rank in ranks:
            above, below = rank[some][:-1], rank[some][1:]
            risen, tied = risen | (tied & (above < below)), tied & (above == below)
        if not np.all(risen | tied):
            order: npt.NDArray[np.int64] = np.lexsort(ranks[::-1])
            return order
    return None


def _rank_values(column: pa.ChunkedArray) -> npt.NDArray[np.integer]:
    """Numbers that rise as the values of a column do, the least for null."""
    import numpy as np
    import pyarrow.compute as pc

    encoded = pc.dictionary_encode(column)
    encoded = encoded.chunk(0) if encoded.num_chunks == 1 else encoded.combine_chunks()
    values, n = encoded.dictionary, len(encoded.dictionary)
    if not encoded.null_count and pc.all(pc.less(values.slice(0, n - 1), values.slice(1))).as_py():
        places: npt.NDArray[np.integer] = encoded.indices.to_numpy()
        return places
    rank = np.append(pc.rank(values, tiebreaker="dense").to_numpy(), 0)  # null is at place -1
    ranks: npt.NDArray[np.integer] = rank.astype(np.min_scalar_type(n))[pc.fill_null(encoded.indices, -1).to_numpy()]
    return ranks
