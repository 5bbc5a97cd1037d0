"""What an explorer looks up: clusters that pass filters, by what is searched; nothing of it draws."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow.compute as pc

from graphkit.snapshot import Snapshot, rank_clusters

_RANKED_BY = ["cluster_id", "n_accounts", "score", "verdict", "verdict_basis"]
MOST_ROWS = 200
"""Clusters and members that are listed."""


@dataclass(frozen=True)
class Catalog:
    """The clusters of a snapshot, and which kinds of link bind each."""

    clusters: pd.DataFrame
    """The table ``clusters`` in the order of rank, by its id."""
    kinds: dict[str, frozenset[str]]
    """Clusters in which accounts share an entity that links, by its kind."""


def make_catalog(snapshot: Snapshot) -> Catalog:
    """Gather what filters need."""
    clusters = list_ranked(snapshot)
    evidence = snapshot.table("evidence", columns=["cluster_id", "kind", "enrichment"])
    linking = evidence.filter(pc.field("enrichment").is_null()).select(["cluster_id", "kind"]).to_pandas()
    by_kind = linking.drop_duplicates().groupby("kind", sort=True)["cluster_id"]
    return Catalog(clusters, {str(kind): frozenset(ids) for kind, ids in by_kind})


def list_ranked(snapshot: Snapshot) -> pd.DataFrame:
    """The table ``clusters`` in the order of rank: by score, those found benign last."""
    table = snapshot.table("clusters")
    places = {row["cluster_id"]: place for place, row in enumerate(rank_clusters(table.select(_RANKED_BY).to_pylist()))}
    frame: pd.DataFrame = table.to_pandas()
    return frame.iloc[frame["cluster_id"].map(places).argsort()].reset_index(drop=True)


def filter_clusters(snapshot: Snapshot, catalog: Catalog, filters: Mapping[str, Any]) -> pd.DataFrame:
    """Rows of the clusters that pass, in the order of rank.

    Parameters
    ----------
    filters
        text (begins a cluster's or an account's id, or is in a shared entity), score and size (at least), kind (that
        binds them), verdict ("none": not reviewed), since (last seen on that day or later); what is empty passes all.
    """
    rows = catalog.clusters
    if filters.get("score"):
        rows = rows[rows["score"] >= float(filters["score"])]
    if filters.get("size"):
        rows = rows[rows["n_accounts"] >= float(filters["size"])]
    if filters.get("kind"):
        rows = rows[rows["cluster_id"].isin(catalog.kinds.get(str(filters["kind"]), frozenset()))]
    if verdict := filters.get("verdict"):
        rows = rows[rows["verdict"].isna() if verdict == "none" else rows["verdict"] == verdict]
    if since := filters.get("since"):
        rows = rows[rows["last_seen"].dt.strftime("%Y-%m-%d") >= str(since)]
    if text := str(filters.get("text") or "").strip():
        rows = rows[rows["cluster_id"].isin(_search(snapshot, text))]
    return rows


def find_account(snapshot: Snapshot, account_id: str) -> str | None:
    """The cluster of an account by its whole id; None if there is no such account in any."""
    accounts = snapshot.table("accounts", columns=["account_id", "cluster_id"])
    found = accounts.filter(pc.field("account_id") == account_id)["cluster_id"].to_pylist()
    return found[0] if found else None


def list_members(snapshot: Snapshot) -> pd.DataFrame:
    """Members of a snapshot that is narrowed to one cluster, core and strongest first."""
    columns = ["account_id", "tier", "strength", "n_events"]
    members: pd.DataFrame = snapshot.table("accounts", columns=columns).to_pandas()
    tier = members["tier"].map({"core": 0, "likely": 1}).fillna(2)
    ordered = members.assign(order=tier).sort_values(["order", "strength", "account_id"], ascending=[True, False, True])
    return ordered.drop(columns="order").head(MOST_ROWS)


def _search(snapshot: Snapshot, text: str) -> set[str]:
    """Clusters whose id, an account's id or a shared entity has the text."""
    clusters = snapshot.table("clusters", columns=["cluster_id"])["cluster_id"]
    accounts = snapshot.table("accounts", columns=["account_id", "cluster_id"])
    evidence = snapshot.table("evidence", columns=["cluster_id", "entity"])
    found = clusters.filter(pc.starts_with(clusters, text, ignore_case=True)).to_pylist()
    found += accounts.filter(pc.starts_with(accounts["account_id"], text))["cluster_id"].unique().to_pylist()
    found += evidence.filter(pc.match_substring(evidence["entity"], text))["cluster_id"].unique().to_pylist()
    return set(found)
