"""What a person should see today, and each of it once."""

import pytest

import graphkit as gk
from graphkit.config import Config
from graphkit.store.store import open_store
from tests.past_world import follow, id_of, words

A, B = words("a", 0, 20), words("b", 0, 12)


class Nights:
    """A store that is refreshed every night, and what each night tells."""

    def __init__(self, path, **alerts):
        self.store = open_store(path, create=True)
        self.config = Config.model_validate({"alerts": alerts})
        self.number = -1
        self.snapshot = None

    def night(self, day):
        self.number += 1
        made = follow(*[None] * self.number, day, config=self.config, key=self.store.key(), parent=self.snapshot)
        self.snapshot = self.store.publish(made[-1])
        return self.tell()

    def tell(self):
        found = gk.find_alerts(self.store, self.snapshot)
        gk.note_alerts(self.store, found)
        return [(alert["alert"], alert["cluster_id"]) for alert in found]

    def review(self, account, verdict):
        gk.review(self.store, id_of(self.snapshot, account), verdict, author="Ann")


@pytest.fixture
def nights(tmp_path):
    return lambda **alerts: Nights(tmp_path / "store", **alerts)


def test_a_new_cluster_is_told_once(nights):
    job = nights()
    (told,) = job.night([A])
    a = id_of(job.snapshot, "a00")
    assert told == ("new_cluster", a)
    assert job.tell() == [], "the same state again"
    assert job.night([A]) == []


@pytest.mark.parametrize(
    ("alerts", "day", "told"),
    [
        ({"score": 0.9}, {"clusters": [A], "score": 0.9}, 1),
        ({"score": 0.91}, {"clusters": [A], "score": 0.9}, 0),
        ({}, {"clusters": [words("a", 0, 5)]}, 1),
        ({}, {"clusters": [words("a", 0, 4)]}, 0),
        ({"least_accounts": 3}, {"clusters": [words("a", 0, 4)]}, 1),
    ],
)
def test_thresholds_are_settings(nights, alerts, day, told):
    assert len(nights(**alerts).night(day)) == told


def test_a_cluster_whose_score_rises_is_new_when_it_reaches_the_threshold(nights):
    job = nights()
    assert job.night({"clusters": [A], "score": 0.2}) == []
    assert job.night({"clusters": [A], "score": 0.8}) == [("new_cluster", id_of(job.snapshot, "a00"))]


def test_slow_growth_is_told_when_it_adds_up(nights):
    job = nights(growth=0.5)
    told = [[alert for alert, _ in job.night([words("a", 0, n)])] for n in range(20, 50, 2)]
    assert told[0] == ["new_cluster"]
    grown = [20 + 2 * place for place, alerts in enumerate(told) if alerts == ["growth"]]
    assert grown == [30, 46], "by half of 20, and then by half of 30: 45 or more"


def test_a_return_is_told_each_time(nights):
    job = nights()
    job.night([A, B])
    a = id_of(job.snapshot, "a00")
    assert job.night([B]) == []
    assert job.night({"clusters": [A, B], "score": 0.1}) == [("resurrection", a)], "it was told once, so it is told"
    assert job.night([B]) == []
    assert job.night([A, B]) == [("resurrection", a)]


def test_a_reviewed_cluster_is_not_new(nights):
    job = nights()
    job.night({"clusters": [A, B], "score": 0.1})
    job.review("a00", "confirmed")
    job.review("b00", "benign")
    assert job.night([A, B]) == []
    assert job.night({"clusters": [words("a", 0, 30), B], "score": 0.1}) == [("growth", id_of(job.snapshot, "a00"))]


def test_a_benign_cluster_that_changed_is_told_once_and_again_after_the_next_review(nights):
    job = nights()
    job.night([A])
    a = id_of(job.snapshot, "a00")
    job.review("a00", "benign")
    assert job.night([words("a", 0, 22)]) == []
    assert job.night([words("a", 0, 30)]) == [("benign_changed", a)]
    assert job.night([words("a", 0, 31)]) == []
    job.review("a00", "benign")
    assert job.night([words("a", 0, 31)]) == []
    assert job.night([words("a", 0, 50)]) == [("benign_changed", a)]


def test_a_part_of_a_benign_cluster_is_told(nights):
    job = nights()
    job.night([A])
    job.review("a00", "benign")
    (alert,) = job.night([words("a", 0, 13), words("a", 13, 20)])
    assert alert == ("benign_changed", id_of(job.snapshot, "a19"))


def test_bad_data_are_told_first_and_once(nights):
    job = nights()
    job.night([A])
    assert job.night({"clusters": [A, B], "events": 0}) == [
        ("bad_data", None),
        ("new_cluster", id_of(job.snapshot, "b00")),
    ]
    assert job.tell() == []


def test_what_is_not_noted_is_told_again(nights):
    job = nights()
    made = follow([A], key=job.store.key())[0]
    snapshot = job.store.publish(made)
    first = gk.find_alerts(job.store)
    assert first == gk.find_alerts(job.store.path, snapshot) != []
    (alert,) = first
    assert alert["text"] == f"New: {alert['cluster_id']}: 20 accounts, score 0.90: x"
    assert (alert["snapshot_id"], alert["as_of"], alert["n_accounts"]) == (snapshot.id, "2026-05-01", 20)
    assert not job.store.verify()
