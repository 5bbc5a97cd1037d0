"""Lineage: which cluster of the parent snapshot a cluster is, and what became of each.

The events are those of the community evolution literature (Palla, Barabasi and Vicsek 2007; Greene, Doyle and
Cunningham 2010), the matching is by containment, one to one. All that is known of the past comes from the parent
snapshot, which carries its own past along: how many snapshots lie between, or whether older ones are still in the
store, makes no difference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from graphkit.config import Config
from graphkit.detect.faults import find_faults
from graphkit.detect.former import select_texts
from graphkit.detect.matching import is_named, weigh_members
from graphkit.detect.members import make_id
from graphkit.detect.past import MEMBERS, Past, read_past
from graphkit.detect.remembering import add_history, remember_ended
from graphkit.detect.tracing import Trace, trace_clusters
from graphkit.naming import name_places
from graphkit.snapshot import Snapshot
from graphkit.tables import TABLES

LEAST_PART = 0.1
"""Share of the whole that a part must be for its coming or going to be a merge or a split."""


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
    members = weigh_members(select_texts(tables["accounts"], MEMBERS))
    trace = trace_clusters(past, members, tables, parent=parent, config=config, n=n_population)
    names = _name_clusters(trace, members, past)
    renamed = {name: _rename(table, names) for name, table in tables.items()}
    members = members.assign(cluster_id=members["cluster_id"].map(names))
    before = pd.concat([past.living, past.former]) if len(past.former) else past.living
    lineage = tell_events(_under_names(trace, names), members, before, least_change=config.lineage.least_change)
    hidden = _find_hidden(trace, past, members) if faults else frozenset[str]()
    lineage = lineage[(lineage["event"] != "death") | ~is_named(lineage["cluster_id"], hidden)]
    former, entities = remember_ended(trace, past, parent, as_of=as_of, config=config, hidden=hidden)
    history = add_history(past, lineage, as_of=as_of, alive=set(names.values()) | set(former["cluster_id"]))
    made = {"lineage": lineage, "history": history, "former_accounts": former, "former_entities": entities}
    return renamed | {name: TABLES[name].from_frame(frame) for name, frame in made.items()}, faults


def _find_hidden(trace: Trace, past: Past, members: pd.DataFrame) -> frozenset[str]:
    """Clusters that are not found, and some of whose accounts are not found either."""
    ended = past.living[is_named(past.living["cluster_id"], trace.ended)]
    return frozenset(ended.loc[~ended["account_id"].isin(members["account_id"]), "cluster_id"])


def _name_clusters(trace: Trace, members: pd.DataFrame, past: Past) -> dict[str, str]:
    """The lasting id of each cluster, by the id that was made from its members."""
    names = dict(trace.same) | {after: before for after, (before, _) in trace.returned.items()}
    taken = {name for each in (past.living, past.former, past.history) for name in each["cluster_id"].unique()}
    fresh = members[~is_named(members["cluster_id"], names)]
    for name, accounts in fresh.groupby("cluster_id", sort=True)["account_id"]:
        names[str(name)] = str(name) if name not in taken else make_id(sorted(accounts), taken=taken)
        taken.add(names[str(name)])
    return names


def _rename(table: pa.Table, names: Mapping[str, str]) -> pa.Table:
    """A table with other cluster ids; what it says of no cluster stays."""
    if "cluster_id" not in table.column_names:
        return table
    column = table["cluster_id"]
    ids = pc.dictionary_encode(column).combine_chunks()
    place = pc.index_in(ids.dictionary, value_set=pa.array(names, pa.string()))
    renamed = name_places(ids.indices, pa.array(names.values(), pa.string()).take(place))
    return table.set_column(table.column_names.index("cluster_id"), "cluster_id", renamed.cast(column.type))


def _under_names(trace: Trace, names: Mapping[str, str]) -> Trace:
    """The same trace with the lasting ids for the clusters after."""
    return replace(
        trace,
        same={names[after]: before for after, before in trace.same.items()},
        joined={before: names[after] for before, after in trace.joined.items()},
        came_from={names[after]: before for after, before in trace.came_from.items()},
        returned={names[after]: told for after, told in trace.returned.items()},
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
    overlap = {(pair["before"], pair["after"]): pair for pair in trace.pairs.to_dict("records")}

    def count(name: str, sources: list[str]) -> tuple[int, int, int]:
        """Accounts kept, gained and lost by a cluster that comes from others."""
        kept = sum(overlap.get((source, name), {"n_shared": 0})["n_shared"] for source in sources)
        return kept, size[name] - kept, sum(before[source] for source in sources) - kept

    rows: list[Any] = [(old, "death", [old], 0, 0, before[old], None) for old in trace.ended]
    merged: dict[str, list[str]] = {}
    for old, name in sorted(trace.joined.items()):
        if overlap[old, name]["share_after"] >= LEAST_PART:
            merged.setdefault(name, []).append(old)
        else:
            rows.append((old, "death", [old], 0, 0, before[old], f"joined {name}"))
    for name, old in trace.same.items():
        counts = count(name, [old])
        rows.append((name, _tell_growth(counts, before[old], least_change), [old], *counts, None))
    for name, others in merged.items():
        sources = sorted([trace.same[name], *others])
        rows.append((name, "merge", sources, *count(name, sources), None))
    for name in sorted({*map(str, size)} - {*trace.same}):
        event, sources, reason = _tell_origin(name, trace, overlap)
        rows.append((name, event, sources, *count(name, sources), reason))
    return pd.DataFrame(rows, columns=TABLES["lineage"].schema().names).sort_values(
        ["cluster_id", "event"], ignore_index=True
    )


def _tell_growth(counts: tuple[int, int, int], before: int, least_change: float) -> str:
    """The event of a cluster that goes on."""
    _, gained, lost = counts
    if gained == lost or abs(gained - lost) < least_change * before:
        return "continuation"
    return "growth" if gained > lost else "contraction"


def _tell_origin(name: str, trace: Trace, overlap: Mapping[Any, Any]) -> tuple[str, list[str], str | None]:
    """The event of a new cluster, what it comes from, and why so."""
    source = trace.came_from.get(name)
    if source is not None and overlap[source, name]["share_before"] >= LEAST_PART:
        return "split", [source], None
    if name in trace.returned:
        old, by = trace.returned[name]
        return "resurrection", [old], by
    return ("birth", [], None) if source is None else ("birth", [source], f"a small part of {source}")
