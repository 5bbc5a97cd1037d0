"""Stream text files (CSV, TSV, JSON lines; plain, gzip or zstd) as Arrow batches of raw text."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv

from graphkit.errors import InputError
from graphkit.ingest.sources import File

_BLOCK_BYTES = 1 << 24
_HEADER_BYTES = 1 << 20
_SAMPLE_BYTES = 1 << 22
_SAMPLE_LINES = 1000
_SEARCHED_LINES = 5_000_000
_NEVER_IN_JSON = "\x01"


@dataclass
class Faults:
    """What was met while the batches streamed by: it is filled as they are read."""

    n_rows: int = 0
    """Rows that could be split."""
    n_lines: int = 0
    """Lines of rows that could not."""
    example: str = ""
    """What is wrong with the first of these; not what it holds, which may be secret."""
    first_line: str = field(default="", repr=False)
    failure: str = ""
    """Why the file could not be read to its end."""

    def note(self, row: pa_csv.InvalidRow) -> str:
        """Count a malformed row, which may span lines if a quotation mark lacks its partner."""
        if not self.n_lines:
            self.first_line = row.text.split("\n", 1)[0].rstrip("\r")
            self.example = f"{row.actual_columns} columns where there should be {row.expected_columns}"
        self.n_lines += row.text.count("\n") + 1
        return "skip"


class _Counted:
    """A readable that counts quotation marks and line ends as they pass, and ends the last line if need be."""

    closed = False

    def __init__(self, stream: pa.NativeFile) -> None:
        self._stream = stream
        self._ended = True
        self.n_quotes = 0
        self.n_lines = 0

    def read(self, size: int) -> bytes:
        data: bytes = self._stream.read(size)
        if len(data) < size:
            rest = self._stream.read(size - len(data))
            data += rest
            ended = data.endswith(b"\n") if data else self._ended
            data += b"" if rest or ended else b"\n"
        if data:
            self._ended = data.endswith(b"\n")
            self.n_quotes += data.count(b'"')
            self.n_lines += data.count(b"\n")
        return data

    def close(self) -> None:
        self.closed = True


@contextmanager
def open_text(file: File) -> Iterator[pa.NativeFile]:
    """Open a text file, decompressed; a damaged one raises an InputError while it is read."""
    try:
        with pa.input_stream(file.path, compression=file.compression) as stream:
            yield stream
    except (pa.ArrowException, OSError) as error:
        raise _explain(file, str(error)) from error


def read_names(file: File) -> tuple[list[str], str]:
    """The column names of a CSV or TSV file's first row, and its delimiter.

    A ``.csv`` file whose first row has no comma may be delimited by semicolons or tabs.
    """
    with open_text(file) as stream:
        head = stream.read(_HEADER_BYTES).decode("utf-8-sig", "backslashreplace")
    line = head.split("\n", 1)[0]
    delimiter = "\t" if file.format == "tsv" else next((mark for mark in ",;\t" if mark in line), ",")
    try:
        names = next(csv.reader(io.StringIO(head, newline=""), delimiter=delimiter), [])
    except csv.Error as error:
        raise InputError(f"{file.name}: the first row cannot be read as column names: {error}") from error
    if not names or names[0].lstrip().startswith("{"):
        raise InputError(f"{file.name}: the first line holds no column names; if the file holds JSON, name it .jsonl")
    return names, delimiter


def sample_keys(file: File) -> list[str]:
    """Keys of the first objects in a file of JSON lines, in order of appearance."""
    with open_text(file) as stream:
        head = stream.read(_SAMPLE_BYTES).decode("utf-8-sig", "backslashreplace")
    if head.lstrip().startswith("["):
        raise InputError(f"{file.name}: is a JSON array; write one object a line, for example with `jq -c '.[]'`")
    keys: dict[str, None] = {}
    for line in head.split("\n", _SAMPLE_LINES)[:_SAMPLE_LINES]:
        keys |= dict.fromkeys(parse_object(line) or {})
    return list(keys)


def parse_object(line: str) -> dict[str, Any] | None:
    """A line's JSON object; None if it holds none."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def stream_columns(
    file: File, names: list[str], keep: list[str], *, delimiter: str, faults: Faults
) -> pa.RecordBatchReader:
    """Stream the columns to ``keep`` of a CSV or TSV file, as text."""
    options = pa_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True, invalid_row_handler=faults.note)
    return _stream(file, names, keep, options=options, faults=faults, header=True)


def stream_lines(file: File, *, faults: Faults) -> pa.RecordBatchReader:
    """Stream the lines of a file as one column of text, ``line``."""
    options = pa_csv.ParseOptions(
        delimiter=_NEVER_IN_JSON, quote_char=False, newlines_in_values=False, invalid_row_handler=faults.note
    )
    return _stream(file, ["line"], ["line"], options=options, faults=faults, header=False)


def find_line(file: File, matches: Callable[[Any], bool], *, split: bool) -> int | None:
    """Number of the line that ends the first row that ``matches``; None if it is too far from the start.

    ``matches`` is given the list of a row's columns if the rows are ``split``, else each line as text.
    """
    with open_text(file) as stream:
        lines = io.TextIOWrapper(stream, "utf-8-sig", "backslashreplace", newline="\n")
        try:
            return next((number for number, row in _number(file, lines, split=split) if matches(row)), None)
        except csv.Error:
            return None


def _number(file: File, lines: Iterable[str], *, split: bool) -> Iterator[tuple[int, Any]]:
    if not split:
        yield from ((number, line.rstrip("\r\n")) for number, line in enumerate(islice(lines, _SEARCHED_LINES), 1))
        return
    _, delimiter = read_names(file)
    rows = csv.reader((line.replace("\0", "") for line in lines), delimiter=delimiter)
    yield from ((rows.line_num, row) for row in islice(rows, _SEARCHED_LINES))


def _stream(
    file: File, names: list[str], keep: list[str], *, options: pa_csv.ParseOptions, faults: Faults, header: bool
) -> pa.RecordBatchReader:
    schema = pa.schema([(name, pa.string()) for name in keep])
    places = [f"c{place}" for place in range(len(names))]  # names may repeat where they are not needed

    def batches() -> Iterator[pa.RecordBatch]:
        with open_text(file) as stream:
            counted = _Counted(stream)
            reader = pa_csv.open_csv(
                counted,
                read_options=pa_csv.ReadOptions(
                    use_threads=False,  # so that malformed rows are met in the file's order
                    block_size=_BLOCK_BYTES,
                    column_names=places,
                    skip_rows_after_names=1 if header else 0,
                ),
                parse_options=options,
                convert_options=pa_csv.ConvertOptions(
                    column_types=dict.fromkeys(places, pa.binary()),
                    include_columns=[places[names.index(name)] for name in keep],
                    strings_can_be_null=False,
                ),
            )
            for batch in reader:
                faults.n_rows += batch.num_rows
                yield pa.RecordBatch.from_arrays(
                    [decode(column, pa.string()) for column in batch.columns], schema=schema
                )
            if header:
                _check_quotes(file, counted, n_used=1 + faults.n_rows + faults.n_lines)

    def kept_failure() -> Iterator[pa.RecordBatch]:
        try:
            yield from batches()
        except InputError as error:
            faults.failure = str(error)  # the stream ends here: the engine is not made to fail in the midst of writing

    return pa.RecordBatchReader.from_batches(schema, kept_failure())


def _check_quotes(file: File, counted: _Counted, *, n_used: int) -> None:
    """Refuse a file in which a quotation mark without partner may have swallowed the lines after it."""
    if counted.n_quotes % 2 == 0 or counted.n_lines <= n_used:
        return
    with open_text(file) as stream:
        n_blank = sum(not line.rstrip(b"\r\n") for line in io.BufferedReader(stream))
    n_swallowed = counted.n_lines - n_used - n_blank
    if n_swallowed > 0:
        raise InputError(
            f"{file.name}: a quotation mark lacks its partner, and {n_swallowed:,} lines lie inside quoted values; "
            "mend the row where it begins, or write the file with a CSV library"
        )


def decode(values: pa.Array, kind: pa.DataType) -> pa.Array:
    """Bytes as text; bytes that are not UTF-8 become visible escapes, so that no row is lost to them."""
    try:
        return values.cast(kind)
    except pa.ArrowInvalid:
        decoded = (None if value is None else value.decode("utf-8", "backslashreplace") for value in values.to_pylist())
        return pa.array(list(decoded), kind)


def _explain(file: File, message: str) -> InputError:
    if "straddling" in message:
        reason = f"a row is longer than {_BLOCK_BYTES >> 20} MiB; mend it: a quotation mark may lack its partner"
    elif file.compression and ("runcated" in message or "end of" in message):
        reason = f"is truncated: its {file.compression} data end too early; copy or export it again"
    elif file.compression and ("inflate" in message or "zstd" in message.lower()):
        reason = f"its {file.compression} data are damaged; copy or export it again"
    else:
        reason = "cannot be read to its end; copy or export it again"
    return InputError(f"{file.name}: {reason}")
