"""SQL that reads a value of any column type as text, as a time or as a count; it never fails on a value."""

from __future__ import annotations

import re

from graphkit.engine import quote_name
from graphkit.errors import InputError
from graphkit.ingest.fields import Role
from graphkit.ingest.sources import shorten

_INTEGERS = {
    "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"
}  # fmt: skip
_FLOATS = {"FLOAT", "DOUBLE"}
_BLANKS = (" ", "\\t", "\\r", "\\n", "\\v", "\\f")
_MOST = 10**12
"""Counts above it are fillers such as the largest integer, and what they add up to is beyond any."""
_NULL_TEXT = "CAST(NULL AS VARCHAR)"


def read_field(role: Role, column: str | None, type_name: str, *, source: str) -> str:
    """SQL for a field: text (blank is null), microseconds since 1970 UTC, or a whole number.

    Parameters
    ----------
    column
        The user's column; None where there is none.
    type_name
        Its type in DuckDB's words.

    Raises
    ------
    InputError
        If the column's type cannot hold such values.
    """
    if column is None:
        return f"CAST(NULL AS {'BIGINT' if role in {'time', 'count'} else 'VARCHAR'})"
    name = quote_name(column)
    if role in {"id", "time", "count"} and _is_nested(type_name):
        kind = type_name.split("(", maxsplit=1)[0].lower() if "[" not in type_name else "list"
        raise InputError(f"{source}: column {shorten(column)!r} holds a {kind} in each row; give one plain value a row")
    if role == "time":
        return _read_time(name, type_name, column=column, source=source)
    if role == "count" and type_name in _INTEGERS:
        return f"CASE WHEN {name} BETWEEN 0 AND {_MOST} THEN CAST({name} AS BIGINT) END"
    text = read_text(name, type_name)
    if role == "count":
        number = f"TRY_CAST({text} AS DOUBLE)"
        return f"CASE WHEN {number} BETWEEN 0 AND {_MOST} THEN CAST({number} AS BIGINT) END"
    if role in {"prompt", "mined"}:
        folded = f"nullif(trim(lower(regexp_replace({text}, '[\\s\\p{{Z}}]+', ' ', 'g'))), '')"
        return f"sha256({folded if role == 'prompt' else text})"
    return text


def read_text(name: str, type_name: str) -> str:
    """SQL for a column's values as text, trimmed; null where blank or not a number."""
    base = type_name.split("(", maxsplit=1)[0]
    if base in _INTEGERS or base in {"BOOLEAN", "UUID"}:
        return f"CAST({name} AS VARCHAR)"
    if base in _FLOATS:
        whole = f"abs({name}) < 1e15 AND trunc({name}) = {name}"
        text = f"CASE WHEN {whole} THEN CAST(CAST({name} AS BIGINT) AS VARCHAR) ELSE CAST({name} AS VARCHAR) END"
        return f"CASE WHEN NOT isnan({name}) THEN {text} END"
    if base == "DECIMAL":
        return (
            f"regexp_replace(CAST({name} AS VARCHAR), '\\.?0+$', '')"
            if ",0)" not in type_name
            else (f"CAST({name} AS VARCHAR)")
        )
    if type_name == '"NULL"':
        return _NULL_TEXT
    if base in {"TIMESTAMP_S", "TIMESTAMP_MS"}:  # a plain cast of one beyond the year 294246 ends the engine
        readable = f"CAST(TRY_CAST({name} AS TIMESTAMP) AS VARCHAR)"
        return f"CASE WHEN {name} IS NOT NULL THEN coalesce({readable}, 'beyond the calendar') END"
    if base == "BLOB":
        text = f"coalesce(TRY(decode({name})), CAST({name} AS VARCHAR))"
    elif _is_nested(type_name):
        text = f"CAST(to_json({name}) AS VARCHAR)"
    else:
        text = name if base == "VARCHAR" else f"CAST({name} AS VARCHAR)"
    return trim(text)


def trim(text: str) -> str:
    """SQL of a text without white space around it; null where nothing is left."""
    # the test costs little, the trim a lot
    blank = " OR ".join([f"{text} < '!'", *(f"suffix({text}, e'{end}')" for end in _BLANKS)])
    return f"CASE WHEN {blank} THEN nullif(trim({text}, e'{''.join(_BLANKS)}'), '') ELSE {text} END"


def _read_time(name: str, type_name: str, *, column: str, source: str) -> str:
    base = type_name.split("(", maxsplit=1)[0]
    if base == "DATE" or re.fullmatch(r"TIMESTAMP(_S|_MS)?", base):
        return f"epoch_us(TRY_CAST({name} AS TIMESTAMP))"
    if base in {"TIMESTAMP_NS", "TIMESTAMPTZ_NS"}:
        return f"epoch_ns({name}) // 1000"
    if base == "TIMESTAMP WITH TIME ZONE":
        return f"epoch_us({name})"
    if base in _INTEGERS:
        return _scale_whole(f"TRY_CAST({name} AS BIGINT)")
    if base in _FLOATS or base == "DECIMAL":
        return _scale_fraction(f"CAST({name} AS DOUBLE)")
    if base in {"VARCHAR", "ENUM", "BLOB"} or type_name == '"NULL"':
        text = read_text(name, type_name)
        plain = name if base == "VARCHAR" else text
        whole = _scale_whole(f"TRY_CAST({text} AS BIGINT)")
        fraction = _scale_fraction(f"TRY_CAST({text} AS DOUBLE)")
        number = f"CASE WHEN regexp_full_match({text}, '[+-]?\\d{{1,19}}') THEN {whole} ELSE {fraction} END"
        return f"coalesce(epoch_us(TRY_CAST({plain} AS TIMESTAMPTZ)), {number})"
    raise InputError(
        f"{source}: column {shorten(column)!r} is of type {base.lower()}, which is no time; "
        "give timestamps, dates, texts such as 2026-05-01T10:00:00Z, or epoch numbers"
    )


def _scale_whole(number: str) -> str:
    """Epoch seconds, milli-, micro- or nanoseconds, told apart by magnitude, in microseconds."""
    return (
        f"CASE WHEN {number} BETWEEN -99999999999 AND 99999999999 THEN {number} * 1000000 "
        f"WHEN {number} BETWEEN -99999999999999 AND 99999999999999 THEN {number} * 1000 "
        f"WHEN {number} BETWEEN -99999999999999999 AND 99999999999999999 THEN {number} ELSE {number} // 1000 END"
    )


def _scale_fraction(number: str) -> str:
    return (
        f"TRY_CAST(round(CASE WHEN abs({number}) < 1e11 THEN {number} * 1e6 WHEN abs({number}) < 1e14 "
        f"THEN {number} * 1e3 WHEN abs({number}) < 1e17 THEN {number} ELSE {number} / 1e3 END) AS BIGINT)"
    )


def _is_nested(type_name: str) -> bool:
    return type_name.endswith("]") or type_name.split("(", maxsplit=1)[0] in {"STRUCT", "MAP", "UNION", "VARIANT"}
