import subprocess
import sys

import pytest

import graphkit as gk
from graphkit.errors import StoreLockedError, UsageError
from graphkit.store.store import open_store
from tests.past_world import FIRST, add_day, follow, id_of, words

A, B = words("a", 0, 20), words("b", 0, 12)
_HOLD = """
import sys
import graphkit as gk
with gk.open_store(sys.argv[1]).lock():
    print(flush=True)
    sys.stdin.read()
"""
_KILLED = """
import os, shutil, signal, sys
import graphkit as gk
shutil.rmtree = lambda path: os.kill(os.getpid(), signal.SIGKILL)
gk.prune_store(sys.argv[1], keep=1)
"""
DAYS = [[A, B], [f"{A} {B}"], [A, B], [B], [B], [A, B], [A, B]]


@pytest.fixture
def store(tmp_path):
    made = open_store(tmp_path / "store", create=True)
    for snapshot in follow(*DAYS, key=made.key()):
        made.publish(snapshot)
    return made


def days(ids):
    return [name[6:8] for name in ids]


@pytest.mark.parametrize(
    ("keep", "removed"), [(1, ["01", "02", "03", "04", "05"]), (3, ["01", "02", "03"]), (6, []), (7, []), (30, [])]
)
def test_the_newest_and_their_parents_stay(store, keep, removed):
    would = gk.prune_store(store, keep=keep, dry_run=True)
    assert len(store.list()) == 7
    done = gk.prune_store(store.path, keep=keep)
    assert done == would
    assert days(done.removed) == removed
    left = [day for day in ("01", "02", "03", "04", "05", "06", "07") if day not in removed]
    assert days(store.list()["snapshot_id"]) == left
    assert days(done.kept_for_lineage) == left[:-keep]
    assert not store.verify()
    assert gk.prune_store(store, keep=keep).removed == ()


def test_what_a_review_looked_at_stays_and_its_verdict_with_it(store):
    a = id_of(store.latest(), "a00")
    gk.review(store, a, "benign", author="Ann", snapshot_id="20260502")
    done = gk.prune_store(store, keep=2)
    assert days(done.kept_for_reviews) == ["02"]
    row = store.latest().clusters.set_index("cluster_id").loc[a]
    assert (row["verdict"], row["verdict_basis"], row["verdict_covers"]) == ("benign", "own", 1.0)


def test_ids_histories_and_bytes_of_the_next_day_are_the_same_after_pruning(store):
    next_day = {"day": FIRST.replace(day=8), "clusters": [f"{A} {B}"], "key": store.key()}
    expected, a = add_day(store.latest(), **next_day), id_of(store.latest(), "a00")
    life = gk.cluster_history(store, a)
    gk.prune_store(store, keep=1)
    assert add_day(store.latest(), **next_day).id == expected.id
    left = gk.cluster_history(store, a)
    turns = life[life["event"].isin(["birth", "merge", "split", "death", "resurrection"])]
    for column in ("day", "event", "n_accounts"):
        gone = left.loc[left["snapshot_id"].isna(), column].tolist()
        assert gone == turns.loc[turns["day"] < FIRST.replace(day=6), column].tolist()
        assert len(gone) == 4


def test_readers_never_see_half_and_a_killed_pruning_is_taken_up(store):
    subprocess.run([sys.executable, "-c", _KILLED, str(store.path)], check=False)
    assert days(store.list()["snapshot_id"]) == ["02", "03", "04", "05", "06", "07"]
    assert days(gk.prune_store(store, keep=1).removed) == ["02", "03", "04", "05"]
    assert not store.verify()


def test_it_waits_for_no_writer_and_refuses_nonsense(store):
    with pytest.raises(UsageError, match="keep: got 0"):
        gk.prune_store(store, keep=0)
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(store.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        holder.stdout.readline()
        with pytest.raises(StoreLockedError, match="another writer holds the store"):
            gk.prune_store(store, keep=1)
        holder.communicate()
    assert len(store.list()) == 7
