"""Open a pandas, polars or Arrow frame: tables are scanned where they are, streams staged once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from graphkit.engine import DuckDB, quote_name, quote_text
from graphkit.errors import InputError
from graphkit.ingest.fields import PROMPT_KIND, Field, find_prompts, match_fields, require_fields
from graphkit.ingest.parts import Part, describe_columns, explain_failure, read_columns, stage, staged_part
from graphkit.ingest.prompt_spool import HeldStream
from graphkit.ingest.sources import shorten
from graphkit.ingest.text import decode

_ROW = "graphkit row number"


def open_frame(engine: DuckDB, frame: Any, fields: Sequence[Field], *, what: str, latest_us: int) -> Part:
    """Open a frame; only the columns that are needed are converted.

    Raises
    ------
    InputError
        If it lacks a required column, or holds values that Arrow cannot.
    """
    table, names = _narrow(frame, fields, what=what)
    columns = match_fields(names, fields, source=what)
    require_fields(columns, fields, names, source=what)
    relation = f"given_{what}"
    engine.register(relation, table.schema.empty_table())
    values, raw_time = read_columns(fields, columns, describe_columns(engine, relation), source=what)
    prompts, stream = find_prompts(fields, columns), None
    if PROMPT_KIND in prompts and isinstance(table, pa.Table):
        table = _mend_texts(table, columns[PROMPT_KIND])
    elif PROMPT_KIND in prompts:
        with _explain_stream(what):
            stream = HeldStream(table, engine.scratch)
    engine.register(relation, table if stream is None else stream.read())
    label = quote_text(what)
    part = Part(relation, values, raw_time, frozenset(columns), tuple(names), prompts, label, {})
    if isinstance(table, pa.Table):
        return replace(part, row=quote_name(_ROW), n_rows={what: len(table)})
    try:
        with explain_failure(what):
            path = stage(engine, part, fields, target=f"{what}-stream.parquet", latest_us=latest_us)
    except BaseException:
        if stream is not None:
            stream.close()
        raise
    staged = staged_part(
        {path: None},
        fields,
        present=part.present,
        names=part.names,
        prompts=part.prompts,
        malformed={},
        source=label,
    )
    return replace(staged, stream=stream)


def _narrow(frame: Any, fields: Sequence[Field], *, what: str) -> tuple[pa.Table | pa.RecordBatchReader, list[str]]:
    """The needed columns of a frame with row numbers, or a reader of a stream; and the names of all columns."""
    with _explain_stream(what):
        if isinstance(frame, pa.RecordBatch):
            frame = pa.Table.from_batches([frame])
        if isinstance(frame, pa.Table):
            names = frame.schema.names
            return _number(frame.select(_wanted(names, fields, what=what))), names
        if type(frame).__module__.split(".")[0] in {"pandas", "polars"} and hasattr(frame, "columns"):
            names = [str(name) for name in frame.columns]
            spelled = dict(zip(names, frame.columns, strict=True))
            wanted = [spelled[name] for name in _wanted(names, fields, what=what)]
            return _number(_to_arrow(frame[wanted])), names
        reader = pa.RecordBatchReader.from_stream(frame)
    return reader, reader.schema.names


def _mend_texts(table: pa.Table, column: str) -> pa.Table:
    """A table in which bytes of a column of text that are not UTF-8 are visible escapes."""
    kind = table.schema.field(column).type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return table
    mended = [decode(chunk.cast(pa.large_binary()), pa.large_string()) for chunk in table[column].chunks]
    return table.set_column(table.schema.get_field_index(column), column, pa.chunked_array(mended, pa.large_string()))


@contextmanager
def _explain_stream(what: str) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, TypeError, ValueError) as error:
        reason = shorten(str(error).split("\n", 1)[0])
        raise InputError(f"{what}: the frame cannot be read as Arrow ({reason}); give plain values") from error


def _wanted(names: list[str], fields: Sequence[Field], *, what: str) -> list[str]:
    return list(dict.fromkeys(match_fields(names, fields, source=what).values()))


def _to_arrow(frame: Any) -> pa.Table:
    """A narrow pandas or polars frame as Arrow; pandas columns of mixed objects become text."""
    try:
        return pa.table(frame)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        mixed = [name for name in frame.columns if frame[name].dtype == object]
        return pa.table(frame.assign(**{str(name): frame[name].map(str, na_action="ignore") for name in mixed}))


def _number(table: pa.Table) -> pa.Table:
    return table.append_column(_ROW, pa.array(np.arange(len(table), dtype=np.int64)))
