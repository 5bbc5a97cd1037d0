"""What a picture of change shows, and where: clusters of snapshots in columns, and accounts that flow between them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import pandas as pd

from graphkit.detect.diff import find_events
from graphkit.show.theme import BOX_HEIGHT, BOX_WIDTH
from graphkit.snapshot import Snapshot, rank_clusters

MOST_CLUSTERS = 12
"""Clusters that are drawn one by one; the others are one."""
OTHERS = ""
"""Stands for all other clusters together; no cluster has this id."""

_HEAD, _SIDE = 44.0, 146.0
_GAP, _PITCH = 8.0, 16.0
"""Pixels between clusters, at least, and from the middle of one to that of the next."""


@dataclass(frozen=True)
class Alluvial:
    """Several snapshots, arranged; positions are pixels from the middle of the drawing area."""

    snapshots: list[tuple[str, int]]
    """Of each column, the as-of day and the accounts in clusters."""
    nodes: pd.DataFrame
    """A row per drawn cluster of a column: column, cluster_id, n_accounts, x, top, bottom, events (those that made it
    what it is since the column before); ``OTHERS`` is the last."""
    flows: pd.DataFrame
    """A row per flow: column (the earlier), source, target (clusters), change, n_accounts, source_top, source_bottom,
    target_top, target_bottom. A change is kept, growth, merge, split or moved; birth, resurrection or joined, which
    have no source; death or left, which have no target."""
    n_others: int
    """Clusters that are not drawn one by one."""


def arrange_changes(snapshots: Sequence[Snapshot]) -> Alluvial:
    """Arrange snapshots in order of time, those of one day as given: which accounts stay, move, join and leave."""
    ordered = sorted(snapshots, key=lambda snapshot: snapshot.as_of)
    members = [_read_members(snapshot) for snapshot in ordered]
    drawn = _choose_clusters(ordered)
    known = set().union(*(set(each["cluster_id"]) for each in members))
    fates = [read_fates(*pair) for pair in pairwise(ordered)]
    flows = pd.concat(
        [
            _find_flows(a, b, told, drawn).assign(column=i)
            for i, ((a, b), told) in enumerate(zip(pairwise(members), fates, strict=True))
        ]
        or [_NO_FLOWS]
    )
    order = _order_clusters(members, flows, drawn)
    nodes = _place_nodes(members, order)
    events = [fates[row["column"] - 1].events if row["column"] else {} for row in nodes.to_dict("records")]
    nodes["events"] = [
        tuple(sorted(each.get(name, ()))) for each, name in zip(events, nodes["cluster_id"], strict=True)
    ]
    return Alluvial(
        [(f"{snapshot.as_of:%Y-%m-%d}", len(each)) for snapshot, each in zip(ordered, members, strict=True)],
        nodes,
        _place_flows(flows.reset_index(drop=True), nodes, order),
        n_others=len(known - set(drawn)),
    )


_NO_FLOWS = pd.DataFrame(columns=["source", "target", "change", "n_accounts", "column"])


def _read_members(snapshot: Snapshot) -> pd.DataFrame:
    frame: pd.DataFrame = snapshot.table("accounts", columns=["account_id", "cluster_id"]).to_pandas()
    return frame.astype(object)


def _choose_clusters(snapshots: Sequence[Snapshot]) -> list[str]:
    """The clusters of best score in the last snapshot that has them, one by one up to the most that are drawn."""
    best: dict[str, Mapping[str, object]] = {}
    for snapshot in snapshots:
        best |= {row["cluster_id"]: row for row in snapshot.table("clusters").to_pylist()}
    return [str(row["cluster_id"]) for row in rank_clusters(best.values())[:MOST_CLUSTERS]]


@dataclass(frozen=True)
class Fates:
    """What became of the clusters of one snapshot in the next."""

    same: Mapping[str, str]
    """The cluster before, by the one after that it is."""
    events: Mapping[str, set[str]]
    """Events by the cluster after, and deaths by the cluster before."""
    sources: Mapping[tuple[str, str], set[str]]
    """Clusters that one comes from, by it and the event."""

    def name_change(self, source: str | None, target: str | None) -> str:
        """What a flow of accounts is; those in no cluster have no source or no target."""
        if target is None:
            return "death" if "death" in self.events.get(str(source), ()) else "left"
        events = self.events.get(target, set())
        if source is None:
            return next((event for event in ("birth", "resurrection") if event in events), "joined")
        if self.same.get(target) == source:
            return "growth" if "growth" in events else "kept"
        return next((event for event in ("merge", "split") if source in self.sources.get((target, event), ())), "moved")


def read_fates(before: Snapshot, after: Snapshot) -> Fates:
    """Read what became of clusters from the lineage, or, of snapshots that do not follow one another, find it."""
    rows, same = find_events(before, after)
    events: dict[str, set[str]] = {}
    sources: dict[tuple[str, str], set[str]] = {}
    for row in rows.to_dict("records"):
        events.setdefault(row["cluster_id"], set()).add(row["event"])
        sources.setdefault((row["cluster_id"], row["event"]), set()).update(row["previous_ids"])
    return Fates(same, events, sources)


def _find_flows(before: pd.DataFrame, after: pd.DataFrame, fates: Fates, drawn: Sequence[str]) -> pd.DataFrame:
    """Accounts that go from a cluster, or from none, to a cluster, or to none, and what that is."""
    both = before.merge(after, on="account_id", how="outer", suffixes=("_before", "_after"))
    pairs = both.groupby(["cluster_id_before", "cluster_id_after"], dropna=False).size().rename("n_accounts")
    flows = pairs.reset_index().rename(columns={"cluster_id_before": "source", "cluster_id_after": "target"})
    for side in ("source", "target"):
        flows[side] = pd.Series([name if isinstance(name, str) else None for name in flows[side]], dtype=object)
    flows["change"] = [
        fates.name_change(source, target) for source, target in zip(flows["source"], flows["target"], strict=True)
    ]
    for side in ("source", "target"):
        known = flows[side].notna()
        flows[side] = flows[side].where(~known | flows[side].isin(drawn), OTHERS).where(known, None)
    return flows.groupby(["source", "target", "change"], dropna=False)[["n_accounts"]].sum().reset_index()


def _order_clusters(members: Sequence[pd.DataFrame], flows: pd.DataFrame, drawn: Sequence[str]) -> list[str]:
    """Drawn clusters from the top down: large ones first, what comes from or goes into another beside it."""
    order: list[str] = []
    for column, frame in enumerate(members):
        sizes = frame["cluster_id"].value_counts()
        here = sorted(set(drawn) & set(sizes.index) - set(order), key=lambda name: (-sizes[name], name))
        into = flows[(flows["column"] == column - 1) & flows["source"].isin(order)]
        for cluster in here:
            sources = into[into["target"] == cluster].sort_values(["n_accounts", "source"], ascending=[False, True])
            place = order.index(sources["source"].iloc[0]) + 1 if len(sources) else len(order)
            order.insert(place, cluster)
    return [*order, OTHERS]


def _place_nodes(members: Sequence[pd.DataFrame], order: Sequence[str]) -> pd.DataFrame:
    """Columns at equal distances, accounts to one scale, each column in the middle of the height."""
    columns = []
    for frame in members:
        sizes = frame["cluster_id"].where(frame["cluster_id"].isin(order), OTHERS).value_counts()
        columns.append([(name, int(sizes[name])) for name in order if name in sizes.index])
    room = BOX_HEIGHT - _HEAD - 8
    scale = min((_fit_scale([n for _, n in column], room) for column in columns if column), default=1.0)
    left, right = _SIDE - BOX_WIDTH / 2, BOX_WIDTH / 2 - _SIDE
    rows = []
    for i, column in enumerate(columns):
        x = (left + right) / 2 if len(columns) == 1 else left + i * (right - left) / (len(columns) - 1)
        gaps = [max(_GAP, _PITCH - scale * n) for _, n in column]
        y = BOX_HEIGHT / 2 - _HEAD - (room - sum(scale * n for _, n in column) - sum(gaps[:-1])) / 2
        for (name, n), gap in zip(column, gaps, strict=True):
            rows.append((i, name, n, x, y, y - scale * n))
            y -= scale * n + gap
    return pd.DataFrame(rows, columns=["column", "cluster_id", "n_accounts", "x", "top", "bottom"])


def _fit_scale(sizes: Sequence[int], room: float) -> float:
    """Pixels an account so that a column and its gaps fill the room; gaps shrink as clusters grow."""
    low, high = 0.0, room / sum(sizes)
    for _ in range(40):
        middle = (low + high) / 2
        used = sum(middle * n + max(_GAP, _PITCH - middle * n) for n in sizes)
        low, high = (middle, high) if used <= room else (low, middle)
    return low


def _place_flows(flows: pd.DataFrame, nodes: pd.DataFrame, order: Sequence[str]) -> pd.DataFrame:
    """Stack the flows of each cluster in the order of where they go, or come from; what joins or leaves comes last."""
    rank = {name: i for i, name in enumerate(order)}
    last = len(rank)
    flows = flows.assign(
        from_rank=[rank.get(name, last) for name in flows["source"]],
        to_rank=[rank.get(name, last) for name in flows["target"]],
    )
    spans = {(row["column"], row["cluster_id"]): row for row in nodes.to_dict("records")}
    for side, other, offset in (("source", "to_rank", 0), ("target", "from_rank", 1)):
        filled: dict[tuple[int, str], float] = {}
        ends: dict[int, tuple[float, float]] = {}
        for index, row in flows.sort_values(["column", other, "change"]).iterrows():
            key = (row["column"] + offset, row[side])
            if key in spans:
                node = spans[key]
                high = filled.get(key, node["top"])
                low = high - (node["top"] - node["bottom"]) * row["n_accounts"] / node["n_accounts"]
                filled[key], ends[int(str(index))] = low, (high, low)
        flows[f"{side}_top"] = [ends.get(i, (float("nan"),) * 2)[0] for i in flows.index]
        flows[f"{side}_bottom"] = [ends.get(i, (float("nan"),) * 2)[1] for i in flows.index]
    return flows.drop(columns=["from_rank", "to_rank"])
