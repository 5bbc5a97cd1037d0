"""Measures of a clustering, and of the ranking of its clusters, against the truth."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from graphkit.errors import UsageError

SOLITARY = "ordinary"
"""Group of the innocents who belong to no look-alike group; a truth without a group means the same."""

NAMED_INNOCENTS = 0.001
"""Share of the innocents who may be named before ``recall_at_named_innocents`` is read."""


def evaluate_clusters(
    assigned: pd.DataFrame, truth: pd.DataFrame, *, scores: pd.DataFrame | None = None, min_size: int = 3
) -> dict[str, Any]:
    """Compare clusters with the truth in a few figures.

    A cluster is *mostly farm* if more than half of its accounts are in farms, whichever.

    Parameters
    ----------
    assigned
        A row is an account in a cluster: account_id, cluster_id, and optionally strength; accounts in no cluster
        are left out or have a null.
    truth
        A row is an account: account_id, farm (null: innocent), group, and optionally style.
    scores
        A row is a cluster: cluster_id, score (higher is ranked first); a snapshot's table ``clusters`` will do.
        Without it there is no ranking.
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
    - cluster_precision: average precision of the clusters ranked by score; those that are mostly farm are right
    - account_precision: average precision of all accounts ranked by their cluster's score, then by strength, those in
      no cluster last; those in farms are right
    - recall_at_named_innocents: name the accounts of whole clusters, best score first, for as long as at most 0.1 %
      of all innocents are among them; share of the farm accounts named by then

    The last three are None without ``scores``. Average precision is the sum over the ranking of the precision down to
    a rank times the recall gained there. What is tied counts as one step: no order among equals helps or harms.

    Raises
    ------
    UsageError
        If columns are missing, an account or a score stands twice, an assigned account is not in the truth, or a
        cluster has no score.
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
        **_judge_ranking(assigned, known, cluster, scores),
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


def _judge_ranking(
    assigned: pd.DataFrame, known: pd.DataFrame, cluster: pd.Series[Any], scores: pd.DataFrame | None
) -> dict[str, float | None]:
    """The figures of the ranking."""
    names = ("cluster_precision", "account_precision", "recall_at_named_innocents")
    if scores is None:
        return dict.fromkeys(names)
    score = _align_scores(scores, cluster)
    farmed = known["farm"].notna()
    n_inside, n_farmed = cluster.value_counts().reindex(score.index), farmed.groupby(cluster).sum()
    best = cluster.map(score).fillna(-np.inf)
    strength = pd.Series(0.0, known.index)
    if "strength" in assigned:
        strength = assigned.set_index("account_id")["strength"].reindex(known.index).where(cluster.notna()).fillna(0.0)
    figures = (
        _average_precision([score], 2 * n_farmed > n_inside),
        _average_precision([best, strength], farmed),
        _recall_within(best, farmed),
    )
    return dict(zip(names, figures, strict=True))


def _align_scores(scores: pd.DataFrame, cluster: pd.Series[Any]) -> pd.Series[float]:
    """The score of each cluster, by its id."""
    if missing := [column for column in ("cluster_id", "score") if column not in scores]:
        raise UsageError(f"scores has no column {', '.join(missing)}")
    if scores["cluster_id"].duplicated().any():
        raise UsageError(f"scores names {scores.loc[scores['cluster_id'].duplicated(), 'cluster_id'].iloc[0]!r} twice")
    score = scores.set_index("cluster_id")["score"].reindex(sorted(cluster.dropna().unique())).astype(float)
    if score.isna().any():
        raise UsageError(f"{score.isna().sum()} clusters have no score, such as {score.index[score.isna()][0]!r}")
    return score


def _steps(ranked_by: list[pd.Series[float]]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
    """The order of a ranking by several columns, highest first, and where in that order a step of equals ends."""
    columns = [column.to_numpy(dtype=float) for column in ranked_by]
    order = np.lexsort([-column for column in reversed(columns)])
    ends = np.ones(len(order), dtype=bool)
    ends[:-1] = np.any([column[order][1:] != column[order][:-1] for column in columns], axis=0)
    return order, ends


def _average_precision(ranked_by: list[pd.Series[float]], right: pd.Series[bool]) -> float | None:
    """Average precision of a ranking; None where nothing is right."""
    order, ends = _steps(ranked_by)
    n_right = np.cumsum(right.to_numpy(dtype=float)[order])[ends]
    if not len(n_right) or n_right[-1] == 0:
        return None
    n_ranked = np.flatnonzero(ends) + 1
    return float((np.diff(n_right, prepend=0.0) * n_right / n_ranked).sum() / n_right[-1])


def _recall_within(best: pd.Series[float], farmed: pd.Series[bool]) -> float | None:
    """Share of the farm accounts named before more than ``NAMED_INNOCENTS`` of the innocents are."""
    if not farmed.any():
        return None
    order, ends = _steps([best])
    ends &= np.isfinite(best.to_numpy()[order])  # who is in no cluster is never named
    n_farmed = np.cumsum(farmed.to_numpy(dtype=float)[order])
    n_innocent = np.arange(1, len(order) + 1) - n_farmed
    allowed = ends & (n_innocent <= NAMED_INNOCENTS * float((~farmed).sum()))
    return float(n_farmed[allowed].max(initial=0.0) / n_farmed[-1])


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
