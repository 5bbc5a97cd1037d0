"""Tracing: which cluster of the past each cluster is, comes from, or took in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
import pyarrow as pa

from graphkit.config import Config
from graphkit.detect.former import link_by_entities, own_entities
from graphkit.detect.matching import HALF, is_named, keep_contained, match_one_to_one, overlap_clusters
from graphkit.detect.past import Past
from graphkit.snapshot import Snapshot

_NOT_FEW = 5
"""Accounts of an ended cluster that make a new one of mostly others the same again."""


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
    """Clusters before, ended ones too, and after with accounts in common, as ``overlap_clusters`` gives them."""


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
    gone = sorted(set(past.living["cluster_id"].unique()) - set(same.values()) - set(joined))
    new = members[~is_named(members["cluster_id"], same)]
    reused = overlap_clusters(past.former, new)
    returns = keep_contained(reused)
    returns = returns[(returns["share_after"] >= HALF) | (returns["n_shared"] >= _NOT_FEW)]
    again = match_one_to_one(returns)
    returned = {after: (before, "accounts") for before, after in again.items()}
    left = new[~is_named(new["cluster_id"], [*returned, *came_from])]
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
        pairs=pd.concat([pairs, reused], ignore_index=True) if len(reused) else pairs,
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
    settled = is_named(pairs["before"], known.values()) | is_named(pairs["after"], known)
    matched = match_one_to_one(keep_contained(pairs[~settled]))
    same = {**known} | {new: old for old, new in matched.items()}
    joined = _follow_most(pairs[~is_named(pairs["before"], same.values())], "before", "after")
    came_from = _follow_most(pairs[~is_named(pairs["after"], same)], "after", "before")
    return same, joined, came_from, pairs


def _follow_most(pairs: pd.DataFrame, one: str, other: str) -> dict[str, str]:
    """By each cluster of one side that of the other which has most of it, if that is half or more."""
    share = f"share_{one}"
    most = pairs[pairs[share] >= HALF].sort_values([one, share, other], ascending=[True, False, True])
    most = most.drop_duplicates(one)
    return dict(zip(most[one], most[other], strict=True))


def _recall_entities(past: Past, parent: Snapshot | None, gone: list[str], *, without: set[str]) -> pd.DataFrame:
    """Entities of the clusters that have ended or are not found now: cluster_id, kind, entity, n_accounts."""
    kept = past.entities[~is_named(past.entities["cluster_id"], without)]
    if parent is None or not gone:
        return kept
    fresh = own_entities(parent.table("evidence"), pd.Index(gone))
    return pd.concat([kept, fresh[kept.columns]], ignore_index=True) if len(kept) else fresh[kept.columns]
