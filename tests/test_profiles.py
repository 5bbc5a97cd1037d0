"""Profiles: accounts that ask for the same stand close, and what all share or the data lacks is no feature."""

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from graphkit.config import Config
from graphkit.engine import open_engine
from graphkit.ingest.events import read_events
from graphkit.link.likeness import member_likeness
from graphkit.link.links import make_links
from graphkit.link.profiles import count_traits, find_traits, measure_profiles

KEY = b"a key for tests only"
RNG = np.random.default_rng(3)


def events_of(**columns) -> pd.DataFrame:
    """400 events of 40 accounts, ten each, all from one address, and what else is given."""
    account = np.repeat(np.arange(40), 10)
    return pd.DataFrame(
        {
            "account_id": [f"a{n:02}" for n in account],
            "timestamp": pd.Timestamp("2026-05-04", tz="UTC") + pd.to_timedelta(np.arange(400), unit="min"),
            "ip": "198.51.100.7",
        }
        | columns
    )


def profiles_of(events, accounts=None):
    with open_engine() as engine:
        intake = read_events(engine, events, accounts, config=Config(), key=KEY)
        traits = find_traits(engine)
        links, _ = make_links(engine, intake, config=Config(), traits=count_traits(traits))
        return measure_profiles(engine, links, traits)


def mix(share: float) -> np.ndarray:
    """A column in which accounts 0 to 9 ask for coding, and others do so with a share."""
    return np.where((np.arange(400) < 100) | (RNG.random(400) < share), "coding", "chat")


@pytest.mark.parametrize("column", ["model", "capability"])
def test_accounts_that_ask_for_the_same_stand_close(column):
    profiles = profiles_of(events_of(**{column: mix(0.3)}))
    assert profiles.shape[0] == 40
    assert profiles[:10].std() < 0.1
    assert abs(profiles[:10].mean() - profiles[10:].mean()) > 1


def test_features_are_standard_and_independent():
    capability = RNG.choice(["chat", "coding", "search"], 400, p=[0.5, 0.3, 0.2])
    profiles = profiles_of(events_of(capability=capability, model=RNG.choice(["m1", "m2"], 400)))
    covariance = np.cov(profiles.T)
    assert np.abs(covariance - np.diag(np.diag(covariance))).max() < 0.05
    assert np.diag(covariance) == pytest.approx(np.ones(3), abs=0.15)


def test_what_is_told_twice_makes_nobody_alike():
    """Each capability has a model of its own: strangers would gain bits by it."""
    capability = RNG.choice([f"c{n}" for n in range(6)], 400)
    alone = profiles_of(events_of(capability=capability))
    twice = profiles_of(events_of(capability=capability, model=np.char.replace(capability, "c", "m")))
    assert twice.shape == alone.shape
    strangers = np.where(np.arange(40) % 2, 0, -1)
    assert np.nanmean(member_likeness(twice, strangers, strangers >= 0)) < 0


@pytest.mark.parametrize("columns", [{}, {"model": "m1"}, {"capability": None}, {"model": "", "capability": "chat"}])
def test_without_a_workload_there_is_no_profile(columns):
    assert profiles_of(events_of(**columns)).shape == (40, 0)


def test_a_few_events_say_little():
    events = events_of(capability=mix(0.3), model=RNG.choice(["m1", "m2"], 400)).iloc[9:]
    distance = np.abs(profiles_of(events.drop(columns="model"))[:, 0])
    assert distance[0] < distance[1:10].min()


def test_times_of_creation_may_be_unknown():
    accounts = pd.DataFrame({"account_id": ["a00", "a01", "a02"], "created_at": ["2026-01-01", "2026-02-01", None]})
    events = events_of(capability=mix(0.3))
    assert profiles_of(events, accounts).shape[1] == profiles_of(events).shape[1] + 1
    assert np.isfinite(profiles_of(events, accounts)).all()


def test_values_are_hostile_text():
    hostile = RNG.choice(["'; DROP TABLE events; --", '"x"', "coding"], 400)
    assert profiles_of(events_of(capability=hostile)).shape[1] == 2


def test_many_values_are_bounded():
    assert profiles_of(events_of(capability=RNG.choice([f"c{n}" for n in range(100)], 400))).shape[1] <= 7


def test_profiles_do_not_depend_on_the_number_of_cores():
    code = (
        "import sys; import numpy as np; from graphkit.link.profiles import _make_independent as work; "
        "sys.stdout.buffer.write(work(np.random.default_rng(0).normal(size=(100_003, 9))).tobytes())"
    )
    made = [
        subprocess.run(
            [sys.executable, "-c", code], env=os.environ | {"OPENBLAS_NUM_THREADS": n}, capture_output=True, check=True
        ).stdout
        for n in "12"
    ]
    assert len(made[0]) == 8 * 9 * 100_003
    assert made[0] == made[1]
