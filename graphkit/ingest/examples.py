"""Say where the first row with a fault stands, and what is wrong in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from graphkit.ingest import text
from graphkit.ingest.sources import File, shorten


def give_example(file: File | None, fault: Mapping[str, Any], *, account: str, time: str) -> str:
    """Place and value of a row, such as ``line 17: 2026-13-01``; an account or a time, never another column.

    Parameters
    ----------
    fault
        ``fault``, ``row`` (number from 0, or None) and ``value``: the time as given, or the account where it has none.
    account, time
        The user's names of the two columns.
    """
    place = None
    if fault["row"] is not None:
        place = f"row {fault['row'] + 1}"
    elif file is not None:
        line = _find_fault(file, fault, account=account, time=time)
        place = None if line is None else f"line {line}"
    value = fault["value"]
    if value is not None and fault["fault"] == "missing":
        value = f"account {value}"
    return shorten(": ".join(piece for piece in (place, value) if piece))


def _find_fault(file: File, fault: Mapping[str, Any], *, account: str, time: str) -> int | None:
    wanted = {
        "account": {account: ""},
        "missing": {account: fault["value"], time: ""},
    }.get(fault["fault"], {time: fault["value"]})
    if file.format == "loose":
        return None
    if file.format == "json":
        return text.find_line(file, lambda line: _holds(text.parse_object(line), wanted), split=False)
    names = [name.lower() for name in text.read_names(file)[0]]
    places = {names.index(name.lower()): value for name, value in wanted.items() if name.lower() in names}
    return text.find_line(
        file,
        lambda row: len(row) == len(names) and all(row[place].strip() == value for place, value in places.items()),
        split=True,
    )


def _holds(row: Mapping[str, Any] | None, wanted: Mapping[str, str]) -> bool:
    return row is not None and all(_to_text(row.get(name)) == value for name, value in wanted.items())


def _to_text(value: Any) -> str:
    if value is None:
        return ""
    return value.strip() if isinstance(value, str) else json.dumps(value)
