"""Read events and accounts: after it, the engine knows them by graphkit's names, cleaned and counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from graphkit.config import Config
from graphkit.engine import DuckDB
from graphkit.errors import InputError, UsageError
from graphkit.ingest.accounts import create_accounts_view, read_accounts
from graphkit.ingest.checks import DAY_US, Counts, merge_rejected, require_usable
from graphkit.ingest.codes import make_secret
from graphkit.ingest.coding import OPTIONAL
from graphkit.ingest.context import Reading
from graphkit.ingest.fields import explain_missing, kind_fields
from graphkit.ingest.mined import merge_templates, read_templates
from graphkit.ingest.partials import Source, load_segments
from graphkit.ingest.prompt_mining import KnownTemplates
from graphkit.ingest.reading import create_views, read_segments
from graphkit.ingest.sources import find_files, is_frame
from graphkit.ingest.template_match import Template

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
    """Rows of the table ``rejected``: what was set aside."""
    unusable: list[dict[str, Any]]
    """Further rows of it: values of which no entity could be made."""
    sources: tuple[str, ...]
    """Paths, or names of frames, that were read."""
    has: frozenset[str]
    """Optional columns that are there: organization, model, capability, endpoint, status, input_tokens, output_tokens,
    created_at."""
    secret: str
    """Stands before texts when their codes are made."""
    segments: tuple[Path, ...]
    """Folders of the segments that hold them."""
    n_read: int
    """Sources of events that were read now; the others were known from before."""
    templates: tuple[Template, ...] = ()
    """Templates that were mined from raw prompts, by id."""

    @property
    def window(self) -> tuple[int, int] | None:
        """First and last microsecond that count; None where every usable row counts."""
        return None if self.n_in_window == self.n_accepted else (self.first_us, self.end_us - 1)


def read_events(  # noqa: PLR0913  # the one entry of the data
    engine: DuckDB,
    events: Any,
    accounts: Any = None,
    *,
    config: Config,
    key: bytes,
    as_of: date | None = None,
    now: datetime | None = None,
    partials: Path | None = None,
    rehash: bool = False,
    known: KnownTemplates | None = None,
) -> Intake:
    """Read events, and accounts if given, into an engine.

    After it the engine has

    - ``events``: a row is a usable event in the look-back; account (a code), t (microseconds since 1970 UTC),
      kind_NAME for each kind of the events (the entity's code), organization, model, capability (codes too),
      input_tokens and output_tokens; null where empty or absent;
    - ``accounts_file``: a row is a row of the accounts; account, created_us, organization, kind_NAME for each of
      their kinds;
    - ``names_account``, ``names_kind_NAME``, ``names_model``, ``names_capability``: code and name, possibly repeated.

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
    partials
        Folder in which what was read of files is kept, and found the next time; by default it is not.
    rehash
        Tell files apart by their whole content, not by a sample of it.
    known
        Gives the templates of raw prompts that are known from before; by default none are.

    Raises
    ------
    InputError
        If a source cannot be read, lacks a required column, has too many unusable rows, or no event counts.
    UsageError
        If ``as_of`` is more than a day ahead of the clock.
    """
    latest_us = tell_latest(as_of, now=now)
    reading = Reading(engine, config, key, make_secret(key), latest_us)
    folder = partials or engine.scratch / "partials"
    folder.mkdir(parents=True, exist_ok=True)
    whole = load_segments(folder) if partials else None
    segments, n_read = read_segments(
        reading, events, folder=folder, whole=whole, rehash=rehash, as_of=as_of, known=known
    )
    account_segments = read_accounts(reading, accounts, folder=folder, known=whole, rehash=rehash)
    sources, account_sources = (
        [source for segment in some.values() for source in segment.sources] for some in (segments, account_segments)
    )
    intake = replace(
        sum_up(sources, account_sources, config=config, secret=reading.secret, as_of=as_of),
        sources=list_sources(events, accounts),
        segments=(*segments, *account_segments),
        n_read=n_read,
        templates=merge_templates(each for path, one in segments.items() for each in read_templates(path, one)),
    )
    create_accounts_view(reading, account_segments)
    create_views(reading, segments, account_segments, intake.event_kinds, intake.account_kinds, window=intake.window)
    return intake


def tell_latest(as_of: date | None, *, now: datetime | None = None) -> int:
    """The latest time that is believed, a day ahead of the clock, in microseconds; an error if ``as_of`` is later."""
    latest_us = _to_us(now or datetime.now(UTC)) + DAY_US
    if as_of is not None and as_of > (tomorrow := _to_date(latest_us // DAY_US)):
        raise UsageError(f"as-of {as_of} lies ahead of the clock; give a day that has begun, at the latest {tomorrow}")
    return latest_us


def sum_up(
    sources: Sequence[Source],
    account_sources: Sequence[Source],
    *,
    config: Config,
    secret: str,
    as_of: date | None,
) -> Intake:
    """Sum up what was read, of all ``sources``; an error if it is too little, or too much of it is unusable."""
    event_kinds = _find_kinds([source.present for source in sources], config)
    account_kinds = _find_kinds([part.present for part in account_sources], config)
    _require_kinds({*event_kinds, *account_kinds}, [*sources, *account_sources], config)
    counts, account_counts = add_up(sources), add_up(account_sources)
    require_usable([counts, account_counts], limit=config.max_rejected_share)
    _require_rows(counts, account_counts, account_sources)
    first_day, last_day = _find_window(counts, config, as_of)
    return Intake(
        kinds=tuple(sorted({*event_kinds, *account_kinds})),
        event_kinds=event_kinds,
        account_kinds=account_kinds,
        as_of=_to_date(last_day),
        first_us=first_day * DAY_US,
        end_us=(last_day + 1) * DAY_US,
        n_rows=counts.n_rows,
        n_accepted=sum(counts.days.values()),
        n_in_window=sum(n for day, n in counts.days.items() if first_day <= day <= last_day),
        rejected=counts.rejected + account_counts.rejected,
        unusable=_list_unusable(sources, config),
        sources=(),
        has=_find_optional(sources, account_sources, config),
        secret=secret,
        segments=(),
        n_read=len(sources),
    )


def add_up(sources: Sequence[Source]) -> Counts:
    """All sources as one."""
    days: Counter[int] = Counter()
    for source in sources:
        days.update(source.days)
    return Counts(
        days=days,
        n_rows=sum(source.n_rows for source in sources),
        n_set_aside=sum(source.n_set_aside for source in sources),
        rejected=merge_rejected(row for source in sources for row in source.rejected),
    )


def _require_rows(counts: Counts, account_counts: Counts, account_sources: Sequence[Source]) -> None:
    if not counts.n_rows:
        raise InputError("events: there are no rows; give events with account, time and a kind of link")
    if not counts.days:
        raise InputError("events: there is no usable row; give events with account, time and a kind of link")
    if account_sources and not account_counts.n_rows:
        raise InputError("accounts: there are no rows; give some, or leave the accounts out")


def _list_unusable(sources: Sequence[Source], config: Config) -> list[dict[str, Any]]:
    """Rows of ``rejected`` for values of which no entity could be made; an error if they are too many."""
    rows = []
    for name in sorted({kind for source in sources for kind in source.values}):
        kind, column = config.kinds[name], config.kind_column(name)
        found = [source.values[name] for source in sources if name in source.values]
        n_all, n_bad = (sum(counts) for counts in list(zip(*found, strict=True))[:2])
        if not n_bad:
            continue
        example = min(text for _, n, text in found if n)
        if n_bad > config.max_rejected_share * n_all:
            raise InputError(
                f"events, column {column!r}: {n_bad:,} of {n_all:,} values "
                f"cannot be used as kind {name!r}, for example {example!r}. Name the right column in [columns] "
                f'or [kinds.{name}], set normalize = "text" there, or raise max_rejected_share.'
            )
        what = "is not an IP address" if kind.normalize == "ip" else "is empty"
        reason = f"{column} {what}; the row counts, the value does not"
        rows.append({"source": "events", "reason": reason, "n_rows": n_bad, "example": example})
    return rows


def _find_kinds(present: Sequence[frozenset[str]], config: Config) -> tuple[str, ...]:
    return tuple(kind for kind in sorted(config.kinds) if any(f"kind_{kind}" in names for names in present))


def _require_kinds(active: set[str], parts: Sequence[Source], config: Config) -> None:
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


def list_sources(*given: Any) -> tuple[str, ...]:
    """Paths, or names of frames, that were read."""
    listed: list[str] = []
    for what, sources in zip(("events", "accounts"), given, strict=True):
        if is_frame(sources):
            listed.append(f"{what} (frame)")
        elif sources is not None:
            listed += [file.path for file in find_files(sources, what=what)]
    return tuple(listed)


def _find_optional(parts: Sequence[Source], account_sources: Sequence[Source], config: Config) -> frozenset[str]:
    present = {name for part in parts for name in part.present}
    names = {name.lower() for part in parts for name in part.names}
    found = {name for name in OPTIONAL if name in present}
    found |= {name for name in _OPTIONAL_NAMES if str(getattr(config.columns, name)).lower() in names}
    if any("created_us" in part.present for part in account_sources):
        found.add("created_at")
    if any("organization" in part.present for part in account_sources):
        found.add("organization")
    return frozenset(found)


def _to_us(moment: datetime) -> int:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _to_date(day: int) -> date:
    return date(1970, 1, 1) + timedelta(days=day)
