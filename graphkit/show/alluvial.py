"""What a picture of change shows, and where: clusters of snapshots in columns, and accounts that flow between them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import pandas as pd

from graphkit.show.theme import BOX_HEIGHT, BOX_WIDTH
from graphkit.snapshot import Snapshot, rank_clusters

MOST_CLUSTERS = 12
"""Clusters that are drawn one by one; the others are one."""
OTHERS = ""
"""Stands for all other clusters together; no cluster has this id."""
GROWN = 1.25

_HEAD, _SIDE = 44.0, 118.0
_GAP, _PITCH = 8.0, 16.0
"""Pixels between clusters, at least, and from the middle of one to that of the next."""


@dataclass(frozen=True)
class Alluvial:
    """Several snapshots, arranged; positions are pixels from the middle of the drawing area."""

    snapshots: list[tuple[str, int]]
    """Of each column, the as-of day and the accounts in clusters."""
    nodes: pd.DataFrame
    """A row per drawn cluster of a column: column, cluster_id, n_accounts, x, top, bottom; ``OTHERS`` is the last."""
    flows: pd.DataFrame
    """A row per flow: column (the earlier), source, target (clusters), change (kept, grown, merged, split, joined or
    left), n_accounts, source_top, source_bottom, target_top, target_bottom; what joined has no source, what left no
    target."""
    n_others: int
    """Clusters that are not drawn one by one."""


def arrange_changes(snapshots: Sequence[Snapshot]) -> Alluvial:
    """Arrange snapshots in order of time, those of one day as given: which accounts stay, move, join and leave."""
    ordered = sorted(snapshots, key=lambda snapshot: snapshot.as_of)
    members = [_read_members(snapshot) for snapshot in ordered]
    drawn = _choose_clusters(ordered)
    known = set().union(*(set(each["cluster_id"]) for each in members))
    flows = pd.concat(
        [_find_flows(a, b, drawn).assign(column=i) for i, (a, b) in enumerate(pairwise(members))] or [_NO_FLOWS]
    )
    order = _order_clusters(members, flows, drawn)
    nodes = _place_nodes(members, order)
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


def _find_flows(before: pd.DataFrame, after: pd.DataFrame, drawn: Sequence[str]) -> pd.DataFrame:
    """Accounts that go from a cluster, or from none, to a cluster, or to none, and what that is."""
    both = before.merge(after, on="account_id", how="outer", suffixes=("_before", "_after"))
    pairs = both.groupby(["cluster_id_before", "cluster_id_after"], dropna=False).size().rename("n_accounts")
    flows = pairs.reset_index().rename(columns={"cluster_id_before": "source", "cluster_id_after": "target"})
    sizes = [Counter(frame["cluster_id"]) for frame in (before, after)]
    for side in ("source", "target"):
        flows[side] = pd.Series([name if isinstance(name, str) else None for name in flows[side]], dtype=object)
    heirs = _match_heirs(flows, *sizes)
    taken = set(heirs.values())
    flows["change"] = [
        _name_change(source, target, heirs, taken, sizes)
        for source, target in zip(flows["source"], flows["target"], strict=True)
    ]
    for side in ("source", "target"):
        known = flows[side].notna()
        flows[side] = flows[side].where(~known | flows[side].isin(drawn), OTHERS).where(known, None)
    return flows.groupby(["source", "target", "change"], dropna=False)[["n_accounts"]].sum().reset_index()


def _match_heirs(flows: pd.DataFrame, before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, str]:
    """Of each cluster the later one that is the same: of the same id, else the one that each is most of the other's."""
    heirs = {cluster: cluster for cluster in before if cluster in after}
    moved = flows.dropna(subset=["source", "target"])
    moved = moved[~moved["source"].isin(heirs) & ~moved["target"].isin(heirs)]
    moved = moved.sort_values(["n_accounts", "source", "target"], ascending=[False, True, True])
    first = moved.drop_duplicates("source").merge(moved.drop_duplicates("target")[["source", "target"]])
    return heirs | dict(zip(first["source"], first["target"], strict=True))


def _name_change(
    source: str | None,
    target: str | None,
    heirs: Mapping[str, str],
    taken: set[str],
    sizes: Sequence[Mapping[str, int]],
) -> str:
    """What a flow is: an account in no cluster has no source or no target."""
    if source is None:
        return "joined"
    if target is None:
        return "left"
    before, after = sizes
    if heirs.get(source) == target:
        return "grown" if after[target] >= GROWN * before[source] else "kept"
    return "merged" if target in taken else "split"


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
