"""Faults of the data since the parent snapshot, which would let clusters seem to end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from graphkit.config import Config
from graphkit.snapshot import Snapshot
from graphkit.wording import kind_name

_USUAL_DAYS = 7
"""Days up to the parent's as-of whose median is the usual number of events."""
_FEWEST_USES = 100
"""Links last used on the parent's day from which a kind is missed if it is not used again."""


def find_faults(
    tables: Mapping[str, pa.Table], parent: Snapshot | None, *, as_of: date, config: Config
) -> list[dict[str, str]]:
    """Find days without events or with far fewer than usual, and kinds that are no longer there.

    Parameters
    ----------
    tables
        The tables ``usage`` and ``links`` of the new snapshot.

    Returns
    -------
    A fault each: fault (day_missing, few_events, kind_gone), subject (the day or kind) and what is the matter.
    """
    if parent is None:
        return []
    return [*_judge_days(tables["usage"], parent, as_of, config), *_judge_kinds(tables["links"], parent, config)]


def _judge_days(usage: pa.Table, parent: Snapshot, as_of: date, config: Config) -> list[dict[str, str]]:
    before = _count_events(parent.table("usage", columns=["cluster_id", "day", "n_events"]))
    known = [before.get(parent.as_of - timedelta(days=back), 0) for back in range(_USUAL_DAYS)]
    first = min(before, default=parent.as_of)
    usual = float(pd.Series(known[: (parent.as_of - first).days + 1]).median())
    now, days = _count_events(usage), (as_of - parent.as_of).days
    look_back = config.look_back_days or days
    new = [as_of - timedelta(days=back) for back in reversed(range(min(days, look_back)))]
    faults = []
    for day in new if usual > 0 else []:
        n, told = now.get(day, 0), f"the usual is {usual:,.0f} a day"
        if n == 0:
            faults.append({"fault": "day_missing", "subject": day.isoformat(), "what": f"no events; {told}"})
        elif usual - n >= config.lineage.fewer_events * usual:
            over = "" if day < as_of else ", or the day was not over: --as-of names the last whole one"
            faults.append({"fault": "few_events", "subject": day.isoformat(), "what": f"{n:,} events; {told}{over}"})
    return faults


def _count_events(usage: pa.Table) -> dict[date, int]:
    """Events of the population by day."""
    whole = usage.filter(pc.is_null(usage["cluster_id"]))
    by_day = whole.group_by("day").aggregate([("n_events", "sum")])
    return dict(zip(by_day["day"].to_pylist(), by_day["n_events_sum"].to_pylist(), strict=True))


def _judge_kinds(links: pa.Table, parent: Snapshot, config: Config) -> list[dict[str, str]]:
    last_day = pd.Timestamp(parent.as_of, tz="UTC")
    before = _count_uses(parent.table("links", columns=["kind", "last_seen"]), since=last_day)
    now = _count_uses(links, since=last_day + pd.Timedelta(days=1))
    return [
        {"fault": "kind_gone", "subject": kind, "what": f"no {kind_name(kind)} is used since {parent.as_of}"}
        for kind in config.kinds
        if kind in parent.config.kinds and before.get(kind, 0) >= _FEWEST_USES and not now.get(kind, 0)
    ]


def _count_uses(links: pa.Table, *, since: pd.Timestamp) -> dict[str, int]:
    """Links by kind that were used from that time on."""
    late = links.filter(pc.greater_equal(links["last_seen"], pa.scalar(since.to_pydatetime(), links["last_seen"].type)))
    counts: Any = late["kind"].cast(pa.string()).value_counts().to_pylist()
    return {row["values"]: row["counts"] for row in counts}
