"""Where things stand: the force layout of the cluster graph, and discs pushed apart."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import igraph as ig
import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.spatial import cKDTree

from graphkit.show.theme import BOX_HEIGHT, BOX_WIDTH
from graphkit.tables import TABLES

Points = NDArray[np.float64]

LEAST_ACCOUNTS = 5
"""Accounts of the smallest cluster that is drawn."""
MOST_CLUSTERS = 400
"""Clusters that are drawn; the largest ones."""

_LARGEST_RADIUS = 105.0
_SMALLEST_RADIUS = 4.0
_FILLED = 0.34
_EDGE = 4.0
_GOLDEN_ANGLE = np.pi * (3 - np.sqrt(5))


def overview_layout(clusters: pd.DataFrame, evidence: pd.DataFrame, *, seed: int) -> pa.Table:
    """Lay out the clusters of 5 accounts or more, at most 400 of them, by what they share.

    Fruchterman-Reingold on the graph of cross-links, pulled together into a disc, discs pushed apart.

    Parameters
    ----------
    clusters, evidence
        Tables ``clusters`` and ``evidence``, in any row order.
    seed
        Seed of the layout.

    Returns
    -------
    Rows of the table ``layout`` for the figure "overview": a cluster, its middle and its radius in pixels from
    the middle of the drawing area. A radius grows with the square root of the accounts, from a least radius up.
    """
    drawn = choose_clusters(clusters)
    sizes = drawn["n_accounts"].to_numpy(dtype=np.float64)
    radii = _scale_radii(sizes)
    links = cross_links(drawn, evidence)
    xy = _pull_together(_force_layout(len(drawn), links, seed=seed), radii)
    xy, radii = _fit_box(separate_discs(xy, radii, gap=5.0), radii)
    columns = {"figure": ["overview"] * len(drawn), "name": drawn["cluster_id"].tolist()}
    numbers = {"x": xy[:, 0].round(2), "y": xy[:, 1].round(2), "size": radii.round(2)}
    return pa.table({**columns, **numbers}, schema=TABLES["layout"].schema()).sort_by("name")


def choose_clusters(clusters: pd.DataFrame) -> pd.DataFrame:
    """The rows of ``clusters`` that an overview draws, largest first."""
    large = clusters[clusters["n_accounts"] >= LEAST_ACCOUNTS]
    ordered = large.sort_values(["n_accounts", "cluster_id"], ascending=[False, True], ignore_index=True)
    return ordered.head(MOST_CLUSTERS)


def cross_links(clusters: pd.DataFrame, evidence: pd.DataFrame) -> pd.DataFrame:
    """Entities that two clusters both use.

    Returns
    -------
    A row per pair of clusters that share an entity: positions ``a`` < ``b`` in ``clusters``, ``n_shared`` entities,
    and ``bits``: the sum over them of rarity times both coverages, that is the bits that a member of one can
    expect to share with a member of the other. Sorted by ``a``, ``b``.
    """
    position = pd.Series(np.arange(len(clusters)), index=clusters["cluster_id"].to_numpy())
    rows = evidence.loc[
        evidence["cluster_id"].isin(position.index), ["cluster_id", "kind", "entity", "coverage", "lift"]
    ]
    rows = rows[rows.duplicated(["kind", "entity"], keep=False)].sort_values(["kind", "entity", "cluster_id"])
    entity = rows.groupby(["kind", "entity"], sort=True).ngroup().to_numpy()
    cluster = rows["cluster_id"].map(position).to_numpy(dtype=np.int64)
    coverage = rows["coverage"].to_numpy(dtype=np.float64)
    rarity = np.log2(np.maximum(rows["lift"].to_numpy(dtype=np.float64) / np.maximum(coverage, 1e-300), 1.0))
    shape = (len(clusters), int(entity.max()) + 1 if len(entity) else 0)
    used = csr_array((np.ones(len(rows)), (cluster, entity)), shape=shape)
    weighed = csr_array((coverage * np.sqrt(rarity), (cluster, entity)), shape=shape)
    n_shared, bits = (used @ used.T).toarray(), (weighed @ weighed.T).toarray()
    a, b = np.nonzero(np.triu(n_shared, k=1))
    return pd.DataFrame({"a": a, "b": b, "n_shared": n_shared[a, b].astype(np.int64), "bits": bits[a, b]})


def separate_discs(xy: Points, radii: Points, *, gap: float = 0.0, steps: int = 400) -> Points:
    """Push discs apart until none overlap or ``steps`` are over; larger ones move less.

    ``xy`` has shape (n, 2), ``radii`` shape (n,); positions that coincide part in fixed directions.
    """
    xy, n = xy.copy(), len(radii)
    if n < 2:
        return xy
    weight = radii**2
    angle = _GOLDEN_ANGLE * np.arange(n)
    xy += 1e-6 * np.column_stack([np.cos(angle), np.sin(angle)])
    reach = 2 * float(radii.max()) + gap
    for _ in range(steps):
        i, j = cKDTree(xy).query_pairs(reach, output_type="ndarray").T
        apart = xy[i] - xy[j]
        distance = np.maximum(np.hypot(apart[:, 0], apart[:, 1]), 1e-9)
        push = radii[i] + radii[j] + gap - distance
        close = push > 1e-3
        if not close.any():
            break
        i, j, step = i[close], j[close], (apart / distance[:, None] * push[:, None])[close]
        share = (weight[j] / (weight[i] + weight[j]))[:, None]
        for axis in (0, 1):
            xy[:, axis] += np.bincount(i, (step * share)[:, axis], n) - np.bincount(j, (step * (1 - share))[:, axis], n)
    return xy


def join_paths(*points: Points) -> tuple[list[float | None], list[float | None]]:
    """Lines through the first points, the second ones, ..., each of shape (n, 2), as one path with gaps.

    Whole pixels: a figure of thousands of curves stays small, and the eye sees no difference.
    """
    stacked = np.stack([*points, np.full_like(points[0], np.nan)], axis=1).reshape(-1, 2)
    x, y = ([None if np.isnan(v) else round(v) for v in column] for column in stacked.T.tolist())
    return x, y


def _scale_radii(sizes: Points) -> Points:
    """Radii in pixels whose discs together fill a fixed share of the drawing area, within limits."""
    if not len(sizes):
        return sizes
    fill = np.sqrt(_FILLED * BOX_WIDTH * BOX_HEIGHT / (np.pi * sizes.sum()))
    largest = _LARGEST_RADIUS / np.sqrt(sizes.max())
    return np.asarray(np.maximum(_SMALLEST_RADIUS, min(fill, largest) * np.sqrt(sizes)))


def _force_layout(n: int, links: pd.DataFrame, *, seed: int) -> Points:
    """Fruchterman-Reingold positions from a fixed spiral on; shape (n, 2)."""
    turn, radius = _GOLDEN_ANGLE * np.arange(n), np.sqrt(np.arange(n) + 0.5)
    start = np.column_stack([radius * np.cos(turn), radius * np.sin(turn)])
    if n < 2:
        return np.zeros((n, 2))
    graph = ig.Graph(n, edges=links[["a", "b"]].to_numpy())
    weights = np.log1p(links["bits"].to_numpy()) + 0.01
    with _seeded(seed):
        layout = graph.layout_fruchterman_reingold(
            weights=weights.tolist() or None, niter=500, seed=start.tolist(), grid="nogrid"
        )
    return np.array(layout.coords, dtype=np.float64)


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Let igraph draw from a generator of its own, and put Python's back."""
    ig.set_random_number_generator(random.Random(seed))  # noqa: S311  # a layout, not a secret
    try:
        yield
    finally:
        ig.set_random_number_generator(random)


def _pull_together(xy: Points, radii: Points) -> Points:
    """Keep each disc's direction from the middle and set its distance by the area of the discs nearer than it."""
    if len(xy) < 2:
        return xy
    area = radii**2
    xy = xy - np.average(xy, axis=0, weights=area)
    distance = np.hypot(xy[:, 0], xy[:, 1])
    order = np.argsort(distance.round(9), kind="stable")
    new = np.empty(len(xy))
    new[order] = 1.22 * np.sqrt(np.cumsum(area[order]) - 0.5 * area[order[0]])
    aspect = np.sqrt(BOX_WIDTH / BOX_HEIGHT)
    return np.asarray(xy / np.maximum(distance, 1e-9)[:, None] * new[:, None] * np.array([aspect, 1 / aspect]))


def _fit_box(xy: Points, radii: Points) -> tuple[Points, Points]:
    """Center the discs and shrink them, or move them apart, to fill the drawing area."""
    if not len(xy):
        return xy, radii
    low, high = (xy - radii[:, None]).min(axis=0), (xy + radii[:, None]).max(axis=0)
    xy = xy - (low + high) / 2
    scale = float((np.array([BOX_WIDTH - _EDGE, BOX_HEIGHT - _EDGE]) / (high - low)).min())
    return xy * min(scale, 1.25), radii * min(scale, 1.0)
