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
    import pyarrow as pa
    import pyarrow.parquet as pq

    from graphkit.naming import code_texts

    definition = TABLES[name]
    schema = definition.schema()
    table = schema.empty_table() if rows is None else rows.select(schema.names)
    stored = _stored(schema)
    order = _find_order(table, definition.sorted_by)
    paths = [f"{one.name}.list.element" if one.type == "texts" else one.name for one in definition.columns]
    with (
        pq.ParquetWriter(
            sink,
            stored,
            compression="zstd",
            store_schema=False,  # else readers are given dictionaries for texts
            use_dictionary=[
                path for path, one in zip(paths, definition.columns, strict=True) if one.type in _REPEATING
            ],
            dictionary_pagesize_limit=_LARGEST_DICTIONARY,
            write_statistics=list(definition.sorted_by[:1]),  # those of others let a reader skip nothing
        ) as writer
    ):
        for start in range(0, max(len(table), 1), _ROWS_AT_ONCE):
            place = None if order is None else order[start : start + _ROWS_AT_ONCE]
            some = table.slice(start, _ROWS_AT_ONCE) if place is None else table.take(place)
            coded = [code_texts(column) for column in some.columns]
            writer.write_table(pa.table(coded, schema.names).cast(stored))
    return len(table)


def _stored(schema: pa.Schema) -> pa.Schema:
    """The schema with texts as dictionaries: the file's writer takes their places, and need not look up each text."""
    import pyarrow as pa

    text = pa.dictionary(pa.int32(), pa.string())
    types = {pa.string(): text, pa.list_(pa.string()): pa.list_(pa.field("element", text))}
    return pa.schema([field.with_type(types.get(field.type, field.type)) for field in schema])


def _find_order(table: pa.Table, columns: tuple[str, ...]) -> npt.NDArray[np.int64] | None:
    """Places of a table's rows in the order of some columns, nulls first; None if they are in it."""
    import numpy as np

    from graphkit.naming import rank_values

    if not len(table):
        return None
    ranks = [rank_values(table[name]) for name in columns]
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
