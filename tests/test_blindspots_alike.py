"""Blind spots where behavior counts: the same planted farms, behaving like anybody and behaving alike."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import graphkit as gk
from graphkit.lab.backdrop import Backdrop, read_backdrop, rebuild_backdrop
from graphkit.lab.blindspots import measure_blind_spots
from graphkit.lab.planting import ALIKE_CORRELATION, FarmGrade, behave_alike, plant_farms
from graphkit.snapshot import build_snapshot
from tests.small import NO_CO_USES, links_of

DILUTED = FarmGrade(("ip",), 60, 2, 4)
CONFIG = gk.Config(stability=False, chance_runs=0)
KINDS = gk.Config(kinds={"ip": {}})


@pytest.fixture(scope="module")
def world():
    return gk.synthesize(n_accounts=4_000, n_events=80_000, seed=1)


@pytest.fixture(scope="module")
def snapshot(world):
    return gk.analyze(world.events, world.accounts, CONFIG)


@pytest.fixture(scope="module")
def backdrop():
    """Two hundred accounts of two features that behave as differently as any."""
    uses = {f"a{n:03}": {"ip": f"x{n // 2}"} for n in range(200)}
    profiles = np.random.default_rng(0).standard_normal((200, 2))
    links = replace(links_of(uses, n_population=20_000), profiles=profiles)
    return Backdrop(links, NO_CO_USES, np.ones(200, dtype=bool), exact=True)


def plant(backdrop):
    return plant_farms(backdrop, [FarmGrade(("ip",), 5_000, 1, 4)] * 2, config=KINDS, seed=[0])


def test_planted_accounts_behave_like_those_they_are_modeled_on(backdrop):
    planted = plant(backdrop)
    before = {tuple(profile) for profile in backdrop.links.profiles.tolist()}
    assert planted.links.profiles[:200].tolist() == backdrop.links.profiles.tolist()
    assert {tuple(profile) for profile in planted.links.profiles[200:].tolist()} <= before


def test_those_alike_vary_about_a_middle_of_their_farm(backdrop):
    planted = plant(backdrop)
    alike = behave_alike(planted, seed=[0])
    assert np.array_equal(alike.links.profiles[:200], backdrop.links.profiles)
    assert np.array_equal(alike.links.entity, planted.links.entity)
    one, other = (alike.links.profiles[alike.farm == farm] for farm in (0, 1))
    spread = planted.links.profiles[planted.farm == 0].var(axis=0)
    assert one.var(axis=0) == pytest.approx((1 - ALIKE_CORRELATION) * spread)
    assert abs(one.mean(axis=0) - other.mean(axis=0)).max() > 0.5
    again, another = (behave_alike(planted, seed=[seed]).links.profiles for seed in (0, 1))
    assert np.array_equal(again, alike.links.profiles)
    assert not np.array_equal(another, again)


@pytest.mark.parametrize("exact", [True, False])
def test_a_diluted_farm_shows_only_if_its_accounts_behave_alike(snapshot, world, exact):
    backdrop = read_backdrop(snapshot, world.events, world.accounts) if exact else rebuild_backdrop(snapshot)
    assert backdrop.links.profiles.shape == (len(backdrop.links.accounts), snapshot.content["resolved"]["n_features"])
    grades = measure_blind_spots(snapshot, grades=[DILUTED], backdrop=backdrop)
    assert grades["alike"].tolist() == [False, True]
    as_anybody, alike = grades["recall"]
    assert as_anybody < 0.4
    assert alike > 0.7
    assert grades["exact"].tolist() == [exact] * 2
    pd.testing.assert_frame_equal(grades, measure_blind_spots(snapshot, grades=[DILUTED], backdrop=backdrop))


def test_behavior_that_the_snapshot_left_out_is_left_out(world, snapshot):
    unmeasured = world.events.drop(columns=["model", "capability"])
    others = [
        gk.analyze(world.events, world.accounts, CONFIG.model_copy(update={"reach": 0})),
        gk.analyze(unmeasured, world.accounts, CONFIG),
        gk.analyze(world.events, world.accounts, CONFIG.model_copy(update={"method": "multiplex"})),
        _forget_features(snapshot),
    ]
    for other in others:
        grades = measure_blind_spots(other, grades=[DILUTED], replicates=1)
        assert grades["alike"].tolist() == [False]
    assert [other.content["resolved"].get("n_features") for other in others] == [0, 0, 12, None]


def _forget_features(snapshot):
    """The same snapshot as it was made before the number of features was told."""
    content = dict(snapshot.content)
    content["resolved"] = {name: value for name, value in content["resolved"].items() if name != "n_features"}
    tables = {name: snapshot.table(name) for name in content.pop("tables")}
    for name in ("digest", "as_of"):
        del content[name]
    return build_snapshot(tables, as_of=snapshot.as_of, content=content, run={})
