"""Read events and accounts: after it, the engine knows them by graphkit's names, cleaned and counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from graphkit.config import Config
from graphkit.engine import Engine
from graphkit.errors import InputError, UsageError
from graphkit.ingest.checks import ACCOUNT_REASONS, DAY_US, EVENT_REASONS, Counts, count_rows, require_usable
from graphkit.ingest.fields import Field, account_fields, event_fields, explain_missing, kind_fields
from graphkit.ingest.frames import open_frame
from graphkit.ingest.normalize import make_entity_function
from graphkit.ingest.parquet import open_parquet
from graphkit.ingest.parts import EARLIEST_US, Part
from graphkit.ingest.sources import find_files, is_frame
from graphkit.ingest.textfiles import open_text_files

_OPTIONAL_EVENT_FIELDS = ("organization", "model", "capability", "input_tokens", "output_tokens")
_OPTIONAL_NAMES = ("endpoint", "status")


@dataclass(frozen=True)
class Intake:
    """What was read; the rows themselves are in the engine."""

    kinds: tuple[str, ...]
    """Active kinds, sorted: those whose column is in the events or the accounts."""
    event_kinds: tuple[str, ...]
    account_kinds: tuple[str, ...]
    as_of: date
    """The last day (UTC) that counts."""
    first_us: int
    """Start of the time that counts, microseconds since 1970 UTC."""
    end_us: int
    """Its end, which no longer counts."""
    n_rows: int
    """Rows of events, usable or not."""
    n_accepted: int
    n_in_window: int
    rejected: list[dict[str, Any]]
    """Rows of the table ``rejected``."""
    sources: tuple[str, ...]
    """Paths, or names of frames, that were read."""
    has: frozenset[str]
    """Optional columns that are there: organization, model, capability, endpoint, status, input_tokens, output_tokens,
    created_at."""


def read_events(
    engine: Engine,
    events: Any,
    accounts: Any = None,
    *,
    config: Config,
    key: bytes,
    as_of: date | None = None,
    now: datetime | None = None,
) -> Intake:
    """Read events, and accounts if given, into an engine.

    After it the engine has

    - ``events``: a row is a usable event in the look-back; account_id, t (microseconds since 1970 UTC),
      kind_NAME for each kind of the events (the raw value, trimmed), organization, model, capability,
      input_tokens and output_tokens; null where empty or absent;
    - ``accounts_file``: a row is a row of the accounts; account_id, created_us, organization, kind_NAME for each of
      their kinds;
    - ``entity_NAME(text)`` for each kind: the entity of a raw value, null if it cannot be used.

    Parameters
    ----------
    events, accounts
        A path (file, folder or glob), a list of paths, or a pandas, polars or Arrow frame.
    key
        Key of the digests.
    as_of
        The last day that counts; by default the UTC day of the newest usable event.
    now
        The clock; events more than a day ahead of it are set aside.

    Raises
    ------
    InputError
        If a source cannot be read, lacks a required column, has too many unusable rows, or no event counts.
    UsageError
        If ``as_of`` is more than a day ahead of the clock.
    """
    latest_us = _to_us(now or datetime.now(UTC)) + DAY_US
    if as_of is not None and as_of > (tomorrow := _to_date(latest_us // DAY_US)):
        raise UsageError(f"as-of {as_of} lies ahead of the clock; give a day that has begun, at the latest {tomorrow}")
    fields = event_fields(config)
    parts, sources = _open(engine, events, fields, what="events", latest_us=latest_us)
    account_parts: list[Part] = []
    if accounts is not None:
        account_parts, more = _open(engine, accounts, account_fields(config), what="accounts", latest_us=latest_us)
        sources += more
    event_kinds, account_kinds = (_find_kinds(given, config) for given in (parts, account_parts))
    _require_kinds({*event_kinds, *account_kinds}, [*parts, *account_parts], config)

    counts = count_rows(engine, parts, fields, reasons=EVENT_REASONS, latest_us=latest_us)
    account_counts = count_rows(
        engine, account_parts, account_fields(config), reasons=ACCOUNT_REASONS, latest_us=latest_us
    )
    require_usable([counts, account_counts], limit=config.max_rejected_share)
    if not counts.n_rows:
        raise InputError("events: there are no rows; give events with account, time and a kind of link")
    if not counts.days:
        raise InputError("events: there is no usable row; give events with account, time and a kind of link")
    if account_parts and not account_counts.n_rows:
        raise InputError("accounts: there are no rows; give some, or leave the accounts out")

    first_day, last_day = _find_window(counts, config, as_of)
    n_in_window = sum(n for day, n in counts.days.items() if first_day <= day <= last_day)
    window = None
    if n_in_window < counts.n_rows:
        window = (max(first_day * DAY_US, EARLIEST_US), min((last_day + 1) * DAY_US - 1, latest_us))
    _create_events(engine, parts, event_kinds, window=window)
    _create_accounts(engine, account_parts, account_kinds, latest_us=latest_us)
    kinds = tuple(sorted({*event_kinds, *account_kinds}))
    hashed = frozenset().union(*(part.prompts for part in [*parts, *account_parts]))
    for kind in kinds:
        digest = config.kinds[kind].digest or f"kind_{kind}" in hashed
        engine.register_function(f"entity_{kind}", make_entity_function(kind, config=config, key=key, digest=digest))
    return Intake(
        kinds=kinds,
        event_kinds=event_kinds,
        account_kinds=account_kinds,
        as_of=_to_date(last_day),
        first_us=first_day * DAY_US,
        end_us=(last_day + 1) * DAY_US,
        n_rows=counts.n_rows,
        n_accepted=sum(counts.days.values()),
        n_in_window=n_in_window,
        rejected=counts.rejected + account_counts.rejected,
        sources=sources,
        has=_find_optional(parts, account_parts, config),
    )


def _open(
    engine: Engine, given: Any, fields: Sequence[Field], *, what: str, latest_us: int
) -> tuple[list[Part], tuple[str, ...]]:
    if is_frame(given):
        return [open_frame(engine, given, fields, what=what, latest_us=latest_us)], (f"{what} (frame)",)
    files = find_files(given, what=what)
    parquet = [file for file in files if file.format == "parquet"]
    texts = [file for file in files if file.format != "parquet"]
    parts = open_parquet(engine, parquet, fields)
    if texts:
        parts.append(open_text_files(engine, texts, fields, what=what, latest_us=latest_us))
    return parts, tuple(file.path for file in files)


def _find_kinds(parts: Sequence[Part], config: Config) -> tuple[str, ...]:
    return tuple(kind for kind in sorted(config.kinds) if any(f"kind_{kind}" in part.present for part in parts))


def _require_kinds(active: set[str], parts: Sequence[Part], config: Config) -> None:
    """Every kind that the user named needs a column; of the default kinds one is enough."""
    names = list(dict.fromkeys(name for part in parts for name in part.names))
    missing = [field for field in kind_fields(config) if field.name.removeprefix("kind_") not in active]
    if "kinds" in config.model_fields_set and missing:
        raise InputError("\n".join(explain_missing(field, names, source="events and accounts") for field in missing))
    if not active:
        wanted = ", ".join(field.column for field in missing)
        raise InputError(
            f"events: no column holds a kind of link (looked for {wanted}); there are: {', '.join(names)}.\n"
            'Name one in graphkit.toml, for example:\n[kinds.device]\ncolumn = "YOUR COLUMN"'
        )


def _find_window(counts: Counts, config: Config, as_of: date | None) -> tuple[int, int]:
    """First and last day that count, in days since 1970; there is an event in between."""
    oldest, newest = min(counts.days), max(counts.days)
    last = newest if as_of is None else (as_of - date(1970, 1, 1)).days
    first = oldest if config.look_back_days is None else last - config.look_back_days + 1
    if not any(first <= day <= last for day in counts.days):
        since = "" if config.look_back_days is None else f"from {_to_date(first)} "
        raise InputError(
            f"no event counts: none lies {since}to {_to_date(last)}, while the events span {_to_date(oldest)} "
            f"to {_to_date(newest)}; choose another as-of day, or a longer look_back"
        )
    return first, last


def _create_events(
    engine: Engine, parts: Sequence[Part], kinds: Sequence[str], *, window: tuple[int, int] | None
) -> None:
    """Create the view; ``window`` is None where every row counts, which saves reading what only the filter needs."""
    names = ["account_id", "t", *(f"kind_{kind}" for kind in kinds), *_OPTIONAL_EVENT_FIELDS]
    selects = [f"SELECT {_select(part, names)} FROM {part.relation}{_cut(part, window)}" for part in parts]
    engine.run(f"CREATE OR REPLACE TEMP VIEW events AS {' UNION ALL '.join(selects)}")


def _create_accounts(engine: Engine, parts: Sequence[Part], kinds: Sequence[str], *, latest_us: int) -> None:
    columns = [
        "account_id VARCHAR",
        "created_us BIGINT",
        "organization VARCHAR",
        *(f"kind_{kind} VARCHAR" for kind in kinds),
    ]
    engine.run(f"CREATE OR REPLACE TEMP TABLE accounts_file ({', '.join(columns)})")
    for part in parts:
        created = part.values["created_us"]
        usable = f"CASE WHEN {created} BETWEEN {EARLIEST_US} AND {latest_us} THEN {created} END"
        rest = "".join(f", {part.values[f'kind_{kind}']}" for kind in kinds)
        account, organization = part.values["account_id"], part.values["organization"]
        engine.run(
            f"INSERT INTO accounts_file SELECT {account}, {usable}, {organization}{rest} "
            f"FROM {part.relation} WHERE {account} IS NOT NULL"
        )


def _cut(part: Part, window: tuple[int, int] | None) -> str:
    if window is None:
        return ""
    return f" WHERE {part.values['account_id']} IS NOT NULL AND {part.values['t']} BETWEEN {window[0]} AND {window[1]}"


def _select(part: Part, names: Sequence[str]) -> str:
    return ", ".join(f"{part.values[name]} AS {name}" for name in names)


def _find_optional(parts: Sequence[Part], account_parts: Sequence[Part], config: Config) -> frozenset[str]:
    present = {name for part in parts for name in part.present}
    names = {name.lower() for part in parts for name in part.names}
    found = {name for name in _OPTIONAL_EVENT_FIELDS if name in present}
    found |= {name for name in _OPTIONAL_NAMES if str(getattr(config.columns, name)).lower() in names}
    if any("created_us" in part.present for part in account_parts):
        found.add("created_at")
    if any("organization" in part.present for part in account_parts):
        found.add("organization")
    return frozenset(found)


def _to_us(moment: datetime) -> int:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _to_date(day: int) -> date:
    return date(1970, 1, 1) + timedelta(days=day)
