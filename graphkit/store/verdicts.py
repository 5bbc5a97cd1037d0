"""Verdicts that hold: what reviews say of the clusters of a snapshot, through merges, splits and growth."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow.compute as pc

from graphkit.snapshot import Snapshot
from graphkit.store.folder import read_snapshot
from graphkit.store.names import MANIFEST
from graphkit.store.remote import Place
from graphkit.store.reviews import Review

_GRAVITY = {"confirmed": 2, "watch": 1, "benign": 0}


@dataclass(frozen=True)
class Verdict:
    """A verdict that holds for a cluster."""

    review: Review
    basis: str
    """own, inherited or outgrown, as the table ``clusters`` tells it."""
    covers: float | None
    """Share of the cluster's accounts that were in the reviewed cluster; None where the reviewed snapshot is gone."""

    def to_row(self) -> dict[str, Any]:
        """The columns of the table ``clusters`` that it fills."""
        return {"verdict": self.review.verdict, "verdict_basis": self.basis, "verdict_covers": self.covers}


def judge_clusters(snapshot: Snapshot, reviews: Sequence[Review], *, snapshots: Place) -> dict[str, Verdict]:
    """Find the verdicts that hold for the clusters of a snapshot.

    A cluster's own last review holds, unless it has since taken in clusters with reviews of their own; one without
    takes over those of the clusters that it comes from. Of several the gravest holds: confirmed, watch, benign.

    Parameters
    ----------
    reviews
        All of a store, oldest first.
    snapshots
        The folder of the store's snapshots, in which the reviewed members are looked up.

    Returns
    -------
    The verdict by cluster, for those that have one.
    """
    if not reviews:
        return {}
    members = snapshot.table("accounts", columns=["account_id", "cluster_id"])
    sources = _read_sources(snapshot)
    by_cluster: dict[str, list[Review]] = {}
    for each in reviews:
        by_cluster.setdefault(each.cluster_id, []).append(each)
    held = {
        name: max(_find_candidates(name, by_cluster, sources), key=_weigh, default=None)
        for name in members["cluster_id"].unique().to_pylist()
    }
    found = {name: each for name, each in held.items() if each is not None}
    covered = _read_covered(found.values(), snapshots, now=snapshot)
    present = _collect(snapshot, set(found))
    renew = snapshot.config.lineage.renew
    return {name: _compare(name, each, present[name], covered, renew=renew) for name, each in found.items()}


def _read_sources(snapshot: Snapshot) -> dict[str, list[tuple[date, str]]]:
    """The other clusters that each cluster comes from, and since when."""
    sources: dict[str, list[tuple[date, str]]] = {}
    for row in snapshot.table("history", columns=["cluster_id", "day", "previous_ids"]).to_pylist():
        others = [(row["day"], name) for name in row["previous_ids"] if name != row["cluster_id"]]
        sources.setdefault(row["cluster_id"], []).extend(others)
    return sources


def _find_candidates(
    name: str, by_cluster: Mapping[str, Sequence[Review]], sources: Mapping[str, Sequence[tuple[date, str]]]
) -> Iterator[Review]:
    """Reviews that may hold for a cluster: its own last one, and what it took over after that one, each before a day.

    Clusters that merge and split again and again lead to one another by ever more ways: each is looked at once a day.
    """
    ahead, seen = [(name, date.max)], set[tuple[str, date]]()
    while ahead:
        place = each, until = ahead.pop()
        if place in seen:
            continue
        seen.add(place)
        own = [review for review in by_cluster.get(each, ()) if review.day < until][-1:]
        yield from own
        since = own[0].day if own else date.min
        ahead += [(source, day) for day, source in sources.get(each, ()) if since < day < until]


def _weigh(review: Review) -> tuple[int, str, str]:
    return _GRAVITY[review.verdict], review.time, review.cluster_id


def _read_covered(reviews: Iterable[Review], snapshots: Place, *, now: Snapshot) -> dict[tuple[str, str], set[str]]:
    """The accounts that reviews cover, by snapshot and cluster, as far as the snapshots are still there."""
    wanted: dict[str, set[str]] = {}
    for each in reviews:
        wanted.setdefault(each.snapshot_id, set()).add(each.cluster_id)
    covered: dict[tuple[str, str], set[str]] = {}
    for name, clusters in sorted(wanted.items()):
        if name == now.id or (snapshots / name / MANIFEST).exists():
            seen = now if name == now.id else read_snapshot(snapshots / name)
            covered |= {(name, cluster): accounts for cluster, accounts in _collect(seen, clusters).items()}
    return covered


def _compare(
    name: str, review: Review, present: set[str], covered: Mapping[tuple[str, str], set[str]], *, renew: float
) -> Verdict:
    basis, accounts = "own" if review.cluster_id == name else "inherited", covered.get(_place(review))
    if accounts is None:
        return Verdict(review, basis, None)
    covers = len(present & accounts) / len(present)
    return Verdict(review, "outgrown" if 1 - covers > renew else basis, covers)


def _place(review: Review) -> tuple[str, str]:
    return review.snapshot_id, review.cluster_id


def _collect(snapshot: Snapshot, clusters: set[str]) -> dict[str, set[str]]:
    """The accounts of some clusters of a snapshot."""
    import pyarrow as pa

    members = snapshot.table("accounts", columns=["account_id", "cluster_id"])
    chosen = members.filter(pc.is_in(members["cluster_id"], value_set=pa.array(sorted(clusters), pa.string())))
    grouped: dict[str, set[str]] = {}
    for account, cluster in zip(chosen["account_id"].to_pylist(), chosen["cluster_id"].to_pylist(), strict=True):
        grouped.setdefault(cluster, set()).add(account)
    return grouped
