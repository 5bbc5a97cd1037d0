"""Chance: links dealt at random keep their degrees and lose what was hidden in them."""

import numpy as np
import pytest

import graphkit as gk
from graphkit.config import Config
from graphkit.detect.chance import ChanceRun, deal_at_random, expect_by_chance, shuffle_links
from tests.small import events_of, links_of

KEY = b"a key for tests only"


def random_uses(n_accounts: int, n_entities: int, per_account: int) -> dict[str, dict[str, str]]:
    rng = np.random.default_rng(0)
    return {
        f"a{n:04}": {"ip": " ".join(f"x{e}" for e in rng.choice(n_entities, per_account, replace=False))}
        for n in range(n_accounts)
    }


def farm(n: int) -> dict[str, dict[str, str]]:
    return {f"farm{i}": {"ip": "f1 f2 f3", "card": "c1 c2"} for i in range(n)}


@pytest.mark.parametrize("seed", [0, 1])
def test_dealing_keeps_degrees_and_kinds_and_repeats_no_link(seed):
    links = links_of(random_uses(200, 80, 4) | farm(12), n_population=10**4)
    dealt = shuffle_links(links, np.random.default_rng(seed))
    assert len(set(zip(dealt.account, dealt.entity, strict=True))) == len(dealt.account)
    assert len(dealt.account) >= 0.98 * len(links.account)
    for ends in ("account", "entity"):
        before, after = (np.bincount(getattr(one, ends), minlength=400) for one in (links, dealt))
        assert (after <= before).all()
    slots = (np.bincount(one.account * 2 + one.entity_kind()[one.entity], minlength=1_000) for one in (links, dealt))
    assert (next(slots) >= next(slots)).all()
    assert (np.diff(dealt.account * 10_000 + dealt.entity) > 0).all()


def test_dealing_dissolves_a_farm():
    ring = {f"farm{n}": {"ip": "f1 f2 f3"} for n in range(12)}
    links = links_of(random_uses(300, 250, 3) | ring, n_population=10**5)
    runs = list(deal_at_random(links, config=Config(kinds={"ip": {}}, chance_runs=3), key=KEY))
    assert len(runs) == 3
    assert max(run.sizes.max(initial=0) for run in runs) < 6


def test_runs_differ_and_repeat():
    links = links_of(random_uses(300, 120, 5), n_population=2_000)
    config = Config(kinds={"ip": {}}, chance_runs=2, margin=-4)
    one, other = deal_at_random(links, config=config, key=KEY)
    assert one.n_pairs != other.n_pairs
    assert [run.n_pairs for run in deal_at_random(links, config=config, key=KEY)] == [one.n_pairs, other.n_pairs]


def test_expected_clusters_are_as_large_as_dense_and_as_alike():
    runs = [
        ChanceRun(9, np.array([10, 4]), np.array([1.0, 6.0]), np.array([0.0, 2.0])),
        ChanceRun(9, np.array([3]), np.array([9.0]), np.array([1.0])),
    ]
    sizes, densities = np.array([3, 4, 10, 11]), np.array([5.0, 6.0, 0.5, 0.1])
    assert expect_by_chance(sizes, densities, np.full(4, -1.0), runs=runs).tolist() == [1.0, 0.5, 0.5, 0.0]
    assert expect_by_chance(sizes, densities, np.array([1.5, 2.0, 0.0, 0.0]), runs=runs).tolist() == [
        0.5,
        0.5,
        0.5,
        0.0,
    ]
    assert np.isnan(expect_by_chance(sizes, densities, densities, runs=[])).all()


def test_a_snapshot_tells_what_chance_makes():
    uses = {f"farm{n}": {"ip": "198.51.100.7", "prompt_template": "t"} for n in range(8)}
    found = gk.analyze(events_of(uses, bystanders=2_000), config=gk.Config(chance_runs=3))
    assert len(found.content["chance"]) == 3
    assert found.clusters["expected_by_chance"].notna().all()


def test_kinds_with_within_alone_leave_nothing_to_deal():
    uses = {f"a{n}": {"ip": "198.51.100.7"} for n in range(8)}
    config = gk.Config(kinds={"ip": {"within": "1h"}})
    found = gk.analyze(events_of(uses, bystanders=2_000), config=config)
    assert found.content["chance"] == []
    assert found.clusters["expected_by_chance"].isna().all()
