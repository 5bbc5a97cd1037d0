"""Lineage: which cluster of the parent snapshot a cluster is, and what became of each.

The events are those of the community evolution literature (Palla, Barabasi and Vicsek 2007; Greene, Doyle and
Cunningham 2010), the matching is by containment, one to one. All that is known of the past comes from the parent
snapshot, which carries its own past along: how many snapshots lie between, or whether older ones are still in the
store, makes no difference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from graphkit.config import Config
from graphkit.detect.faults import find_faults
from graphkit.detect.former import link_by_entities, own_entities, remember
from graphkit.detect.matching import HALF, keep_contained, match_one_to_one, overlap_clusters, weigh_members
from graphkit.detect.members import make_id
from graphkit.snapshot import Snapshot
from graphkit.tables import TABLES

LEAST_PART = 0.1
"""Share of the whole that a part must be for its coming or going to be a merge or a split."""
TURNS = ("birth", "merge", "split", "death", "resurrection")
"""Events that ``history`` keeps; how a cluster's size changes is told from one snapshot to the next."""

_NOT_FEW = 5
"""Accounts of an ended cluster that make a new one of mostly others the same again."""
_MEMBERS = ["account_id", "cluster_id", "tier"]


@dataclass(frozen=True)
class Past:
    """What a snapshot knows of clusters; empty where there is no snapshot."""

    day: date | None
    living: pd.DataFrame
    """Members of the clusters that are there, and of those that bad data hides: account_id, cluster_id, tier, weight,
    last_day."""
    former: pd.DataFrame
    """Members of the clusters that have ended: the same, and state."""
    held: frozenset[str]
    """Clusters that bad data hides."""
    entities: pd.DataFrame
    """Rows of the table ``former_entities``."""
    history: pd.DataFrame
    """Rows of the table ``history``."""


@dataclass(frozen=True)
class Trace:
    """What became of the clusters of the past, and where the new ones come from."""

    same: dict[str, str]
    """The cluster before, by the one after that continues it."""
    joined: dict[str, str]
    """The cluster after that took one in, by the one before."""
    came_from: dict[str, str]
    """The cluster before that held half of a new one or more, by the new one."""
    returned: dict[str, tuple[str, str]]
    """The ended cluster that a new one is again, and what tells so (accounts or entities), by the new one."""
    ended: tuple[str, ...]
    """Clusters before that nothing continues or took in, nor comes back at once."""
    pairs: pd.DataFrame
    """Clusters before and after with accounts in common, as ``overlap_clusters`` gives them."""


def keep_identity(
    tables: Mapping[str, pa.Table],
    parent: Snapshot | None,
    *,
    as_of: date,
    config: Config,
    n_population: int,
) -> tuple[dict[str, pa.Table], list[dict[str, str]]]:
    """Give clusters the ids that they have had, and tell what became of them.

    Parameters
    ----------
    tables
        The tables of a new snapshot, its clusters named after their members.
    parent
        The snapshot before it; None where it is the first.
    as_of
        Last day of the new snapshot.
    n_population
        Its accounts.

    Returns
    -------
    The tables under the lasting ids, with ``lineage``, ``history``, ``former_accounts`` and ``former_entities``; and
    the faults of the data, as ``find_faults`` gives them: where there is one, deaths are held back.
    """
    faults = find_faults(tables, parent, as_of=as_of, config=config)
    past = read_past(parent)
    members = weigh_members(tables["accounts"].select(_MEMBERS))
    trace = trace_clusters(past, members, tables, parent=parent, config=config, n=n_population)
    names = _name_clusters(trace, members, past)
    renamed = {name: _rename(table, names) for name, table in tables.items()}
    members = members.assign(cluster_id=members["cluster_id"].map(names))
    before = pd.concat([past.living, past.former]) if len(past.former) else past.living
    lineage = tell_events(_under_names(trace, names), members, before, least_change=config.lineage.least_change)
    if faults:
        lineage = lineage[lineage["event"] != "death"]
    lineage = lineage.sort_values(["cluster_id", "event"], ignore_index=True)
    former, entities = _remember(trace, past, parent, as_of=as_of, config=config, faulty=bool(faults))
    history = _add_history(past, lineage, as_of=as_of, alive=set(names.values()) | set(former["cluster_id"]))
    made = {"lineage": lineage, "history": history, "former_accounts": former, "former_entities": entities}
    return renamed | {name: TABLES[name].from_frame(frame) for name, frame in made.items()}, faults


def read_past(parent: Snapshot | None) -> Past:
    """Read what a snapshot knows of clusters."""
    frames = {
        name: (TABLES[name].schema().empty_table() if parent is None else parent.table(name)).to_pandas()
        for name in ("former_entities", "history")
    }
    accounts, kept = TABLES["accounts"].schema().empty_table(), TABLES["former_accounts"].schema().empty_table()
    if parent is not None:
        accounts, kept = parent.table("accounts", columns=_MEMBERS), parent.table("former_accounts")
    former = weigh_members(kept)
    hidden = former["state"] == "held"
    day = None if parent is None else parent.as_of
    living = weigh_members(accounts.select(_MEMBERS)).assign(last_day=day)
    return Past(
        day,
        pd.concat([living, former[hidden][living.columns]], ignore_index=True) if hidden.any() else living,
        former[~hidden],
        frozenset(former.loc[hidden, "cluster_id"]),
        frames["former_entities"],
        frames["history"],
    )


def trace_clusters(
    past: Past,
    members: pd.DataFrame,
    tables: Mapping[str, pa.Table],
    *,
    parent: Snapshot | None,
    config: Config,
    n: int,
) -> Trace:
    """Follow clusters from a past to the clusters that now have these members, by accounts first, then by entities."""
    same, joined, came_from, pairs = follow_accounts(past.living, members, known={})
    gone = sorted(set(past.living["cluster_id"]) - set(same.values()) - set(joined))
    new = members[~members["cluster_id"].isin(list(same))]
    returns = keep_contained(overlap_clusters(past.former, new))
    returns = returns[(returns["share_after"] >= HALF) | (returns["n_shared"] >= _NOT_FEW)]
    again = match_one_to_one(returns)
    returned = {after: (before, "accounts") for before, after in again.items()}
    left = new[~new["cluster_id"].isin([*returned, *came_from])]
    before = _recall_entities(past, parent, gone, without=set(again))
    if len(left) and len(before):
        present = own_entities(tables["evidence"], pd.Index(left["cluster_id"].unique()))
        linked = link_by_entities(before, present, members=left, links=tables["links"], config=config, n=n)
        returned |= {after: (old, "entities") for old, after in match_one_to_one(linked).items()}
    back = {old for old, _ in returned.values()}
    return Trace(
        same=same,
        joined=joined,
        came_from=came_from,
        returned=returned,
        ended=tuple(name for name in gone if name not in back),
        pairs=pairs,
    )


def follow_accounts(
    before: pd.DataFrame, after: pd.DataFrame, *, known: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, str], dict[str, str], pd.DataFrame]:
    """Follow clusters by their accounts alone.

    Parameters
    ----------
    before, after
        Members: account_id, cluster_id, weight.
    known
        Clusters before by clusters after, where it is known that they are the same.

    Returns
    -------
    ``same``, ``joined``, ``came_from`` and ``pairs`` of a ``Trace``.
    """
    pairs = overlap_clusters(before, after)
    settled = pairs["before"].isin(list(known.values())) | pairs["after"].isin(list(known))
    matched = match_one_to_one(keep_contained(pairs[~settled]))
    same = {**known} | {new: old for old, new in matched.items()}
    joined = _follow_most(pairs[~pairs["before"].isin(list(same.values()))], "before", "after")
    came_from = _follow_most(pairs[~pairs["after"].isin(list(same))], "after", "before")
    return same, joined, came_from, pairs


def _follow_most(pairs: pd.DataFrame, one: str, other: str) -> dict[str, str]:
    """By each cluster of one side that of the other which has most of it, if that is half or more."""
    share = f"share_{one}"
    most = pairs[pairs[share] >= HALF].sort_values([one, share, other], ascending=[True, False, True])
    most = most.drop_duplicates(one)
    return dict(zip(most[one], most[other], strict=True))


def _recall_entities(past: Past, parent: Snapshot | None, gone: list[str], *, without: set[str]) -> pd.DataFrame:
    """Entities of the clusters that have ended or are not found now: cluster_id, kind, entity, n_accounts."""
    kept = past.entities[~past.entities["cluster_id"].isin(list(without))]
    if parent is None or not gone:
        return kept
    fresh = own_entities(parent.table("evidence"), pd.Index(gone))
    return pd.concat([kept, fresh[kept.columns]], ignore_index=True) if len(kept) else fresh[kept.columns]


def _name_clusters(trace: Trace, members: pd.DataFrame, past: Past) -> dict[str, str]:
    """The lasting id of each cluster, by the id that was made from its members."""
    names = dict(trace.same) | {after: before for after, (before, _) in trace.returned.items()}
    taken = {*past.living["cluster_id"], *past.former["cluster_id"], *past.history["cluster_id"]}
    for name, accounts in members.groupby("cluster_id", sort=True)["account_id"]:
        if name not in names:
            free = str(name) if name not in taken else make_id(sorted(accounts), taken=taken)
            names[str(name)] = free
            taken.add(free)
    return names


def _rename(table: pa.Table, names: Mapping[str, str]) -> pa.Table:
    """A table with other cluster ids; what it says of no cluster stays."""
    if "cluster_id" not in table.column_names:
        return table
    place = pc.index_in(table["cluster_id"], value_set=pa.array(list(names), pa.string()))
    renamed = pa.array(list(names.values()), pa.string()).take(place.combine_chunks())
    return table.set_column(table.column_names.index("cluster_id"), "cluster_id", renamed)


def _under_names(trace: Trace, names: Mapping[str, str]) -> Trace:
    """The same trace with the lasting ids for the clusters after."""
    return Trace(
        same={names[after]: before for after, before in trace.same.items()},
        joined={before: names[after] for before, after in trace.joined.items()},
        came_from={names[after]: before for after, before in trace.came_from.items()},
        returned={names[after]: told for after, told in trace.returned.items()},
        ended=trace.ended,
        pairs=trace.pairs.assign(after=trace.pairs["after"].map(names)),
    )


def tell_events(trace: Trace, members: pd.DataFrame, earlier: pd.DataFrame, *, least_change: float) -> pd.DataFrame:
    """Tell what a trace means for each cluster.

    Parameters
    ----------
    members, earlier
        Members of the clusters after and before, ended ones that came back included: account_id, cluster_id.
    least_change
        Share of its accounts by which a cluster grows or contracts.

    Returns
    -------
    Rows of the table ``lineage``.
    """
    size, before = (frame.groupby("cluster_id").size().to_dict() for frame in (members, earlier))
    pair_rows = trace.pairs.set_index(["before", "after"])[["n_shared", "share_before", "share_after"]]
    overlap: dict[Any, Any] = pair_rows.to_dict("index")
    was = _collect_accounts(earlier, {old for old, _ in trace.returned.values()})
    now = _collect_accounts(members, set(trace.returned))

    def count(name: str, sources: list[str]) -> tuple[int, int, int]:
        """Accounts kept, gained and lost by a cluster that comes from others that were there before."""
        kept = sum(overlap.get((source, name), {"n_shared": 0})["n_shared"] for source in sources)
        return kept, size[name] - kept, sum(before[source] for source in sources) - kept

    rows: list[Any] = []
    merged: dict[str, list[str]] = {}
    for old, name in sorted(trace.joined.items()):
        if overlap[old, name]["share_after"] >= LEAST_PART:
            merged.setdefault(name, []).append(old)
        else:
            rows.append((old, "death", [old], 0, 0, before[old], f"joined {name}"))
    for name, old in sorted(trace.same.items()):
        kept, gained, lost = count(name, [old])
        change = (gained - lost) / before[old]
        event = "growth" if change >= least_change else "contraction" if change <= -least_change else "continuation"
        rows.append((name, event if gained != lost else "continuation", [old], kept, gained, lost, None))
        if name in merged:
            sources = sorted([old, *merged[name]])
            rows.append((name, "merge", sources, *count(name, sources), None))
    for name in sorted(members.loc[~members["cluster_id"].isin(list(trace.same)), "cluster_id"].unique()):
        source = trace.came_from.get(name)
        if source is not None and overlap[source, name]["share_before"] >= LEAST_PART:
            rows.append((name, "split", [source], *count(name, [source]), None))
        elif name in trace.returned:
            old, by = trace.returned[name]
            kept = len(was[old] & now[name])
            rows.append((name, "resurrection", [old], kept, size[name] - kept, len(was[old]) - kept, by))
        else:
            sources = [] if source is None else [source]
            reason = None if source is None else f"a small part of {source}"
            rows.append((name, "birth", sources, *count(name, sources), reason))
    rows += [(old, "death", [old], 0, 0, before[old], None) for old in trace.ended]
    return pd.DataFrame(rows, columns=TABLES["lineage"].schema().names)


def _collect_accounts(members: pd.DataFrame, wanted: set[str]) -> dict[str, set[str]]:
    """The accounts of each of the clusters that are wanted."""
    chosen = members[members["cluster_id"].isin(list(wanted))]
    return {str(name): set(accounts) for name, accounts in chosen.groupby("cluster_id")["account_id"]}


def _remember(
    trace: Trace, past: Past, parent: Snapshot | None, *, as_of: date, config: Config, faulty: bool
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of ``former_accounts`` and ``former_entities``: what has ended, as long as it is to be known again."""
    back = {old for old, _ in trace.returned.values()}
    states = dict.fromkeys(trace.joined, "joined") | dict.fromkeys(trace.ended, "held" if faulty else "dead")
    everyone = pd.concat([past.living.assign(state=None), past.former]) if len(past.former) else past.living
    last_days = everyone.groupby("cluster_id")["last_day"].max().to_dict()
    states |= dict(zip(past.former["cluster_id"], past.former["state"], strict=True))
    oldest = as_of - timedelta(days=config.lineage.remember_days)
    states = {name: state for name, state in states.items() if name not in back and last_days[name] >= oldest}
    former = remember(everyone, states, last_days)
    kept = past.entities[past.entities["cluster_id"].isin(list(states))]
    ended = [name for name in (*trace.joined, *trace.ended) if name in states and name not in past.held]
    if parent is not None and ended:
        fresh = own_entities(parent.table("evidence"), pd.Index(ended))[kept.columns]
        kept = pd.concat([kept, fresh], ignore_index=True) if len(kept) else fresh
    return former, kept


def _add_history(past: Past, lineage: pd.DataFrame, *, as_of: date, alive: set[str]) -> pd.DataFrame:
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
    return told[told["cluster_id"].isin(list(wanted))]
