"""Communities: planted groups come out whole by every method, numbered by size, the same each time."""

import random
from dataclasses import replace

import numpy as np
import pytest

from graphkit.config import Config
from graphkit.detect.communities import choose_resolution, find_communities, keep_alike
from graphkit.link.pairs import sample_pairs
from graphkit.link.weights import weigh_pairs
from tests.small import NO_CO_USES, links_of

USES = (
    {f"a{n}": {"ip": f"x y{n % 2}", "card": "c"} for n in range(4)}
    | {f"b{n}": {"ip": "p", "card": f"d{n // 2}"} for n in range(7)}
    | {f"c{n}": {"ip": "q"} for n in range(2)}
    | {f"d{n}": {"ip": f"own{n}"} for n in range(5)}
)


def communities(uses=USES, **settings):
    links = links_of(uses, n_population=10**5)
    config = Config(**{"kinds": {"ip": {}, "card": {"prior": 8}}, "margin": -4} | settings)
    candidates = sample_pairs(links, co_uses=NO_CO_USES, config=config, key=b"a key for tests only")
    pairs, _ = weigh_pairs(candidates, links, co_uses=NO_CO_USES, config=config)
    found = find_communities(pairs, links, config=config)
    return dict(zip(links.accounts["account_id"].to_pylist(), found, strict=True))


@pytest.mark.parametrize("method", ["pairs", "multiplex", "bipartite"])
def test_planted_groups_come_out_whole(method):
    found = communities(method=method)
    assert {found[f"b{n}"] for n in range(7)} == {0}
    assert {found[f"a{n}"] for n in range(4)} == {1}
    assert {found[name] for name in found if name[0] in "cd"} == {-1}


def test_smallest_size_is_a_setting():
    assert communities(min_cluster_size=2)["c0"] == 2
    assert communities(min_cluster_size=5)["a0"] == -1


def test_no_link_at_all_is_no_community():
    assert set(communities({"a": {"ip": "x"}, "b": {"ip": "y"}}).values()) == {-1}


def test_neither_depends_on_nor_disturbs_the_global_generator():
    random.seed(1)
    one = communities()
    state = random.getstate()
    random.seed(2)
    assert communities() == one
    random.seed(1)
    assert random.getstate() == state


@pytest.mark.parametrize(("n", "resolution"), [(50_000, 0.01), (1_000_000, 0.002236), (200_000, 0.005)])
def test_resolution_falls_with_the_population(n, resolution):
    assert choose_resolution(Config(), n) == pytest.approx(resolution, rel=1e-3)
    assert choose_resolution(Config(resolution=0.5), n) == np.float64(0.5)


def test_likeness_alone_binds_nobody():
    uses = {f"a{n}": {"ip": "x" if n < 4 else f"own{n} y"} for n in range(6)}
    links = replace(links_of(uses, n_population=1000), profiles=np.full((6, 8), 3.0))
    config = Config(kinds={"ip": {}}, threshold_bits=4)
    pairs, _ = weigh_pairs(np.array([1, 2, 8, 9, 15]), links, co_uses=NO_CO_USES, config=config)
    assert keep_alike(np.zeros(6, dtype=np.int64), pairs, links, config=config).tolist() == [0, 0, 0, 0, -1, -1]
