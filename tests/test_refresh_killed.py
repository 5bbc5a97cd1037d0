"""A refresh that is stopped or killed: the store is as it was, nothing is left running, the next one goes on."""

import os
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import graphkit as gk
from tests.commands import children_of, finish, is_running, refresh, small_events, start, tree

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs Linux to see other processes")
_SETTINGS = "threshold_bits = 0\nhub_bits = 0\nreach = 0\nstability = false\nchance_runs = 0\n"


@pytest.fixture(scope="module")
def crowd(tmp_path_factory):
    """Events on which Leiden works for seconds: 40,000 accounts at random addresses; and settings."""
    folder = tmp_path_factory.mktemp("crowd")
    account = np.repeat(np.arange(40_000), 4)
    place = np.random.default_rng(1).integers(0, 5_000, len(account))
    addresses = [f"10.1.{number >> 8}.{number & 255}" for number in place]
    times = 1_777_900_000 + np.arange(len(account))
    frame = pd.DataFrame({"account_id": account.astype(str), "timestamp": times, "ip": addresses})
    frame.to_parquet(folder / "crowd.parquet")
    (folder / "graphkit.toml").write_text(_SETTINGS)
    return folder


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    folder = tmp_path_factory.mktemp("first")
    small_events().to_csv(folder / "small.csv", index=False)
    refresh(folder / "small.csv", folder / "store", "--no-stability")
    return folder / "store"


@pytest.fixture
def store(first, tmp_path):
    return shutil.copytree(first, tmp_path / "store")


def begin(crowd, store):
    return start("refresh", crowd / "crowd.parquet", "--store", store, "--config", crowd / "graphkit.toml")


def cpu_seconds(pid):
    used = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]
    return sum(map(int, used)) / os.sysconf("SC_CLK_TCK")


def wait_until(process, reached):
    while not reached():
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)


def wait_for_stage(process, done):
    """Read what a refresh tells until a stage is done."""
    while done not in (line := process.stderr.readline()):
        assert line, "it ended before"


def wait_for_leiden(process):
    """Wait until a process of its own is past its imports, and works; gives its id."""
    wait_for_stage(process, "weigh pairs")
    wait_until(process, lambda: any("igraph" in maps_of(child) for child in children_of(process.pid)))
    (child,) = children_of(process.pid)
    since = cpu_seconds(child)
    wait_until(process, lambda: cpu_seconds(child) > since + 0.3)
    return child


def maps_of(pid):
    return Path(f"/proc/{pid}/maps").read_text()


def left_over(store):
    return [*(store / "partials").glob(".staging-*"), *store.glob("scratch*"), *store.rglob("graphkit-*")]


@pytest.mark.parametrize(
    ("stage", "number"),
    [
        ("read events", signal.SIGINT),
        ("leiden", signal.SIGTERM),
        ("leiden", signal.SIGINT),
        ("measure activity", signal.SIGTERM),
    ],
)
def test_a_stopped_refresh_leaves_the_store_as_it_was_and_nothing_running(crowd, store, stage, number):
    before, child = tree(store), None
    process = begin(crowd, store)
    if stage == "leiden":
        child = wait_for_leiden(process)
    else:
        wait_for_stage(process, stage)
    since = time.monotonic()
    process.send_signal(number)
    ended = finish(process)
    assert time.monotonic() - since < 5
    assert (ended.code, ended.out) == (128 + number, "")
    assert ended.err.endswith("error: stopped; what was there before is as it was\n")
    assert tree(store) == before
    assert not left_over(store)
    assert child is None or not is_running(child)
    assert gk.open_store(store).verify() == []


def test_after_a_kill_the_next_refresh_goes_on_from_the_partials(crowd, store):
    process = begin(crowd, store)
    child = wait_for_leiden(process)
    process.kill()
    finish(process)
    until = time.monotonic() + 5
    while is_running(child):
        assert time.monotonic() < until, "Leiden works on for nobody"
    assert left_over(store), "it had no time to clean up"
    assert len(gk.open_store(store).list()) == 1
    again = finish(begin(crowd, store))
    assert again.code == 0, again.err
    assert "160,000 events, 0 sources read anew" in again.err
    assert not left_over(store)
    assert len(gk.open_store(store).list()) == 2
    assert gk.open_store(store).verify() == []
