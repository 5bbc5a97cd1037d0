"""Stopped, crowded out or out of disk: the store stays as it was, and a word says why."""

import os
import resource
import signal
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

import graphkit as gk
from tests.commands import finish, refresh, run, small_events, start, tree


@contextmanager
def _full_disk(limit):
    """Let no file grow beyond ``limit`` bytes: a write fails as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def store(tmp_path):
    small_events().to_csv(tmp_path / "small.csv", index=False)
    refresh(tmp_path / "small.csv", tmp_path / "store")
    return tmp_path / "store"


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """A file that takes seconds to read."""
    path = tmp_path_factory.mktemp("many") / "many.csv"
    gk.synthesize(n_accounts=10_000, n_events=200_000, seed=1).events.to_csv(path, index=False)
    text = path.read_bytes()
    path.write_bytes(text + text[text.index(b"\n") + 1 :] * 7)
    return path


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stopped_refresh_leaves_nothing(store, many, number, code):
    before = tree(store)
    process = start("refresh", many, "--store", store)
    while not list((store / "scratch").glob("graphkit-*/*")):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(number)
    ended = finish(process)
    assert (ended.code, ended.out) == (code, "")
    assert ended.err == "error: stopped; what was there before is as it was\n"
    assert tree(store) == before
    assert gk.open_store(store).verify() == []


def test_a_locked_store_names_who_holds_it_and_readers_read_on(store, tmp_path):
    with gk.open_store(store).lock():
        held = finish(start("refresh", tmp_path / "small.csv", "--store", store))
        assert run("list", store).code == 0
        assert run("report", store, "-o", tmp_path / "r.html").code == 0
    assert (held.code, held.out) == (1, "")
    assert f"another writer holds the store (process {os.getpid()} on " in held.err
    assert refresh(tmp_path / "small.csv", store)["counts"]["clusters"] == 1


def test_who_waits_gets_the_store(store, tmp_path):
    with gk.open_store(store).lock():
        waiting = start("refresh", tmp_path / "small.csv", "--store", store, "--wait", "60", "--json")
        time.sleep(0.5)
        assert waiting.poll() is None
    assert finish(waiting).code == 0


def test_a_disk_that_fills_while_events_are_staged(store, many):
    before = tree(store)
    with _full_disk(2_000_000):
        ended = run("refresh", many, "--store", store)
    assert ended.code == 1
    assert "the disk of the scratch folder (the store's own, or TMPDIR) is full; free some space" in ended.err
    assert tree(store) == before


def test_a_disk_that_fills_while_the_snapshot_is_staged(store, tmp_path):
    before = tree(store)
    with _full_disk(3_000):  # the events are read already
        ended = run("refresh", tmp_path / "small.csv", "--store", store, "--look-back", "1d")
    assert ended.code == 1
    assert "cannot be written: File too large; the store is as it was before" in ended.err
    assert tree(store) == before


def test_output_that_no_one_reads_is_no_crash(store):
    process = start("list", store)
    process.stdout.close()
    assert process.wait(60) == 1
    assert process.stderr.read() == ""
    process.stderr.close()
    with Path("/dev/full").open("w") as full:
        ended = finish(start("list", store, stdout=full))
    assert (ended.code, ended.err) == (1, "error: No space left on device\n")
