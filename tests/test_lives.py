"""The whole flow, a refresh a day, against lives whose truth is known."""

from datetime import timedelta
from functools import partial

import pytest

import graphkit as gk
from graphkit.lab.following import judge_lives
from graphkit.lab.lives import live
from graphkit.snapshot import STORED_TABLES

CONFIG = gk.Config.model_validate({"look_back": "1d", "stability": False, "chance_runs": 0})


@pytest.fixture(scope="module")
def lives():
    return live(n_accounts=1_500, seed=7)


def refresh(store, day, *, lives):
    first = lives.members["day"].min()
    return gk.refresh_store(lives.events, store, config=CONFIG, as_of=first + timedelta(days=day))


def make_store(path):
    path.mkdir()
    (path / "key").write_text("a key that both stores have\n")
    (path / "key").chmod(0o600)
    return path


@pytest.fixture(scope="module")
def store(lives, tmp_path_factory):
    path = make_store(tmp_path_factory.mktemp("lives") / "store")
    for day in range(20):
        refresh(path, day, lives=lives)
    return gk.open_store(path)


@pytest.fixture(scope="module")
def followed(store, lives):
    return judge_lives([store.load(name) for name in store.list()["snapshot_id"]], lives, look_back=1)


def test_farms_keep_their_ids(followed):
    assert len(followed.farm_days) > 150
    assert followed.share_right >= 0.98


def test_every_turn_is_told_once_on_the_right_day_and_none_is_invented(followed):
    assert followed.turns["n_true"].sum() == 18
    assert followed.wrong_turns.empty, followed.wrong_turns


def test_the_judge_can_tell_wrong_from_right(store, lives):
    """A lineage that is one day late, and one that lost a snapshot's events, are found out."""
    snapshots = [store.load(name) for name in store.list()["snapshot_id"]]
    assert not judge_lives(snapshots, lives, look_back=2).wrong_turns.empty
    assert not judge_lives(snapshots[:6] + snapshots[7:], lives, look_back=1).wrong_turns.empty
    others = live(n_accounts=1_500, seed=8)
    others.members["farm"] = others.members["farm"].sample(frac=1, random_state=0).to_numpy()
    assert judge_lives(snapshots, others, look_back=1).share_right < 0.5


def test_the_same_history_again_has_the_same_bytes(store, lives, tmp_path):
    again = make_store(tmp_path / "store")
    ids = store.list()["snapshot_id"].tolist()
    for day, snapshot in enumerate(map(partial(refresh, again, lives=lives), range(8))):
        expected = store.load(ids[day])
        assert snapshot.id == expected.id
        assert all(snapshot.read_bytes(name) == expected.read_bytes(name) for name in STORED_TABLES)
