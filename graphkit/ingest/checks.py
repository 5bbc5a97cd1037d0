"""Count rows by what can be used of them: one narrow pass over account and time, and what it sets aside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphkit.engine import Engine
from graphkit.errors import InputError
from graphkit.ingest.examples import give_example
from graphkit.ingest.fields import Field
from graphkit.ingest.parts import EARLIEST_US, Part, explain_failure

DAY_US = 86_400_000_000

_LISTED = 10
_NO_DAY = -1
_MALFORMED = {
    "json": "line that is not a JSON object; write one object a line",
    "csv": "malformed line: the wrong number of columns; quote values that hold the delimiter or a line end",
}
_WRITE_TIMES = "write 2026-05-01T10:00:00Z or epoch seconds"
_CHECK_TIMES = "check its unit and the clock that wrote it"
EVENT_REASONS = {
    "account": "no account_id; fill it in or drop the row",
    "missing": "no timestamp; fill it in or drop the row",
    "unreadable": f"unreadable timestamp; {_WRITE_TIMES}",
    "early": f"timestamp before the year 2000; {_CHECK_TIMES}",
    "late": f"timestamp more than a day ahead of the clock; {_CHECK_TIMES}",
}
ACCOUNT_REASONS = {
    "account": EVENT_REASONS["account"],
    "unreadable": f"unreadable created_at, taken as empty; {_WRITE_TIMES}",
    "early": f"created_at before the year 2000, taken as empty; {_CHECK_TIMES}",
    "late": f"created_at more than a day ahead of the clock, taken as empty; {_CHECK_TIMES}",
}
"""A row with an unusable `created_at` is kept, one without account is not."""


@dataclass(frozen=True)
class Counts:
    """How many rows there are, how many of them count on which day, and what was set aside why."""

    days: Mapping[int, int] = field(default_factory=dict)
    """From a day (days since 1970 UTC) to its accepted rows."""
    n_rows: int = 0
    n_set_aside: int = 0
    rejected: list[dict[str, Any]] = field(default_factory=list)
    """Rows of the table ``rejected``."""


@dataclass(frozen=True)
class SetAside:
    """What of a source cannot be used."""

    n_rows: int
    """All its rows, malformed lines included."""
    n_set_aside: int
    rejected: list[dict[str, Any]]
    """Rows of the table ``rejected``."""
    late: bool
    """Whether some rows lie ahead of the clock."""


def tell_set_aside(
    engine: Engine, part: Part, fields: Sequence[Field], *, n_usable: Mapping[str, int], latest_us: int
) -> dict[str, SetAside]:
    """Tell for each source of a part of events what cannot be used; looks only where rows are missing.

    Parameters
    ----------
    n_usable
        Rows of each source that can be used.
    """
    account, time = (next(field for field in fields if field.role == role) for role in ("id", "time"))
    faults: list[tuple[str, str, int, str]] = []
    if sum(n_usable.values()) < sum(part.n_rows.values()):
        fault = _find_fault(part, time, time_needed=True, latest_us=latest_us)
        with explain_failure(part):
            faults = _explain_faults(engine, part, fault, account=account, time=time)
    told = {}
    for source, n_rows in part.n_rows.items():
        file, malformed = part.files.get(source), part.malformed.get(source)
        name = file.name if file else source
        found = [(name, EVENT_REASONS[fault], n, example) for key, fault, n, example in faults if key == source]
        n_lost = sum(n for _, _, n, _ in found)
        if malformed:
            found += _list_malformed(part, source)
            n_rows, n_lost = n_rows + malformed.n_lines, n_lost + malformed.n_lines  # noqa: PLW2901
        late = any(key == source and fault == "late" for key, fault, _, _ in faults)
        told[source] = SetAside(n_rows, n_lost, _merge(found), late)
    return told


def count_rows(
    engine: Engine, parts: Sequence[Part], fields: Sequence[Field], *, reasons: Mapping[str, str], latest_us: int
) -> Counts:
    """Count the rows of events or accounts.

    Parameters
    ----------
    reasons
        From a fault to the words for it; a missing time is no fault where there are no words for it.
    """
    account, time = (next(field for field in fields if field.role == role) for role in ("id", "time"))
    days: Counter[int] = Counter()
    faults: Counter[str] = Counter()
    found: list[tuple[str, str, int, str]] = []
    for part in parts:
        fault = _find_fault(part, time, time_needed="missing" in reasons, latest_us=latest_us)
        part_days, part_faults = _count_part(engine, part, fault, time)
        days += part_days
        faults += part_faults
        found += [row for source in part.malformed for row in _list_malformed(part, source)]
        if part_faults:
            explained = _explain_faults(engine, part, fault, account=account, time=time)
            found += [(_name(part, source), reasons[name], n, example) for source, name, n, example in explained]
    n_malformed = sum(malformed.n_lines for part in parts for malformed in part.malformed.values())
    n_unusable = faults.total() if "missing" in reasons else faults["account"]
    n_kept = days.total() + faults.total() - n_unusable
    return Counts(
        days={day: n for day, n in days.items() if day != _NO_DAY},
        n_rows=n_kept + n_unusable + n_malformed,
        n_set_aside=n_unusable + n_malformed,
        rejected=_merge(found),
    )


def _find_fault(part: Part, time: Field, *, time_needed: bool, latest_us: int) -> str:
    """SQL of the fault that a row has, null where it has none."""
    value = part.values[time.name]
    missing = "'missing'" if time_needed else "NULL"
    return (
        f"CASE WHEN {part.values['account_id']} IS NULL THEN 'account' "
        f"WHEN {value} BETWEEN {EARLIEST_US} AND {latest_us} THEN NULL "
        f"WHEN {part.raw_time} IS NULL THEN {missing} WHEN {value} IS NULL THEN 'unreadable' "
        f"WHEN {value} < {EARLIEST_US} THEN 'early' ELSE 'late' END"
    )


def require_usable(counts: Sequence[Counts], *, limit: float) -> None:
    """Raise an InputError that lists the reasons if more than a share ``limit`` of all rows is set aside."""
    n_rows = sum(count.n_rows for count in counts)
    n_set_aside = sum(count.n_set_aside for count in counts)
    if n_set_aside <= limit * n_rows:
        return
    rejected = sorted((row for count in counts for row in count.rejected), key=lambda row: -row["n_rows"])
    lines = [f"  {row['source']}: {row['reason']}: {_count(row['n_rows'])} ({row['example']})" for row in rejected]
    more = [f"  and {len(rejected) - _LISTED} more reasons"] if len(rejected) > _LISTED else []
    share = min(1.0, n_set_aside / n_rows)
    head = (
        f"{n_set_aside:,} of {n_rows:,} rows ({share:.1%}) cannot be used; the limit is {limit:.1%}. "
        f"Mend them, or raise it in graphkit.toml, for example: max_rejected_share = {min(1.0, share + 0.01):.2f}"
    )
    raise InputError("\n".join([head, *lines[:_LISTED], *more]))


def _count(n_rows: int) -> str:
    return "1 row" if n_rows == 1 else f"{n_rows:,} rows"


def _count_part(engine: Engine, part: Part, fault: str, time: Field) -> tuple[Counter[int], Counter[str]]:
    """Rows by day, and rows by fault."""
    relation = f"SELECT {fault} AS fault, {part.values[time.name]} AS time FROM {part.relation}"
    day = f"CASE WHEN fault IS NULL THEN coalesce(time // {DAY_US}, {_NO_DAY}) END"
    days: Counter[int] = Counter()
    faults: Counter[str] = Counter()
    with explain_failure(part):
        counted = engine.query(f"SELECT fault, {day} AS day, count(*) AS n FROM ({relation}) GROUP BY ALL").to_pylist()
    for row in counted:
        if row["fault"] is None:
            days[row["day"]] = row["n"]
        else:
            faults[row["fault"]] += row["n"]
    return days, faults


def _explain_faults(
    engine: Engine, part: Part, fault: str, *, account: Field, time: Field
) -> list[tuple[str, str, int, str]]:
    """Source (as the part knows it), fault, number of rows and an example, for each source and fault of a part."""
    inner = (
        f"SELECT {part.source} AS source, {part.row or 'NULL'} AS row, {fault} AS fault, "
        f"{part.values[account.name]} AS account, {part.raw_time} AS time FROM {part.relation}"
    )
    shown = "CASE fault WHEN 'account' THEN NULL WHEN 'missing' THEN account ELSE time END AS value"
    relation = f"SELECT source, row, fault, {shown} FROM ({inner}) WHERE fault IS NOT NULL"
    first = "min(value)" if part.row is None else "arg_min(value, row)"
    faults = engine.query(
        f"SELECT source, fault, count(*) AS n, min(row) AS row, {first} AS value "
        f"FROM ({relation}) GROUP BY source, fault ORDER BY source, fault"
    ).to_pylist()
    explained = []
    for found in faults:
        file = part.files.get(found["source"])
        example = give_example(file, found, account=account.column, time=time.column)
        explained.append((found["source"], found["fault"], found["n"], example))
    return explained


def _name(part: Part, source: str) -> str:
    return part.files[source].name if source in part.files else source


def _list_malformed(part: Part, source: str) -> list[tuple[str, str, int, str]]:
    file, malformed = part.files[source], part.malformed[source]
    reason = _MALFORMED["json" if file.format == "json" else "csv"]
    return [(file.name, reason, malformed.n_lines, malformed.example)]


def merge_rejected(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows of the table ``rejected``, sorted; files of the same name are counted together."""
    return _merge([(row["source"], row["reason"], row["n_rows"], row["example"]) for row in rows])


def _merge(found: Sequence[tuple[str, str, int, str]]) -> list[dict[str, Any]]:
    """Rows of the table ``rejected``, sorted; files of the same name are counted together."""
    merged: dict[tuple[str, str], dict[str, Any]] = {}
    for source, reason, n_rows, example in found:
        row = merged.setdefault((source, reason), {"source": source, "reason": reason, "n_rows": 0, "example": example})
        row["n_rows"] += n_rows
    return [merged[key] for key in sorted(merged)]
