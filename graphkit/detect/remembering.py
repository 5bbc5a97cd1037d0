"""Remembering: what a snapshot hands on to later ones of clusters that have ended, and of the lives of all."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pandas as pd

from graphkit.config import Config
from graphkit.detect.former import own_entities
from graphkit.detect.matching import is_named
from graphkit.detect.past import TURNS, Past
from graphkit.detect.tracing import Trace
from graphkit.snapshot import Snapshot


def remember_ended(
    trace: Trace, past: Past, parent: Snapshot | None, *, as_of: date, config: Config, hidden: frozenset[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of ``former_accounts`` and ``former_entities``: what has ended, as long as it is to be known again."""
    back = {old for old, _ in trace.returned.values()}
    states = dict.fromkeys(trace.joined, "joined") | {
        name: "held" if name in hidden else "dead" for name in trace.ended
    }
    everyone = pd.concat([past.living.assign(state=None), past.former]) if len(past.former) else past.living
    each = everyone.drop_duplicates("cluster_id")
    last_days = dict(zip(each["cluster_id"], each["last_day"], strict=True))
    states |= dict(zip(past.former["cluster_id"], past.former["state"], strict=True))
    oldest = as_of - timedelta(days=config.lineage.remember_days)
    states = {name: state for name, state in states.items() if name not in back and last_days[name] >= oldest}
    former = _keep_members(everyone, states, last_days)
    kept = past.entities[is_named(past.entities["cluster_id"], states)]
    ended = [name for name in (*trace.joined, *trace.ended) if name in states and name not in past.held]
    if parent is not None and ended:
        fresh = own_entities(parent.table("evidence"), pd.Index(ended))[kept.columns]
        kept = pd.concat([kept, fresh], ignore_index=True) if len(kept) else fresh
    return former, kept


def add_history(past: Past, lineage: pd.DataFrame, *, as_of: date, alive: set[str]) -> pd.DataFrame:
    """Rows of ``history``: those of before that still matter, and today's turns."""
    turns = lineage[lineage["event"].isin(TURNS)]
    died = turns["event"] == "death"
    today = pd.DataFrame(
        {
            "cluster_id": turns["cluster_id"],
            "day": as_of,
            "event": turns["event"],
            "previous_ids": turns["previous_ids"],
            "n_accounts": (turns["n_kept"] + turns["n_gained"]).where(~died, turns["n_lost"]),
            "reason": turns["reason"],
        }
    )
    told = pd.concat([past.history, today], ignore_index=True) if len(past.history) else today
    sources: dict[str, set[str]] = {}
    for name, previous in zip(told["cluster_id"], told["previous_ids"], strict=True):
        sources.setdefault(name, set()).update(previous)
    wanted, ahead = set(alive), set(alive)
    while ahead:
        ahead = {source for name in ahead for source in sources.get(name, ())} - wanted
        wanted |= ahead
    return told[is_named(told["cluster_id"], wanted)]


def _keep_members(members: pd.DataFrame, states: Mapping[str, str], days: Mapping[Any, date]) -> pd.DataFrame:
    """Rows of the table ``former_accounts`` for the clusters that have a state."""
    kept = members[is_named(members["cluster_id"], states)]
    return pd.DataFrame(
        {
            "cluster_id": kept["cluster_id"],
            "account_id": kept["account_id"],
            "tier": kept["tier"],
            "last_day": kept["cluster_id"].map(days),
            "state": kept["cluster_id"].map(states),
        }
    )
