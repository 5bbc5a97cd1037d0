"""What a worker of Spark's does: reads files with DuckDB, as everywhere, and hands on their rows as Arrow."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from graphkit.config import Config
from graphkit.engine import open_engine
from graphkit.errors import GraphkitError
from graphkit.ingest.accounts import ACCOUNTS_FILE, code_accounts
from graphkit.ingest.coding import LABELS, OPTIONAL, events_file, names_file
from graphkit.ingest.context import Reading
from graphkit.ingest.fields import account_fields
from graphkit.ingest.partials import Source
from graphkit.ingest.reading import code_file, open_parts
from graphkit.ingest.sources import File

TOLD, ROWS, NAMES = range(3)
"""Sections of what tasks hand on: what is told of a file, its rows; from the third on, names of codes."""

_MEMORY = "1GB"
_ARROW = {"INT": pa.int32(), "BIGINT": pa.int64(), "STRING": pa.string()}


@dataclass(frozen=True)
class Task:
    """How files of events, or of accounts, are read; goes to every worker, with the key."""

    what: Literal["events", "accounts"]
    config: Config
    key: bytes
    secret: str
    """Stands before texts when their codes are made."""
    latest_us: int
    """The latest time that is believed."""
    scratch: str | None
    """Folder for temporary files; by default the worker's own."""

    @property
    def columns(self) -> dict[str, str]:
        """Names and types, in Spark's words, of what is handed on; a section fills some of them."""
        kinds = [f"kind_{kind}" for kind in sorted(self.config.kinds)]
        names = dict.fromkeys(["code", "account", "t", *kinds, *OPTIONAL], "BIGINT")
        return {"section": "INT", "text": "STRING"} | names

    @property
    def names_sections(self) -> dict[str, int]:
        """Section of the names of accounts, of each label, and of each kind (``kind_NAME``)."""
        what = ["account", *LABELS, *(f"kind_{kind}" for kind in sorted(self.config.kinds))]
        return {name: section for section, name in enumerate(what, NAMES)}


def read_files(batches: Iterable[pa.RecordBatch], task: Task) -> Iterator[pa.RecordBatch]:
    """Read files that are given as JSON in a column ``file``; hands on ``task.columns``.

    What is told of a file is JSON too: a ``source``, or a ``failure`` in words and the name of its ``error``; and the
    ``version`` of DuckDB, on which codes depend.
    """
    schema = pa.schema([(name, _ARROW[kind]) for name, kind in task.columns.items()])
    for batch in batches:
        for text in batch.column("file").to_pylist():
            yield from _read_file(File(**json.loads(text)), task, schema)


def _read_file(file: File, task: Task, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    told: dict[str, Any] = {"path": file.path, "version": version("duckdb")}
    with open_engine(task.scratch, memory=_MEMORY, threads=1) as engine:
        reading = Reading(engine, task.config, task.key, task.secret, task.latest_us)
        try:
            if task.what == "events":
                folder, segment = code_file(reading, file)
                rows = pq.ParquetFile(folder / events_file(0)).iter_batches(columns=_columns(segment.sources[0], "t"))
            else:
                parts = open_parts(reading, [file.path], account_fields(task.config), what="accounts")
                folder, segment = code_accounts(reading, parts, engine.scratch, "accounts")
                rows = pq.ParquetFile(folder / ACCOUNTS_FILE).iter_batches()
            (source,) = segment.sources
        except GraphkitError as error:
            yield _fill(schema, TOLD, text=[json.dumps(told | {"failure": str(error), "error": type(error).__name__})])
            return
        yield from _hand_on(rows, schema, ROWS)
        for what, section in task.names_sections.items():
            yield from _names(folder, what, schema, section)
    yield _fill(schema, TOLD, text=[json.dumps(told | {"source": source.model_dump(mode="json")})])


def _columns(source: Source, *more: str) -> list[str]:
    kinds = [name for name in source.present if name.startswith("kind_")]
    return ["account", *more, *kinds, *(name for name in OPTIONAL if name in source.present)]


def _names(folder: Path, what: str, schema: pa.Schema, section: int) -> Iterator[pa.RecordBatch]:
    path = folder / names_file(what)
    if path.is_file():
        for batch in pq.ParquetFile(path).iter_batches():
            yield _fill(schema, section, code=batch.column("code"), text=batch.column("name"))


def _hand_on(batches: Iterable[pa.RecordBatch], schema: pa.Schema, section: int) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        yield _fill(schema, section, **dict(zip(batch.schema.names, batch.columns, strict=True)))


def _fill(schema: pa.Schema, section: int, **columns: Sequence[Any] | pa.Array) -> pa.RecordBatch:
    """A batch of a section with these columns; the others are null."""
    n_rows = len(next(iter(columns.values())))
    given = {name: pa.array(column) for name, column in columns.items()}
    given["section"] = pa.array([section] * n_rows, pa.int32())
    empty = {one.name: pa.nulls(n_rows, one.type) for one in schema if one.name not in given}
    arrays = [empty[one.name] if one.name in empty else _as_type(given[one.name], one.type) for one in schema]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _as_type(array: pa.Array, kind: pa.DataType) -> pa.Array:
    """Codes as the signed integers of the same bits: Spark has no others."""
    return array.view(kind) if array.type == pa.uint64() else array.cast(kind)
