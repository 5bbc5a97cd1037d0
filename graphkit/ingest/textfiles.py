"""Open files that the engine does not read itself: each is streamed once into a Parquet file in its scratch folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from graphkit.engine import DuckDB, quote_name, quote_text
from graphkit.errors import InputError
from graphkit.ingest import text
from graphkit.ingest.fields import Field, find_prompts, match_fields, require_fields
from graphkit.ingest.parquet import read_footer, stream_loosely
from graphkit.ingest.parts import (
    Malformed,
    Part,
    describe_columns,
    explain_failure,
    read_columns,
    stage,
    staged_part,
)
from graphkit.ingest.sources import File

RAW = "raw_text"
"""Relation of a text file that streams by."""


@dataclass(frozen=True)
class _Staged:
    path: Path
    file: File
    part: Part
    malformed: Malformed | None


def open_text_files(
    engine: DuckDB, files: Sequence[File], fields: Sequence[Field], *, what: str, latest_us: int
) -> Part:
    """Open CSV, TSV and JSON lines, and loose Parquet, as one part.

    Raises
    ------
    InputError
        If a file is damaged or lacks a required column.
    """
    staged = [
        _STAGE_AS.get(file.format, _stage_csv)(
            engine, file, fields, target=f"{what}-{number:05d}.parquet", latest_us=latest_us
        )
        for number, file in enumerate(files)
    ]
    return staged_part(
        {entry.path: entry.file for entry in staged},
        fields,
        present=frozenset().union(*(entry.part.present for entry in staged)),
        names=tuple(dict.fromkeys(name for entry in staged for name in entry.part.names)),
        prompts=frozenset().union(*(entry.part.prompts for entry in staged)),
        malformed={entry.path: entry.malformed for entry in staged if entry.malformed},
    )


def _stage_csv(engine: DuckDB, file: File, fields: Sequence[Field], *, target: str, latest_us: int) -> _Staged:
    names, delimiter = text.read_names(file)
    columns = match_fields(names, fields, source=file.name)
    require_fields(columns, fields, names, source=file.name)
    keep = list(dict.fromkeys(columns.values()))
    faults = text.Faults()
    reader = text.stream_columns(file, names, keep, delimiter=delimiter, faults=faults)
    part = _describe_raw(RAW, fields, columns, names, file=file)
    with _explain(file, faults):
        path = _stage_stream(engine, part, reader, fields=fields, target=target, latest_us=latest_us)
    malformed = None
    if faults.n_lines:
        line = text.find_line(file, lambda row: row == faults.first_line, split=False)
        malformed = Malformed(faults.n_lines, _at_line(line, faults.example))
    return _Staged(path, file, part, malformed)


def _stage_json(engine: DuckDB, file: File, fields: Sequence[Field], *, target: str, latest_us: int) -> _Staged:
    names = text.sample_keys(file)
    met = match_fields(names, fields, source=file.name)
    columns = {fld.name: fld.column for fld in fields} | met
    faults = text.Faults()
    reader = text.stream_lines(file, faults=faults)
    part = _describe_raw(extract_keys(list(dict.fromkeys(columns.values()))), fields, columns, names, file=file)
    with _explain(file, faults):
        path = _stage_stream(engine, part, reader, fields=fields, target=target, latest_us=latest_us)
    present = _find_filled(engine, path, fields) | frozenset(met)
    require_fields({name: name for name in present}, fields, names, source=file.name)
    n_malformed = faults.n_lines + faults.n_rows - pq.read_metadata(path).num_rows
    malformed = None
    if n_malformed:
        line = text.find_line(file, lambda row: bool(row.strip()) and text.parse_object(row) is None, split=False)
        malformed = Malformed(n_malformed, _at_line(line, ""))
    return _Staged(path, file, replace(part, present=present), malformed)


def _stage_loose(engine: DuckDB, file: File, fields: Sequence[Field], *, target: str, latest_us: int) -> _Staged:
    names = read_footer(file)[0].names
    columns = match_fields(names, fields, source=file.name)
    require_fields(columns, fields, names, source=file.name)
    reader = stream_loosely(file, list(dict.fromkeys(columns.values())))
    engine.register(RAW, reader.schema.empty_table())
    values, raw_time = read_columns(fields, columns, describe_columns(engine, RAW), source=file.name)
    prompts = find_prompts(fields, columns)
    part = Part(RAW, values, raw_time, frozenset(columns), tuple(names), prompts, quote_text(file.name), {})
    with explain_failure(file.name):
        path = _stage_stream(engine, part, reader, fields=fields, target=target, latest_us=latest_us)
    return _Staged(path, file, part, None)


_STAGE_AS = {"json": _stage_json, "loose": _stage_loose}


def _describe_raw(
    relation: str, fields: Sequence[Field], columns: Mapping[str, str], names: Sequence[str], *, file: File
) -> Part:
    """A relation whose columns are all text, under the user's names, as a part."""
    values, raw_time = read_columns(fields, columns, dict.fromkeys(columns.values(), "VARCHAR"), source=file.name)
    prompts = find_prompts(fields, columns)
    return Part(relation, values, raw_time, frozenset(columns), tuple(names), prompts, quote_text(file.name), {})


def _stage_stream(
    engine: DuckDB, part: Part, reader: pa.RecordBatchReader, *, fields: Sequence[Field], target: str, latest_us: int
) -> Path:
    engine.register(RAW, reader)
    try:
        return stage(engine, part, fields, target=target, latest_us=latest_us)
    finally:
        engine.connection.unregister(RAW)


@contextmanager
def _explain(file: File, faults: text.Faults) -> Iterator[None]:
    """Raise what the reader met in the file, or what the engine made of it."""
    with explain_failure(file.name):
        yield
    if faults.failure:
        raise InputError(faults.failure)


def extract_keys(columns: Sequence[str]) -> str:
    """SQL that reads keys of JSON objects as text; lines that are not objects are left out."""
    pointers = ["/" + column.replace("~", "~0").replace("/", "~1") for column in columns]
    listed = ", ".join(quote_text(pointer) for pointer in pointers)
    keys = ", ".join(
        # 5.0 is a number to JSON and the entity 5 to us, while "5.0" is a text
        f"CASE WHEN found[{number}] LIKE '%.0' AND json_type(object, {quote_text(pointer)}) = 'DOUBLE' "
        f"THEN left(found[{number}], -2) ELSE found[{number}] END AS {quote_name(column)}"
        for number, (pointer, column) in enumerate(zip(pointers, columns, strict=True), 1)
    )
    valid = f"SELECT CASE WHEN json_valid(line) THEN line END AS object FROM {RAW}"
    objects = f"SELECT object FROM ({valid}) WHERE json_type(object) = 'OBJECT'"
    return f"(SELECT {keys} FROM (SELECT object, json_extract_string(object, [{listed}]) AS found FROM ({objects})))"


def _find_filled(engine: DuckDB, path: Path, fields: Sequence[Field]) -> frozenset[str]:
    counts = ", ".join(f"count({fld.name}) AS {fld.name}" for fld in fields)
    row = engine.query(f"SELECT {counts} FROM read_parquet({quote_text(str(path))})").to_pylist()[0]
    return frozenset(name for name, count in row.items() if count)


def _at_line(line: int | None, rest: str) -> str:
    place = f"line {line}" if line else ""
    return ": ".join(piece for piece in (place, rest) if piece)
