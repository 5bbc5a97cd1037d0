"""Real disks: one that is full, one that is read-only; and readers that read on while others write."""

import shutil
import subprocess
from contextlib import contextmanager

import pytest

import graphkit as gk
from graphkit.snapshot import STORED_TABLES
from tests.commands import finish, refresh, run, small_events, start, tree

_DAYS = ["2026-05-06", "2026-05-07", "2026-05-08", "2026-05-09"]


@contextmanager
def mount(*arguments, at):
    """Mount something for a while; where that is not allowed the test is skipped."""
    at.mkdir(exist_ok=True)
    if not shutil.which("mount"):
        pytest.skip("needs Linux and the right to mount")
    done = subprocess.run(["mount", *arguments, str(at)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"needs the right to mount: {done.stderr.strip()}")
    try:
        yield at
    finally:
        subprocess.run(["umount", "--lazy", str(at)], check=True)


@pytest.fixture(scope="module")
def events(tmp_path_factory):
    path = tmp_path_factory.mktemp("events") / "Ereignisse im Mai.csv"
    small_events().to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def first(events):
    """A store of one snapshot, whose path has blanks and letters beyond ASCII."""
    store = events.parent / "Läufe 日本 'x' [1]"
    refresh(events, store, "--no-stability", "--as-of", "2026-05-05")
    return store


def fill(folder, *, leave):
    """Fill a file system up to some pages of 4 kB."""
    free = shutil.disk_usage(folder).free
    (folder.parent / "filler").write_bytes(bytes(max(0, free - leave * 4096)))


def test_a_full_disk_stops_a_refresh_cleanly_wherever_it_is_full(first, events, tmp_path):
    with mount("-t", "tmpfs", "-o", "size=4m,nr_inodes=500", "tmpfs", at=tmp_path / "disk") as disk:
        store = shutil.copytree(first, disk / "store")
        shutil.rmtree(store / "partials")
        before = tree(store)
        for leave, full in [(0, "lock.json"), (2, "scratch"), (10, "scratch"), (30, "snapshots/.staging")]:
            fill(store, leave=leave)
            ended = run("refresh", events, "--store", store, "--no-stability", "--as-of", "2026-05-06")
            (disk / "filler").unlink()
            assert ended.code == 1
            assert full in ended.err
            assert "No space left on device" in ended.err or "is full; free some space" in ended.err
            assert tree(store) == before
            assert gk.open_store(store).verify() == []
            assert len(gk.open_store(store).list()) == 1
        refresh(events, store, "--no-stability", "--as-of", "2026-05-06")
        assert len(gk.open_store(store).list()) == 2
        assert gk.open_store(store).verify() == []


def test_a_read_only_mount_is_read_and_says_why_it_cannot_be_written(first, events, tmp_path):
    (cluster,) = gk.open_store(first).latest().clusters["cluster_id"]
    with mount("--bind", str(first), at=tmp_path / "nur lesen") as store:
        subprocess.run(["mount", "-o", "remount,ro,bind", str(store)], check=True)
        for command in (
            ["list", store],
            ["verify", store],
            ["report", store, "-o", tmp_path / "report.html"],
            ["explain", store, cluster],
            ["history", store, cluster],
            ["reviews", store],
            ["prune", store, "--dry-run", "--keep", "1"],
        ):
            ended = run(*command)
            assert ended.code == (1 if command[0] == "prune" else 0), ended.err
        for command in (
            ["refresh", events, "--store", store],
            ["review", store, cluster, "watch", "--author", "A. Analyst"],
        ):
            ended = run(*command)
            assert (ended.code, ended.err.count("Read-only file system")) == (1, 1), ended.err


def test_readers_never_meet_a_half_while_two_refreshes_at_a_time_run(first, events, tmp_path):
    store, seen = shutil.copytree(first, tmp_path / "store"), set()
    pairs = [_DAYS[:2], _DAYS[2:]]
    for pair in pairs:
        running = [
            start("refresh", events, "--store", store, "--no-stability", "--as-of", day, "--wait", "60") for day in pair
        ]
        while any(process.poll() is None for process in running):
            opened = gk.open_store(store)
            latest = opened.latest()
            for name in STORED_TABLES:
                assert len(latest.table(name)) == latest.content["tables"][name]["rows"]
            assert all("a writer is at work" in problem.problem for problem in opened.verify())
            seen.add(len(opened.list()))
        assert [finish(process).code for process in running] == [0, 0], "the second waited"
    assert len(seen) >= 3, "it was read before, between and after"
    assert len(gk.open_store(store).list()) == 5
    assert gk.open_store(store).verify() == []
