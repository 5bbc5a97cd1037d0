"""A part: something that SQL can scan again and again, whose columns are read as graphkit's fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath

import duckdb
import pyarrow.parquet as pq

from graphkit.engine import DuckDB, Engine, quote_name, quote_text
from graphkit.errors import BudgetError, InputError
from graphkit.ingest.fields import Field
from graphkit.ingest.prompt_spool import HeldStream
from graphkit.ingest.sources import File, shorten
from graphkit.ingest.values import read_field, read_text

EARLIEST_US = 946_684_800_000_000
"""2000-01-01: earlier times are taken for mistakes."""

NOT_UTF8 = "is not valid UTF8"
"""What the engine says of such texts, after the text itself, which may be secret."""

_DISK_FULL = ("No space left", "no space left", "File too large", "quota exceeded")
_NAMED = 5
_RAW_TIME = "raw_time"


@dataclass(frozen=True)
class Malformed:
    """Lines of a text file that could not be split into columns, or are not JSON."""

    n_lines: int
    example: str


@dataclass(frozen=True)
class Part:
    """Something that SQL can scan again and again, with a value for every field."""

    relation: str
    """What stands after FROM."""
    values: Mapping[str, str]
    """From each field's name to the SQL that reads it."""
    raw_time: str
    """SQL of the time as it was given, as text; null where blank. Staged parts keep it only where it is unusable."""
    present: frozenset[str]
    """Names of the fields that have a column."""
    names: tuple[str, ...]
    """All columns that were met, for messages."""
    prompts: frozenset[str]
    """Names of the fields that are read from raw prompts."""
    source: str
    """SQL of what a row came from: a key of ``files``, or a frame's name."""
    n_rows: Mapping[str, int]
    """Rows by the same keys; lines that are malformed are none."""
    row: str | None = None
    """SQL of the row's number from 0; None where there is none."""
    files: Mapping[str, File] = field(default_factory=dict)
    malformed: Mapping[str, Malformed] = field(default_factory=dict)
    """By the same keys as ``files``; those files whose lines were all well formed are left out."""
    untrimmed: Mapping[str, str] = field(default_factory=dict)
    """SQL of some fields' texts as they stand, with the white space around them that ``values`` leaves out."""
    stream: HeldStream | None = None
    """A stream with raw prompts, to be read again."""


@contextmanager
def explain_failure(read: Part | str, *, paths: Sequence[str] = ()) -> Iterator[None]:
    """Turn an error of the engine over a part, or a source of that name with files of those paths, into ours."""
    try:
        yield
    except duckdb.Error as error:
        name, said = _name(read, paths, str(error)), str(error)
        if isinstance(error, duckdb.OutOfMemoryException):
            raise BudgetError(f"{name}: needs more memory than the limit allows; raise it (--memory)") from error
        if any(words in said for words in _DISK_FULL):
            raise BudgetError(
                f"{name}: the disk of the scratch folder (the store's own, or TMPDIR) is full; free some space"
            ) from error
        if NOT_UTF8 in said:
            reason = "a column of text holds bytes that are not UTF-8; write the column as binary, or mend it"
        elif isinstance(error, duckdb.ConversionException) and "imestamp" in said:
            reason = "a time lies beyond the year 294246; check the unit of the timestamps"
        else:
            first = shorten(said.split("\n", 1)[0].rsplit(": ", 1)[-1])
            reason = f"cannot be read to its end; it may be damaged: export it again ({first})"
        raise InputError(f"{name}: {reason}") from error


@contextmanager
def explain_damage(engine: DuckDB, parts: Sequence[Part], *, what: str) -> Iterator[None]:
    """Turn an error of the engine over many parts into ours; the file at fault is found by reading each alone."""
    try:
        yield
    except duckdb.Error as error:
        for part in parts:
            for file in part.files or [None]:
                some = f" WHERE {part.source} = {quote_text(file)}" if file else ""
                values = ", ".join(f"max({value})" for value in part.values.values())
                with explain_failure(replace(part, files={file: part.files[file]}) if file else part):
                    engine.run(f"SELECT {values} FROM {part.relation}{some}")
        with explain_failure(what):
            raise error from None


def _name(read: Part | str, paths: Sequence[str], said: str) -> str:
    """The file that the error names, else all that was read."""
    if isinstance(read, str):
        return next((PurePath(path).name for path in paths if path in said), read)
    files = [file for file in read.files.values() if file.path in said] or list(read.files.values())
    return ", ".join(dict.fromkeys(file.name for file in files[:_NAMED])) or read.source.strip("'")


def describe_columns(engine: Engine, relation: str) -> dict[str, str]:
    """From each column of a relation to its type, in DuckDB's words."""
    described = engine.query(f"DESCRIBE SELECT * FROM {relation}")
    return dict(zip(described["column_name"].to_pylist(), described["column_type"].to_pylist(), strict=True))


def read_columns(
    fields: Sequence[Field], columns: Mapping[str, str], types: Mapping[str, str], *, source: str
) -> tuple[dict[str, str], str]:
    """SQL for each field of a relation, and for the time as it was given.

    Parameters
    ----------
    columns
        From a field's name to the user's column that holds it; fields without one are null.
    types
        From a column to its type.
    """
    values = {}
    raw_time = "CAST(NULL AS VARCHAR)"
    for fld in fields:
        column = columns.get(fld.name)
        type_name = types[column] if column else ""
        values[fld.name] = read_field(fld.role_of(column or fld.column), column, type_name, source=source)
        if fld.role == "time" and column:
            raw_time = read_text(quote_name(column), type_name)
    return values, raw_time


def stage(engine: DuckDB, part: Part, fields: Sequence[Field], *, target: str, latest_us: int) -> Path:
    """Write a part's fields to a Parquet file in the engine's scratch folder, streaming."""
    path = engine.scratch / target
    time = next(fld.name for fld in fields if fld.role == "time")
    usable = f"{part.values[time]} BETWEEN {EARLIEST_US} AND {latest_us}"
    selected = ", ".join(f"{part.values[fld.name]} AS {fld.name}" for fld in fields)
    engine.run(
        f"COPY (SELECT {selected}, CASE WHEN NOT coalesce({usable}, false) THEN {part.raw_time} END AS {_RAW_TIME} "
        f"FROM {part.relation}) TO {quote_text(str(path))} (FORMAT parquet)",
        abort=False,  # the engine's writer may wait for itself for ever when it is stopped
    )
    return path


def staged_part(
    staged: Mapping[Path, File | None],
    fields: Sequence[Field],
    *,
    present: frozenset[str],
    names: tuple[str, ...],
    prompts: frozenset[str],
    malformed: Mapping[Path, Malformed],
    source: str = "filename",
) -> Part:
    """Staged files as one part."""
    n_rows = {path: pq.read_metadata(path).num_rows for path in staged}
    return Part(
        f"read_parquet([{', '.join(quote_text(str(path)) for path in staged)}])",
        {fld.name: fld.name for fld in fields},
        _RAW_TIME,
        present,
        names,
        prompts,
        source,
        {str(path) if staged[path] else source.strip("'"): n for path, n in n_rows.items()},
        files={str(path): file for path, file in staged.items() if file is not None},
        malformed={str(path): found for path, found in malformed.items()},
    )
