"""What the hub ring of a cluster shows, and where: entities on an ellipse, accounts amid what they use."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from graphkit.show.layouts import Points, separate_discs
from graphkit.show.theme import kind_styles
from graphkit.snapshot import Snapshot

MOST_GROUPS = 400
"""Account bubbles that are drawn."""
MOST_EDGES = 2_000
"""Curves that are drawn."""

_HUBS = 18
_HUBS_A_KIND = 2
_NAMED_ACCOUNTS = 3
RADIUS_X, RADIUS_Y = 312.0, 196.0
"""Half-axes of the ellipse of entities, in pixels."""

_INNER = 0.80
_FILLED = 0.26
_REACH, _MOST_SPREAD = 0.62, 2.0
_SMALLEST_RADIUS, _LARGEST_RADIUS, _LABELED_RADIUS = 4.5, 64.0, 11.0


@dataclass(frozen=True)
class Ring:
    """One cluster, arranged; positions are pixels from the middle of the drawing area."""

    cluster_id: str
    n_accounts: int
    n_entities: dict[str, int]
    """Entities that accounts of the cluster share, by kind."""
    hubs: pd.DataFrame
    """A row per drawn entity: kind, entity, n_inside, n_outside, coverage, rarity (bits), angle, x, y."""
    groups: pd.DataFrame
    """A row per drawn bubble: accounts (some ids), n_accounts, hubs (bits of a number: which it uses), x, y, radius."""
    n_groups: int
    """Bubbles, drawn or not."""
    n_unconnected: int
    """Accounts that use none of the drawn entities."""


def arrange_rings(snapshot: Snapshot, cluster_ids: Sequence[str]) -> dict[str, Ring]:
    """Arrange clusters, reading the snapshot's links once for all of them."""
    wanted = pa.array(cluster_ids, pa.string())
    evidence = _only(snapshot.table("evidence"), "cluster_id", wanted).to_pandas()
    accounts = _only(snapshot.table("accounts", columns=["account_id", "cluster_id"]), "cluster_id", wanted)
    population = int(snapshot.content["population"]["n_accounts"])
    hubs = {
        cluster_id: choose_hubs(evidence[evidence["cluster_id"] == cluster_id], population=population)
        for cluster_id in cluster_ids
    }
    links = snapshot.table("links", columns=["account_id", "kind", "entity"])
    links = _only(links, "entity", pa.array(sorted({e for h in hubs.values() for e in h["entity"]}), pa.string()))
    links = _only(links, "account_id", accounts["account_id"])
    members = links.to_pandas().merge(accounts.to_pandas(), on="account_id")
    totals = evidence.groupby(["cluster_id", "kind"]).size()
    sizes = accounts.to_pandas()["cluster_id"].value_counts()
    return {
        cluster_id: _arrange(
            cluster_id,
            hubs[cluster_id],
            members[members["cluster_id"] == cluster_id],
            n_accounts=int(sizes.get(cluster_id, 0)),
            n_entities={kind: int(n) for (owner, kind), n in totals.items() if owner == cluster_id},
        )
        for cluster_id in cluster_ids
    }


def choose_hubs(evidence: pd.DataFrame, *, population: int) -> pd.DataFrame:
    """The entities of a cluster that tell most: 18, and at least two of each kind.

    Rows come in the order of kinds around the ellipse.
    """
    rows = order_evidence(evidence, population=population)
    first = rows.groupby("kind", sort=False).head(_HUBS_A_KIND)
    rest = rows.drop(first.index).head(max(0, _HUBS - len(first)))
    chosen = pd.concat([first, rest])
    order = {kind: i for i, kind in enumerate(kind_styles(chosen["kind"]))}
    chosen["sector"] = chosen["kind"].map(order).astype(np.int64)
    chosen = chosen.sort_values(["sector", "n_inside", "entity"], ascending=[True, False, True])
    parts = [_biggest_in_the_middle(part) for _, part in chosen.groupby("sector", sort=True)]
    return pd.concat(parts, ignore_index=True) if parts else chosen.reset_index(drop=True)


def order_evidence(evidence: pd.DataFrame, *, population: int) -> pd.DataFrame:
    """Entities of a cluster, the most telling first, with their ``rarity`` in bits.

    An entity tells the more, the more of the cluster's accounts use it and the more often they do so than others:
    ``n_inside * log2(lift)`` bits.
    """
    n_accounts = evidence["n_inside"] + evidence["n_outside"]
    rarity = np.log2(np.maximum(population / n_accounts, 1.0))
    told = evidence["n_inside"] * np.log2(np.maximum(evidence["lift"], 1.0))
    rows = evidence.drop(columns="cluster_id").assign(rarity=rarity, told=told)
    return rows.sort_values(["told", "n_inside", "kind", "entity"], ascending=[False, False, True, True])


def _biggest_in_the_middle(part: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([part.iloc[1::2].iloc[::-1], part.iloc[0::2]])


def _only(table: pa.Table, column: str, values: pa.Array | pa.ChunkedArray) -> pa.Table:
    return table.filter(pc.is_in(table[column], value_set=values))


def _arrange(
    cluster_id: str, hubs: pd.DataFrame, links: pd.DataFrame, *, n_accounts: int, n_entities: dict[str, int]
) -> Ring:
    hubs = _place_hubs(hubs)
    groups = _group_accounts(hubs, links)
    drawn = groups[groups["n_hubs"].cumsum() <= MOST_EDGES].head(MOST_GROUPS).reset_index(drop=True)
    connected = int(groups["n_accounts"].sum())
    return Ring(
        cluster_id, n_accounts, n_entities, hubs, _place_groups(hubs, drawn), len(groups), n_accounts - connected
    )


def _place_hubs(hubs: pd.DataFrame) -> pd.DataFrame:
    """Put entities on the ellipse, clockwise from the upper left, with a gap between kinds."""
    sector = hubs["sector"].to_numpy()
    n_sectors = len(np.unique(sector))
    step = 2 * np.pi / max(len(hubs) + 1.1 * n_sectors, 1)
    slot = np.arange(len(hubs)) + 1.1 * np.unique(sector, return_inverse=True)[1]
    angle = (np.pi if len(hubs) == 1 else 0.75 * np.pi) - step * slot
    return hubs.assign(angle=angle, x=RADIUS_X * np.cos(angle), y=RADIUS_Y * np.sin(angle))


def _group_accounts(hubs: pd.DataFrame, links: pd.DataFrame) -> pd.DataFrame:
    """Accounts with the same drawn entities as one row, biggest groups first."""
    keys = hubs[["kind", "entity"]].assign(bit=np.int64(1) << np.arange(len(hubs), dtype=np.int64))
    used = links[["account_id", "kind", "entity"]].drop_duplicates().merge(keys, on=["kind", "entity"])
    marks = used.groupby("account_id", sort=True)["bit"].sum().rename("hubs").reset_index()
    groups = marks.groupby("hubs", sort=True).size().rename("n_accounts").reset_index()
    named: dict[int, list[str]] = {mark: [] for mark in groups["hubs"].tolist()}
    some = marks.groupby("hubs", sort=True).head(_NAMED_ACCOUNTS)
    for mark, account in zip(some["hubs"].tolist(), some["account_id"].tolist(), strict=True):
        named[mark].append(account)
    groups["accounts"] = list(named.values())
    groups["n_hubs"] = [int(mark).bit_count() for mark in groups["hubs"]]
    return groups.sort_values(["n_accounts", "hubs"], ascending=[False, True], ignore_index=True)


def _place_groups(hubs: pd.DataFrame, groups: pd.DataFrame) -> pd.DataFrame:
    """Put bubbles at the rarity-weighted middle of the entities they use, then push them apart."""
    radii = _scale_radii(groups["n_accounts"].to_numpy(dtype=np.float64))
    uses = used_hubs(groups["hubs"].tolist(), n_hubs=len(hubs))
    weights = uses * np.maximum(hubs["rarity"].to_numpy(), 0.25)
    middle = weights @ hubs[["x", "y"]].to_numpy() / np.maximum(weights.sum(axis=1), 1e-9)[:, None]
    xy = separate_discs(_spread(middle * _INNER * (1 - 1 / max(len(hubs), 1))), radii, gap=2.0, steps=250)
    beyond = np.hypot(xy[:, 0] / (RADIUS_X * 0.86), xy[:, 1] / (RADIUS_Y * 0.84))
    xy = xy / np.maximum(beyond, 1.0)[:, None]
    return groups.assign(x=xy[:, 0], y=xy[:, 1], radius=radii)


def _spread(xy: Points) -> Points:
    """Move bubbles that crowd around the middle outward, all by one factor."""
    if not len(xy):
        return xy
    reached = float(np.quantile(np.hypot(xy[:, 0] / RADIUS_X, xy[:, 1] / RADIUS_Y), 0.9))
    return xy * min(max(_REACH / max(reached, 1e-9), 1.0), _MOST_SPREAD)


def used_hubs(marks: Sequence[int], *, n_hubs: int) -> Points:
    """Which drawn entities (columns) each bubble (rows) uses, 0 or 1."""
    bits = np.arange(n_hubs, dtype=np.int64)
    return ((np.array(marks, dtype=np.int64)[:, None] >> bits) & 1).astype(np.float64)


def _scale_radii(sizes: Points) -> Points:
    """Radii in pixels: area = accounts, within limits, and all together a fixed share of the inner ellipse."""
    if not len(sizes):
        return sizes
    room = _FILLED * np.pi * RADIUS_X * RADIUS_Y * _INNER**2
    unit = min(7.0, np.sqrt(room / (np.pi * sizes.sum())), _LARGEST_RADIUS / np.sqrt(sizes.max()))
    smallest = _SMALLEST_RADIUS if len(sizes) > 40 else _SMALLEST_RADIUS + 2.5
    least = np.where((sizes > 1) & (len(sizes) <= 150), _LABELED_RADIUS, smallest)
    return np.asarray(np.maximum(least, unit * np.sqrt(sizes)))
