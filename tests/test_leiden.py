"""Leiden on large graphs: what is joined before it works raises the quality, and cuts no community apart."""

import numpy as np
import pytest

from graphkit.detect import leiden
from graphkit.detect.leiden import begin_partition, gather_stars, partition_graph


def quality_inside(star, edges, strength, *, resolution):
    """Quality that each star adds: the strength of its edges, less the resolution times its pairs."""
    size = np.bincount(star)
    a, b = star[edges].T
    own = np.bincount(a[a == b], weights=strength[a == b], minlength=len(size))
    return own - resolution * size * (size - 1) / 2


@pytest.mark.parametrize("resolution", [0.01, 0.3, 3.0])
def test_each_star_raises_the_quality(resolution):
    random = np.random.default_rng(0)
    n = 3000
    edges = np.sort(random.integers(0, n, (40_000, 2)) ** 2 // n, axis=1)  # some vertices have many edges
    edges = np.unique(edges[edges[:, 0] < edges[:, 1]], axis=0)
    strength = random.uniform(1, 9, len(edges)).round()
    star = gather_stars(edges, strength, n=n, resolution=resolution, seed=0)
    assert np.bincount(star).max() > 2
    assert quality_inside(star, edges, strength, resolution=resolution).min() >= 0


def test_a_star_ends_where_its_edges_no_longer_make_up_for_its_size():
    leaves = np.arange(1, 2001)
    edges = np.column_stack([np.zeros_like(leaves), leaves])
    seed = next(seed for seed in range(1000) if np.random.default_rng(seed).random(2001)[0] < 0.05)
    star = gather_stars(edges, np.full(2000, 10.0), n=2001, resolution=0.1, seed=seed)
    assert np.bincount(star).max() == 101


@pytest.mark.parametrize("seed", range(5))
def test_cliques_come_out_whole_however_strong_the_bridges_between_them(seed):
    cliques = [np.arange(50) + 50 * number for number in range(20)]
    inside = np.concatenate([np.stack(np.triu_indices(50, 1), axis=1) + clique[0] for clique in cliques])
    between = np.array([[clique[-1], clique[-1] + 1] for clique in cliques[:-1]])
    edges = np.concatenate([inside, between])
    strength = np.full(len(edges), 5.0)
    found = partition_graph(edges, strength, start=np.zeros(1000, dtype=np.int64), resolution=0.1, seed=seed)
    assert all(len(set(found[clique])) == 1 for clique in cliques)
    assert len(set(found)) == 20


def test_a_process_of_its_own_finds_the_same(monkeypatch):
    monkeypatch.setattr(leiden, "_FEW_EDGES", 0)
    random = np.random.default_rng(0)
    edges = np.column_stack([random.integers(0, 250, 4000), random.integers(250, 500, 4000)]).astype(np.int32)
    strength, start = random.uniform(1, 9, 4000), np.arange(500)
    with begin_partition(edges, strength, start=start, resolution=0.3, seed=1) as wait:
        apart = wait()
    here = partition_graph(edges, strength, start=start, resolution=0.3, seed=1)
    assert apart.tolist() == here.tolist()
    assert 1 < apart.max() < 499
