"""Matching the clusters of two snapshots by their accounts: containment, core members first, one to one."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from scipy import sparse
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

from graphkit.naming import place_names

HALF = 0.5
"""Share of a cluster's weight that makes another its continuation, its source or its heir."""

_TIER_WEIGHTS = {"core": 4, "likely": 2, "review": 1}
_UNMATCHED = 1e-12


def weigh_members(accounts: pa.Table) -> pd.DataFrame:
    """Weigh the accounts of clusters by their tiers.

    Parameters
    ----------
    accounts
        account_id, cluster_id and tier, and whatever else is to be kept.

    Returns
    -------
    The same rows, with ``weight``: a core member counts as four of tier review.
    """
    frame: pd.DataFrame = accounts.to_pandas()
    weights = np.array([*_TIER_WEIGHTS.values(), 1])  # -1, a tier that is not known, is the last
    return frame.assign(weight=weights[place_names(accounts["tier"], _TIER_WEIGHTS)])


def is_named(names: pd.Series[str], known: Iterable[str]) -> npt.NDArray[np.bool_]:
    """Tell which names are among the known ones; ``isin`` of pandas looks at each known one by itself."""
    found: npt.NDArray[np.bool_] = pc.is_in(
        pa.array(names, pa.string()), value_set=pa.array(known, pa.string())
    ).to_numpy(zero_copy_only=False)
    return found


def overlap_clusters(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Measure what clusters of two times have in common.

    Parameters
    ----------
    before, after
        A row is a member: account_id, cluster_id, weight.

    Returns
    -------
    A row is a pair of clusters with accounts in common: before, after, n_shared (accounts), worth (their weight, of
    both times together), share_before and share_after (share of each cluster's weight); by ids.
    """
    columns = ["account_id", "cluster_id", "weight"]
    shared = before[columns].merge(after[columns], on="account_id", suffixes=("_before", "_after"))
    pairs = (
        shared.groupby(["cluster_id_before", "cluster_id_after"], sort=True)
        .agg(n_shared=("account_id", "size"), old=("weight_before", "sum"), new=("weight_after", "sum"))
        .reset_index()
        .rename(columns={"cluster_id_before": "before", "cluster_id_after": "after"})
    )
    whole_before, whole_after = (frame.groupby("cluster_id")["weight"].sum() for frame in (before, after))
    pairs["worth"] = pairs["old"] + pairs["new"]
    pairs["share_before"] = pairs["old"] / pairs["before"].map(whole_before).astype(float)
    pairs["share_after"] = pairs["new"] / pairs["after"].map(whole_after).astype(float)
    return pairs.drop(columns=["old", "new"])


def keep_contained(pairs: pd.DataFrame) -> pd.DataFrame:
    """Pairs of clusters of which one holds half the other's weight or more."""
    return pairs[pairs[["share_before", "share_after"]].max(axis=1) >= HALF]


def match_one_to_one(pairs: pd.DataFrame) -> dict[str, str]:
    """Choose pairs so that no cluster is in two and their worth is greatest; of equals those of the first ids.

    Parameters
    ----------
    pairs
        before, after and worth (a whole number from 1), each pair once.

    Returns
    -------
    The clusters after, by those before.
    """
    pairs = pairs.sort_values(["before", "after"])
    alone = ~(pairs["before"].duplicated(keep=False) | pairs["after"].duplicated(keep=False))
    chosen = [pairs[alone], _assign(pairs[~alone])]
    return {before: after for frame in chosen for before, after in zip(frame["before"], frame["after"], strict=True)}


def _assign(pairs: pd.DataFrame) -> pd.DataFrame:
    """The pairs of the assignment of greatest worth; each cluster before may also stay unmatched."""
    if pairs.empty:
        return pairs
    row, before = pd.factorize(pairs["before"])
    column, after = pd.factorize(pairs["after"])
    # less than one over all pairs together: it decides between equals alone
    first = np.arange(len(pairs), 0, -1) / (len(pairs) + 1) ** 2
    unmatched = np.arange(len(before))
    worth = sparse.csr_array(
        (
            np.concatenate([pairs["worth"] + first, np.full(len(before), _UNMATCHED)]),
            (np.concatenate([row, unmatched]), np.concatenate([column, len(after) + unmatched])),
        ),
        shape=(len(before), len(after) + len(before)),
    )
    rows, columns = min_weight_full_bipartite_matching(worth, maximize=True)
    partner = np.full(len(before), -1)
    partner[rows] = columns
    assigned: pd.DataFrame = pairs[partner[row] == column]
    return assigned
