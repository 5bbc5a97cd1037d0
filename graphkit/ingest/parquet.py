"""Open Parquet files in place: only the columns and rows that a query needs are read."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq

from graphkit.engine import Engine, quote_name, quote_text
from graphkit.errors import InputError
from graphkit.ingest.fields import Field, find_prompts, match_fields, require_fields
from graphkit.ingest.parts import Part, describe_columns, explain_failure, read_columns
from graphkit.ingest.sources import File
from graphkit.ingest.text import decode

_ROWS_AT_ONCE = 4_096


def open_parquet(engine: Engine, files: Sequence[File], fields: Sequence[Field]) -> list[Part]:
    """Open Parquet files; those whose needed columns have the same names and types are one part.

    Raises
    ------
    InputError
        If a file is damaged, lacks a required column, or holds one of an unusable type.
    """
    groups: dict[tuple[tuple[str, str, str], ...], list[File]] = {}
    names: dict[str, None] = {}
    n_rows = {}
    for file in files:
        schema, n_rows[file.path] = read_footer(file)
        names |= dict.fromkeys(schema.names)
        columns = match_fields(schema.names, fields, source=file.name)
        require_fields(columns, fields, schema.names, source=file.name)
        shape = tuple((name, column, str(schema.field(column).type)) for name, column in columns.items())
        groups.setdefault(shape, []).append(file)
    return [
        replace(
            _open_alike(engine, alike, {name: column for name, column, _ in shape}, fields, names=tuple(names)),
            n_rows={file.path: n_rows[file.path] for file in alike},
        )
        for shape, alike in groups.items()
    ]


def _open_alike(
    engine: Engine, files: Sequence[File], columns: dict[str, str], fields: Sequence[Field], *, names: tuple[str, ...]
) -> Part:
    relation = relation_of(files)
    with explain_failure(files[0].name):
        types = describe_columns(engine, relation)
    values, raw_time = read_columns(fields, columns, types, source=files[0].name)
    return Part(
        relation,
        values,
        raw_time,
        frozenset(columns),
        names,
        find_prompts(fields, columns),
        source="filename",
        n_rows={},
        row="file_row_number",
        files={file.path: file for file in files},
        untrimmed={
            field.name: quote_name(column)
            for field in fields
            if (column := columns.get(field.name))
            and types[column] == "VARCHAR"
            and field.role_of(column) in {"id", "text"}
        },
    )


def stream_loosely(file: File, columns: Sequence[str]) -> pa.RecordBatchReader:
    """Stream columns of a file whose texts need not be UTF-8; bytes that are not become visible escapes."""
    parquet = pq.ParquetFile(file.path)
    whole = parquet.schema_arrow
    schema = pa.schema([pa.field(name, _plain_type(whole.field(name).type)) for name in columns])

    def batches() -> Iterator[pa.RecordBatch]:
        with parquet:
            for batch in parquet.iter_batches(batch_size=_ROWS_AT_ONCE, columns=list(columns)):
                yield pa.RecordBatch.from_arrays([_decode(batch.column(name)) for name in columns], schema=schema)

    return pa.RecordBatchReader.from_batches(schema, batches())


def _plain_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return pa.large_string() if _is_text(kind) else kind


def _decode(values: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    return decode(values.cast(pa.large_binary()), pa.large_string()) if _is_text(values.type) else values


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def relation_of(files: Sequence[File]) -> str:
    """SQL of files as one relation."""
    paths = ", ".join(quote_text(glob.escape(file.path)) for file in files)
    return f"read_parquet([{paths}], hive_partitioning = false)"


def read_footer(file: File) -> tuple[pa.Schema, int]:
    """Schema and number of rows."""
    try:
        footer = pq.read_metadata(file.path)
        return footer.schema.to_arrow_schema(), footer.num_rows
    except (pa.ArrowException, OSError) as error:
        raise InputError(
            f"{file.name}: is truncated or damaged (the Parquet footer cannot be read); copy or export it again"
        ) from error
