"""Where things stand: the force layout of the cluster graph, and discs pushed apart."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain

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
MOST_CLUSTERS = 5_000
"""Clusters that are drawn; the largest ones."""
MOST_FORCED = 400
"""Clusters that forces place, the largest ones; where there are more, the rest stand by what they share most with."""

_LARGEST_RADIUS = 105.0
_SMALLEST_RADIUS, _SMALLEST_OF_MANY = 4.0, 1.8
_GAP, _GAP_OF_MANY = 5.0, 0.8
_STEPS_OF_MANY = 150
_KEPT_OF_MANY = 8
_BLOCK = 100
_FILLED = 0.34
_EDGE = 4.0
_VISIBLE = 0.1
"""Pixels by which discs may overlap unseen."""
_GOLDEN_ANGLE = np.pi * (3 - np.sqrt(5))


def overview_layout(clusters: pd.DataFrame, evidence: pd.DataFrame, *, seed: int) -> pa.Table:
    """Lay out the clusters of 5 accounts or more, at most 5,000 of them, by what they share.

    Fruchterman-Reingold on the graph of cross-links of the 400 largest, the others beside what they share most with;
    pulled together into a disc, discs pushed apart.

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
    many = len(drawn) > MOST_FORCED
    sizes = drawn["n_accounts"].to_numpy(dtype=np.float64)
    radii = _scale_radii(sizes, least=_SMALLEST_OF_MANY if many else _SMALLEST_RADIUS)
    links = cross_links(drawn, evidence)
    forced = links[links["b"] < MOST_FORCED]
    xy = _force_layout(min(len(drawn), MOST_FORCED), forced, seed=seed)
    xy = _pull_together(_place_rest(xy, len(drawn), links) if many else xy, radii)
    gap, steps = (_GAP_OF_MANY, _STEPS_OF_MANY) if many else (_GAP, 400)
    xy, radii = _fit_box(separate_discs(xy, radii, gap=gap, steps=steps), radii)
    columns = {"figure": ["overview"] * len(drawn), "name": drawn["cluster_id"].tolist()}
    numbers = {"x": xy[:, 0].round(2), "y": xy[:, 1].round(2), "size": radii.round(2)}
    return pa.table({**columns, **numbers}, schema=TABLES["layout"].schema()).sort_by("name")


def choose_clusters(clusters: pd.DataFrame, *, most: int = MOST_CLUSTERS) -> pd.DataFrame:
    """The rows of ``clusters`` that an overview draws, largest first."""
    large = clusters[clusters["n_accounts"] >= LEAST_ACCOUNTS]
    ordered = large.sort_values(["n_accounts", "cluster_id"], ascending=[False, True], ignore_index=True)
    return ordered.head(most)


def cross_links(clusters: pd.DataFrame, evidence: pd.DataFrame) -> pd.DataFrame:
    """Entities that two clusters both use; of more than 400 clusters, those to the eight that share most with each.

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
    most = None if len(clusters) <= MOST_FORCED else _KEPT_OF_MANY
    blocks = [_link_block(used, weighed, start, most=most) for start in range(0, len(clusters), _BLOCK)]
    links = pd.concat(blocks) if blocks else _link_block(used, weighed, 0, most=most)
    return links.drop_duplicates(["a", "b"]).sort_values(["a", "b"], ignore_index=True)


def _link_block(used: csr_array, weighed: csr_array, start: int, *, most: int | None) -> pd.DataFrame:
    """Cross-links of some clusters, from ``start`` on: to all others, or to the ``most`` that share most with each."""
    end = min(start + _BLOCK, used.shape[0])
    n_shared, bits = (used[start:end] @ used.T).toarray(), (weighed[start:end] @ weighed.T).toarray()
    own = np.arange(end - start)
    n_shared[own, own + start] = 0
    if most is not None:
        strength, chosen = np.where(n_shared > 0, bits, -1.0), np.zeros(n_shared.shape, dtype=bool)
        for _ in range(most):
            strongest = strength.argmax(axis=1)  # of equals the first
            chosen[own, strongest], strength[own, strongest] = True, -1.0
        n_shared[~chosen] = 0
    one, other = np.nonzero(n_shared)
    a, b = np.minimum(one + start, other), np.maximum(one + start, other)
    return pd.DataFrame({"a": a, "b": b, "n_shared": n_shared[one, other].astype(np.int64), "bits": bits[one, other]})


def _place_rest(xy: Points, n: int, links: pd.DataFrame) -> Points:
    """Positions of ``n`` clusters of which the first are placed: the others beside what they share most with.

    Those that share nothing with one that is placed stand around all of them.
    """
    placed = len(xy)
    ends = links[(links["a"] < placed) & (links["b"] >= placed)]
    best = ends.sort_values(["bits", "a"], ascending=[False, True]).drop_duplicates("b")
    reach = float(np.hypot(xy[:, 0], xy[:, 1]).max())
    angle = _GOLDEN_ANGLE * np.arange(placed, n)
    around = np.column_stack([np.cos(angle), np.sin(angle)])
    rest = 1.1 * reach * around
    anchored = best["b"].to_numpy() - placed
    rest[anchored] = xy[best["a"].to_numpy()] + 0.03 * reach * around[anchored]
    return np.vstack([xy, rest])


def separate_discs(xy: Points, radii: Points, *, gap: float = 0.0, steps: int = 400) -> Points:
    """Push discs apart until all have half of the gap, none visibly overlap, or ``steps`` are over; larger move less.

    ``xy`` has shape (n, 2), ``radii`` shape (n,); positions that coincide part in fixed directions.
    """
    xy, n = xy.copy(), len(radii)
    if n < 2:
        return xy
    weight = radii**2
    angle = _GOLDEN_ANGLE * np.arange(n)
    xy += 1e-6 * np.column_stack([np.cos(angle), np.sin(angle)])
    sizes = _split_sizes(radii)
    slack, moved = float(radii.mean()) if n <= MOST_FORCED else 0.0, np.inf  # some of many move far in each step
    for _ in range(steps):
        if 2 * moved >= slack:  # two that were farther apart may have met
            i, j = _near_pairs(xy, radii, sizes, gap=gap + slack)
            reach, share, moved = radii[i] + radii[j] + gap, weight[j] / (weight[i] + weight[j]), 0.0
        apart = xy[i] - xy[j]
        distance = np.maximum(np.hypot(apart[:, 0], apart[:, 1]), 1e-9)
        push = np.maximum(reach - distance, 0)
        if push.max(initial=0) <= max(_VISIBLE, gap / 2):
            break
        step = apart * (push / distance)[:, None]
        shift = np.empty_like(xy)
        for axis in (0, 1):
            one, other = step[:, axis] * share, step[:, axis] * (1 - share)
            shift[:, axis] = np.bincount(i, one, n) - np.bincount(j, other, n)
        xy += shift
        moved += float(np.hypot(shift[:, 0], shift[:, 1]).max())
    return xy


def _split_sizes(radii: Points) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Places of the few large discs of many, which are looked up apart, so that small ones have few near them."""
    order = np.argsort(-radii, kind="stable")
    n_large = len(radii) // 20 if len(radii) > MOST_FORCED else 0
    return order[:n_large], np.sort(order[n_large:])


def _near_pairs(
    xy: Points, radii: Points, sizes: tuple[NDArray[np.int64], NDArray[np.int64]], *, gap: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of discs with less than the gap between them; ``sizes`` as ``_split_sizes`` gives them."""
    large, small = sizes
    tree, most = cKDTree(xy[small]), float(radii[small].max())
    i, j = small[tree.query_pairs(2 * most + gap, output_type="ndarray").T]
    met = tree.query_ball_point(xy[large], radii[large] + most + gap)
    one, other = np.triu_indices(len(large), 1)
    i = np.concatenate([i, large[one], np.repeat(large, [len(each) for each in met])])
    j = np.concatenate([j, large[other], small[np.fromiter(chain.from_iterable(met), np.int64)]])
    x, y = np.ascontiguousarray(xy.T)
    near = (x[i] - x[j]) ** 2 + (y[i] - y[j]) ** 2 < (radii[i] + radii[j] + gap) ** 2
    return i[near], j[near]


def join_paths(*points: Points) -> tuple[list[float | None], list[float | None]]:
    """Lines through the first points, the second ones, ..., each of shape (n, 2), as one path with gaps.

    Whole pixels: a figure of thousands of curves stays small, and the eye sees no difference.
    """
    stacked = np.stack([*points, np.full_like(points[0], np.nan)], axis=1).reshape(-1, 2)
    x, y = ([None if np.isnan(v) else round(v) for v in column] for column in stacked.T.tolist())
    return x, y


def _scale_radii(sizes: Points, *, least: float) -> Points:
    """Radii in pixels whose discs together fill a fixed share of the drawing area, within limits."""
    if not len(sizes):
        return sizes
    fill = np.sqrt(_FILLED * BOX_WIDTH * BOX_HEIGHT / (np.pi * sizes.sum()))
    largest = _LARGEST_RADIUS / np.sqrt(sizes.max())
    return np.asarray(np.maximum(least, min(fill, largest) * np.sqrt(sizes)))


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
