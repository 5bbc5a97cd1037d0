"""The life of a cluster as its snapshot knows it, and the verdict on it, in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import pyarrow.compute as pc

from graphkit.detect.explanation import records_of
from graphkit.detect.past import TURNS, rows_about
from graphkit.snapshot import Snapshot
from graphkit.wording import percent, plural

_COLUMNS = ["day", "event", "cluster_id", "previous_ids", "n_accounts", "reason"]
_TOLD = 10
"""Turns that are told in sentences: the first, and the last ones."""


def list_turns(snapshot: Snapshot, cluster_id: str) -> pd.DataFrame:
    """Rows of the table ``history`` about a cluster and those that came from it, oldest first.

    Returns
    -------
    A row is a turn: day, event, cluster_id, previous_ids, n_accounts (after it; of a death: before), reason.
    """
    rows = rows_about(snapshot.table("history"), cluster_id)
    order = {event: place for place, event in enumerate(TURNS)}
    rows.sort(key=lambda row: (row["day"], order.get(row["event"], len(order)), row["cluster_id"]))
    return pd.DataFrame(rows, columns=_COLUMNS)


def tell_life(snapshot: Snapshot, cluster: Mapping[str, Any]) -> tuple[str, ...]:
    """Tell the life of a cluster, given by its row, and the verdict on it; names no account and no entity."""
    verdict = tell_standing(cluster)
    if not verdict and snapshot.judge is not None:
        verdict = "Nobody has given a verdict on it."
    return (*tell_turns(snapshot, cluster["cluster_id"]), *([verdict] if verdict else []))


def tell_turns(snapshot: Snapshot, cluster_id: str) -> tuple[str, ...]:
    """Tell what became of a cluster over snapshots."""
    told = [_tell_turn(row, cluster_id) for row in records_of(list_turns(snapshot, cluster_id))]
    if len(told) > _TOLD:
        told = [told[0], f"{len(told) - _TOLD:,} turns later:", *told[1 - _TOLD :]]
    since = _tell_since(snapshot, cluster_id)
    return (*told, *([since] if since else []))


def _tell_turn(row: Mapping[Any, Any], name: str) -> str:
    """A turn in the life of a cluster, or of one that came from it."""
    day, size = f"{row['day']:%Y-%m-%d}", plural(int(row["n_accounts"]), "account")
    others = [each for each in row["previous_ids"] if each != row["cluster_id"]]
    if row["cluster_id"] != name:
        return _tell_other(row, day, size)
    match row["event"]:
        case "birth":
            origin = f", {row['reason']}" if row["reason"] else ""
            return f"First found as of {day}, with {size}{origin}."
        case "split":
            return f"Stands by itself as of {day}, with {size}: split off {_name_all(others)}."
        case "merge":
            return f"Merged with {_name_all(others)} as of {day}: {size} then."
        case "death":
            where = f": {row['reason']}" if row["reason"] else ""
            return f"Was not found any more as of {day}; it had {size}{where}."
        case _:
            known = f", known by its {row['reason']}" if row["reason"] else ""
            return f"Came back as of {day}, with {size}{known}."


def _tell_other(row: Mapping[Any, Any], day: str, size: str) -> str:
    """A turn in which a cluster had a part, told of the other."""
    other = row["cluster_id"]
    match row["event"]:
        case "split":
            return f"{other} split off as of {day}, with {size}."
        case "merge":
            return f"Went into {other} as of {day}: {size} then."
        case event:
            return f"A part of it was found as {other} as of {day} ({event}, {size})."


def _name_all(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names) or "another cluster"


def _tell_since(snapshot: Snapshot, name: str) -> str:
    """How its accounts changed since the parent snapshot, where it was there."""
    parent = snapshot.content.get("parent")
    if parent is None:
        return "Nothing is known of before: this is the first snapshot of its store, or it is of none."
    day = f"{parent[:4]}-{parent[4:6]}-{parent[6:8]}"
    sizes = ("growth", "contraction", "continuation")
    rows = snapshot.table("lineage").filter(pc.field("cluster_id") == name).to_pylist()
    for row in rows:
        if row["event"] in sizes:
            kept, gained, lost = (row[f"n_{what}"] for what in ("kept", "gained", "lost"))
            verb = {"growth": "grew", "contraction": "shrank"}.get(row["event"], "went on")
            return f"Since {day} it {verb}: {kept:,} accounts stayed, {gained:,} came, {lost:,} left."
    return ""


def tell_standing(cluster: Mapping[str, Any]) -> str:
    """The verdict that holds, on what it rests, and whether it is to be renewed; empty without a verdict."""
    verdict, covers = cluster["verdict"], cluster["verdict_covers"]
    if not verdict:
        return ""
    share = "" if covers is None else f"{percent(covers)} of its accounts were in the cluster that was reviewed"
    match cluster["verdict_basis"]:
        case "inherited":
            detail = f"; {share}" if share else ""
            return (
                f"Verdict: {verdict}, inherited from a cluster that it comes from{detail}. It is to be renewed: "
                "nobody has reviewed this one."
            )
        case "outgrown":
            return f"Verdict: {verdict}, outgrown: only {share}. It is to be renewed."
        case _:
            return f"Verdict: {verdict}, by a review of its own{f': {share}' if share else ''}."
