"""Measures of a clustering against the truth."""

from __future__ import annotations

from typing import Any

import pandas as pd

from graphkit.errors import UsageError

SOLITARY = "ordinary"
"""Group of the innocents who belong to no look-alike group; a truth without a group means the same."""


def evaluate_clusters(assigned: pd.DataFrame, truth: pd.DataFrame, *, min_size: int = 3) -> dict[str, Any]:
    """Compare clusters with the truth in a few figures.

    A cluster is *mostly farm* if more than half of its accounts are in farms, whichever.

    Parameters
    ----------
    assigned
        A row is an account in a cluster: account_id, cluster_id; accounts in none are left out or have a null.
    truth
        A row is an account: account_id, farm (null: innocent), group, and optionally style.
    min_size
        Accounts in the smallest cluster that counts; smaller ones are no clusters.

    Returns
    -------
    Shares are from 0 to 1, and None where there is nothing to take a share of:

    - n_accounts, n_farm_accounts, n_farms, n_clusters
    - recall: share of the farm accounts that are in clusters that are mostly farm
    - purity: share of farm accounts among the accounts in those clusters
    - farms_found: farms of which 80 % or more are in mostly-farm clusters that together are 80 % or more it
    - farms_whole: farms of which 80 % or more are in one cluster that is 80 % or more it
    - solitary_clustered: share of the innocents in no look-alike group who are in a cluster
    - innocents_clustered: share of all innocents who are in a cluster

    Raises
    ------
    UsageError
        If columns are missing, an account stands twice, or an assigned account is not in the truth.
    """
    known, cluster = _align(assigned, truth, min_size=min_size)
    innocent = known["farm"].isna()
    mostly_farm = cluster.isin(_mostly_farm(known, cluster))
    solitary = innocent & (known["group"].isna() | (known["group"] == SOLITARY))
    farms = _judge(known, cluster)
    return {
        "n_accounts": len(known),
        "n_farm_accounts": int((~innocent).sum()),
        "n_farms": len(farms),
        "n_clusters": int(cluster.nunique()),
        "recall": _share(mostly_farm[~innocent]),
        "purity": _share(~innocent[mostly_farm]),
        "farms_found": int(farms["found"].sum()),
        "farms_whole": int(farms["whole"].sum()),
        "solitary_clustered": _share(cluster[solitary].notna()),
        "innocents_clustered": _share(cluster[innocent].notna()),
    }


def judge_farms(assigned: pd.DataFrame, truth: pd.DataFrame, *, min_size: int = 3) -> pd.DataFrame:
    """Say of each farm how well the clusters hold it; parameters and errors as in ``evaluate_clusters``.

    Returns
    -------
    A row is a farm, largest first: farm, style, n_accounts, clustered (share of it in a cluster), best_cluster
    (the one with most of it, null if none), best_share (share of the farm in it), best_purity (share of the farm
    among its accounts), found, whole.
    """
    return _judge(*_align(assigned, truth, min_size=min_size))


def _align(assigned: pd.DataFrame, truth: pd.DataFrame, *, min_size: int) -> tuple[pd.DataFrame, pd.Series[Any]]:
    """The truth by account, and the cluster of each of its accounts (null: none)."""
    _check(assigned, truth)
    known = truth.set_index("account_id")
    clusters = assigned.dropna(subset=["cluster_id"]).set_index("account_id")["cluster_id"].astype(object)
    return known, clusters[clusters.map(clusters.value_counts()) >= min_size].reindex(known.index)


def _mostly_farm(known: pd.DataFrame, cluster: pd.Series[Any]) -> list[object]:
    farm_share = known["farm"].notna().groupby(cluster).mean()
    return list(farm_share.index[farm_share > 0.5])


def _share(flags: pd.Series[bool]) -> float | None:
    return float(flags.mean()) if len(flags) else None


def _check(assigned: pd.DataFrame, truth: pd.DataFrame) -> None:
    faults = []
    for name, frame, needed in (
        ("assigned", assigned, ("account_id", "cluster_id")),
        ("truth", truth, ("account_id", "farm", "group")),
    ):
        missing = [column for column in needed if column not in frame]
        if missing:
            faults.append(f"{name} has no column {', '.join(missing)}")
        elif frame["account_id"].duplicated().any():
            faults.append(f"{name} names {frame.loc[frame['account_id'].duplicated(), 'account_id'].iloc[0]!r} twice")
    if not faults:
        strange = assigned.loc[~assigned["account_id"].isin(truth["account_id"]), "account_id"]
        if len(strange):
            faults.append(f"{len(strange)} assigned accounts are not in the truth, such as {strange.iloc[0]!r}")
    if faults:
        raise UsageError("; ".join(faults))


def _judge(known: pd.DataFrame, cluster: pd.Series[Any]) -> pd.DataFrame:
    """One row a farm, as ``judge_farms`` says."""
    sizes, mostly_farm = cluster.value_counts(), _mostly_farm(known, cluster)
    rows = []
    for farm, members in cluster.groupby(known["farm"], sort=True):
        held = members.value_counts(sort=False).rename_axis("cluster_id").reset_index(name="inside")
        held["size"] = held["cluster_id"].map(sizes).astype(float)
        held["share"], held["purity"] = held["inside"] / len(members), held["inside"] / held["size"]
        held = held.sort_values(["inside", "purity", "cluster_id"], ascending=[False, False, True])
        best = held.iloc[0] if len(held) else None
        rows.append({
            "farm": farm,
            "style": known.loc[members.index[0], "style"] if "style" in known else None,
            "n_accounts": len(members),
            "clustered": float(held["share"].sum()),
            "best_cluster": None if best is None else best["cluster_id"],
            "best_share": 0.0 if best is None else float(best["share"]),
            "best_purity": 0.0 if best is None else float(best["purity"]),
            "found": _is_found(held[held["cluster_id"].isin(mostly_farm)], n_accounts=len(members)),
            "whole": bool(((held["share"] >= 0.8) & (held["purity"] >= 0.8)).any()),
        })  # fmt: skip
    names = ["farm", "style", "n_accounts", "clustered", "best_cluster", "best_share", "best_purity", "found", "whole"]
    frame = pd.DataFrame(rows, columns=names).astype({"found": bool, "whole": bool})
    return frame.sort_values(["n_accounts", "farm"], ascending=[False, True], ignore_index=True)


def _is_found(held: pd.DataFrame, *, n_accounts: int) -> bool:
    """Whether the purest clusters that reach 80 % of a farm are, taken together, 80 % or more it."""
    purest = held.sort_values(["purity", "inside", "cluster_id"], ascending=[False, False, True])
    together = purest[["inside", "size"]].cumsum()
    enough = together[5 * together["inside"] >= 4 * n_accounts]
    return bool(len(enough) and 5 * enough["inside"].iloc[0] >= 4 * enough["size"].iloc[0])
