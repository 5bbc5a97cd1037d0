"""Read raw prompts of events, once more beside the coding of all else: into a spool, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from graphkit.engine import DuckDB, quote_name
from graphkit.errors import InputError
from graphkit.ingest import text
from graphkit.ingest.codes import code_of
from graphkit.ingest.context import Reading
from graphkit.ingest.fields import PROMPT_KIND, Field, find_prompts, match_fields, require_fields
from graphkit.ingest.parquet import read_footer, relation_of, stream_loosely
from graphkit.ingest.parts import EARLIEST_US, NOT_UTF8, describe_columns, explain_failure, read_columns
from graphkit.ingest.prompt_spool import PromptSpool
from graphkit.ingest.sources import File
from graphkit.ingest.textfiles import RAW, extract_keys
from graphkit.ingest.values import read_text
from graphkit.ingest.words import LONGEST_PROMPT

_ROWS_AT_ONCE = 2_048


@dataclass(frozen=True)
class Scan:
    """A relation with the user's own columns."""

    relation: str
    columns: Mapping[str, str]
    """From a field's name to the column that holds it."""
    types: Mapping[str, str]
    """From a column to its type, in DuckDB's words."""
    source: str
    """Its name, for messages."""


def holds_prompts(columns: Mapping[str, str], fields: Sequence[Field]) -> bool:
    """Whether prompt templates are to be mined: their kind reads raw prompts."""
    return PROMPT_KIND in find_prompts(fields, columns)


def file_holds_prompts(file: File, fields: Sequence[Field]) -> bool:
    """The same of a file; an InputError if a required column is missing, before the long work begins."""
    names = _read_names(file)
    columns = match_fields(names, fields, source=file.name)
    if file.format != "json":  # where keys may come later
        require_fields(columns, fields, names, source=file.name)
    return holds_prompts(columns, fields)


@contextmanager
def scan_file(engine: DuckDB, file: File, fields: Sequence[Field]) -> Iterator[Scan]:
    """Open a file as it is; all but Parquet can be read once."""
    columns = match_fields(_read_names(file), fields, source=file.name)
    if file.format == "parquet":
        relation = relation_of([file])
        with explain_failure(file.name):
            types = describe_columns(engine, relation)
        yield Scan(relation, columns, types, file.name)
        return
    if file.format == "json":
        columns = {field.name: field.column for field in fields} | columns
    keep = list(dict.fromkeys(columns.values()))
    relation = extract_keys(keep) if file.format == "json" else RAW
    reader = _stream(file, keep)
    engine.register(RAW, reader.schema.empty_table())
    types = describe_columns(engine, relation)
    engine.register(RAW, reader)
    try:
        yield Scan(relation, columns, types, file.name)
    finally:
        engine.connection.unregister(RAW)


def _read_names(file: File) -> list[str]:
    if file.format in {"parquet", "loose"}:
        return list(read_footer(file)[0].names)
    return text.sample_keys(file) if file.format == "json" else text.read_names(file)[0]


def _stream(file: File, keep: list[str]) -> pa.RecordBatchReader:
    """Columns of a file as they are, or lines of JSON. What cannot be read is told where the file is coded."""
    if file.format == "loose":
        return stream_loosely(file, keep)
    if file.format == "json":
        return text.stream_lines(file, faults=text.Faults())
    names, delimiter = text.read_names(file)
    return text.stream_columns(file, names, keep, delimiter=delimiter, faults=text.Faults())


def spool_prompts(reading: Reading, scan: Scan, fields: Sequence[Field], spool: PromptSpool) -> int:
    """Put the prompts of usable rows into a spool; gives the time of the newest usable row, 0 if there is none."""
    column = scan.columns[PROMPT_KIND]
    half = LONGEST_PROMPT // 2
    raw = read_text(quote_name(column), scan.types[column])
    both_ends = f"left(raw, {half}) || chr(10) || right(raw, {half})"
    cut = f"CASE WHEN strlen(raw) > {LONGEST_PROMPT} THEN {both_ends} ELSE raw END"
    values, usable = _read_usable(reading, scan, fields)
    inner = (
        f"SELECT {values['t']} AS t, {code_of(values[PROMPT_KIND], secret=reading.secret)} AS code, "
        f"{values['account_id']} AS account, {raw} AS raw FROM {scan.relation} WHERE {usable}"
    )
    sql = f"SELECT t, code, account, {cut} AS prompt FROM ({inner})"
    latest = 0

    def batches() -> Iterator[pa.RecordBatch]:
        nonlocal latest
        for batch in reading.engine.stream(sql, n_rows=_ROWS_AT_ONCE):
            latest = max(latest, pc.max(batch.column("t")).as_py() or 0)
            yield batch.filter(batch.column("code").is_valid()).select(["code", "account", "prompt"])

    with explain_failure(scan.source):
        spool.add(batches())
    return latest


def spool_file(reading: Reading, file: File, fields: Sequence[Field], spool: PromptSpool) -> tuple[File, int]:
    """Put the prompts of a file into a spool; gives how the file is to be read, and the time of its newest usable row.

    Parquet whose texts are not UTF-8 is read loosely.
    """
    try:
        with scan_file(reading.engine, file, fields) as scan:
            return file, spool_prompts(reading, scan, fields, spool)
    except InputError as error:
        if file.format != "parquet" or NOT_UTF8 not in str(error.__cause__):
            raise
    loose = replace(file, format="loose")
    with scan_file(reading.engine, loose, fields) as scan:  # what was put in before is a repeat now
        return loose, spool_prompts(reading, scan, fields, spool)


def find_latest(reading: Reading, scan: Scan, fields: Sequence[Field]) -> int:
    """The time of the newest usable row, in microseconds since 1970 UTC; 0 if there is none."""
    values, usable = _read_usable(reading, scan, fields)
    with explain_failure(scan.source):
        rows = reading.engine.query(f"SELECT max({values['t']}) AS latest FROM {scan.relation} WHERE {usable}")
    return rows["latest"][0].as_py() or 0


def _read_usable(reading: Reading, scan: Scan, fields: Sequence[Field]) -> tuple[dict[str, str], str]:
    """SQL of each field, and of whether a row can be used."""
    values, _ = read_columns(fields, scan.columns, scan.types, source=scan.source)
    usable = f"{values['account_id']} IS NOT NULL AND {values['t']} BETWEEN {EARLIEST_US} AND {reading.latest_us}"
    return values, usable
