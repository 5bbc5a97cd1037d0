"""The past that a snapshot carries: the clusters that it holds, those that have ended, and their histories."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from graphkit.detect.matching import weigh_members
from graphkit.snapshot import Snapshot
from graphkit.tables import TABLES

TURNS = ("birth", "merge", "split", "death", "resurrection")
"""Events that ``history`` keeps; how a cluster's size changes is told from one snapshot to the next."""

MEMBERS = ["account_id", "cluster_id", "tier"]
"""Columns of ``accounts`` that lineage reads."""


@dataclass(frozen=True)
class Past:
    """What a snapshot knows of clusters; empty where there is no snapshot."""

    day: date | None
    living: pd.DataFrame
    """Members of the clusters that are there, and of those that bad data hides the accounts that are in no other:
    account_id, cluster_id, tier, weight, last_day."""
    former: pd.DataFrame
    """Members of the clusters that have ended: the same, and state."""
    held: frozenset[str]
    """Clusters that bad data hides."""
    entities: pd.DataFrame
    """Rows of the table ``former_entities``."""
    history: pd.DataFrame
    """Rows of the table ``history``."""


def read_past(parent: Snapshot | None) -> Past:
    """Read what a snapshot knows of clusters."""
    frames = {
        name: (TABLES[name].schema().empty_table() if parent is None else parent.table(name)).to_pandas()
        for name in ("former_entities", "history")
    }
    accounts, kept = TABLES["accounts"].schema().empty_table(), TABLES["former_accounts"].schema().empty_table()
    if parent is not None:
        accounts, kept = parent.table("accounts", columns=MEMBERS), parent.table("former_accounts")
    former = weigh_members(kept)
    held = former["state"] == "held"
    day = None if parent is None else parent.as_of
    living = weigh_members(accounts.select(MEMBERS)).assign(last_day=day)
    found = living["account_id"][living["account_id"].isin(former.loc[held, "account_id"])]
    hidden = former.loc[held & ~former["account_id"].isin(found), living.columns]
    return Past(
        day,
        pd.concat([living, hidden], ignore_index=True) if len(hidden) else living,
        former[~held],
        frozenset(former.loc[held, "cluster_id"]),
        frames["former_entities"],
        frames["history"],
    )


def rows_about(table: pa.Table, cluster_id: str) -> list[dict[str, Any]]:
    """Rows of ``lineage`` or ``history`` of a cluster, and of those that come from it."""
    previous = table["previous_ids"].combine_chunks()
    of_it = pc.list_parent_indices(previous).filter(pc.equal(pc.list_flatten(previous), cluster_id))
    its = pc.indices_nonzero(pc.equal(table["cluster_id"], cluster_id))
    places = sorted({*its.to_pylist(), *of_it.to_pylist()})
    rows: list[dict[str, Any]] = table.take(pa.array(places, pa.int64())).to_pylist()
    return rows
