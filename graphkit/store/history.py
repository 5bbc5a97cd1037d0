"""The life of a cluster, from all that a store still knows of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from graphkit.detect.past import TURNS, rows_about
from graphkit.errors import UsageError
from graphkit.frames import mark_frame
from graphkit.snapshot import Snapshot
from graphkit.store.store import Store, open_store

_COLUMNS = ["day", "event", "cluster_id", "previous_ids", "n_accounts", "n_kept", "n_gained", "n_lost", "score",
            "reason", "snapshot_id"]  # fmt: skip


def cluster_history(store: Store | str | Path, cluster_id: str) -> pd.DataFrame:
    """Tell the life of a cluster: its own events, and those of clusters that took it in or came from it.

    Read from the newest snapshot and the ones before it. Of snapshots that were pruned the turns are left (birth,
    merge, split, death, resurrection), without what was gained and lost.

    Returns
    -------
    A row is an event, oldest first: day (as-of), event, cluster_id, previous_ids, n_accounts, n_kept, n_gained, n_lost,
    score (that day; null where the cluster is not there), reason, snapshot_id (null where it was pruned).

    Raises
    ------
    UsageError
        If the store knows no such cluster.
    """
    opened = store if isinstance(store, Store) else open_store(store)
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for snapshot in _walk_back(opened):
        for row in _read_events(snapshot, cluster_id):
            rows[row["day"], row["cluster_id"], row["event"]] = row
        for row in rows_about(snapshot.table("history"), cluster_id):
            rows.setdefault((row["day"], row["cluster_id"], row["event"]), row)
    if not rows:
        raise UsageError(f"{opened.path}: no cluster {cluster_id!r} is known; `graphkit list` lists the snapshots")
    places = {event: place for place, event in enumerate(TURNS)}
    ordered = sorted(rows.values(), key=lambda row: (row["day"], places.get(row["event"], 0), row["cluster_id"]))
    frame = pd.DataFrame(ordered, columns=_COLUMNS)
    counts = ["n_accounts", "n_kept", "n_gained", "n_lost"]
    typed = frame.astype(dict.fromkeys(counts, "Int64") | {"score": "float64"})
    return mark_frame(typed, "cluster_history")


def _walk_back(store: Store) -> Iterator[Snapshot]:
    """The newest snapshot, its parent, and so on; past one that was pruned, the newest before it."""
    snapshot: Snapshot | None = store.latest()
    while snapshot is not None:
        yield snapshot
        parent = snapshot.content.get("parent")
        if parent is None:
            return
        snapshot = store.load(parent) if store.holds(parent) else store.parent_of(snapshot.as_of)


def _read_events(snapshot: Snapshot, cluster_id: str) -> Iterator[dict[str, Any]]:
    """The events of a snapshot that concern a cluster."""
    told = rows_about(snapshot.table("lineage"), cluster_id)
    if not told:
        return
    clusters = snapshot.table("clusters", columns=["cluster_id", "score", "n_accounts"]).to_pylist()
    known = {row["cluster_id"]: row for row in clusters}
    for row in told:
        now = known.get(row["cluster_id"], {"score": None, "n_accounts": row["n_lost"]})
        yield row | {
            "day": snapshot.as_of,
            "n_accounts": now["n_accounts"],
            "score": now["score"],
            "snapshot_id": snapshot.id,
        }
