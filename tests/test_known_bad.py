import numpy as np
import pytest

import graphkit as gk
from graphkit.store.known_bad import _fit_beta
from graphkit.store.store import open_store
from tests.past_world import follow, id_of, words

A, NEW, OLD = words("a", 0, 20), words("n", 0, 8), words("b", 0, 30)
FOUR = [f"203.0.113.{n}" for n in range(4)]


@pytest.fixture
def store(tmp_path):
    """A farm is confirmed; then half its accounts are in another cluster, and a new one uses some of its things."""
    made = open_store(tmp_path / "store", create=True)
    first, second = follow(
        {"clusters": [A, OLD], "things": dict.fromkeys(FOUR, A)},
        {
            "clusters": [words("a", 0, 10) + " c00", NEW, OLD, words("d", 0, 3)],
            "things": {FOUR[0]: "n00 n01 b00 b01", "198.51.100.1": NEW},
        },
        key=made.key(),
    )
    made.publish(first)
    gk.review(made, id_of(first, "a00"), "confirmed", author="Ann")
    made.publish(second)
    return made


def test_members_and_users_of_a_confirmed_farm_s_things_are_counted(store):
    snapshot = store.latest()
    frame = gk.measure_known_bad(store).set_index("cluster_id")
    counts = {account: frame.loc[id_of(snapshot, account)] for account in ("a00", "n00", "b00", "d00")}
    assert {name: (row["n_members"], row["n_tied"]) for name, row in counts.items()} == {
        "a00": (10, 10),
        "n00": (0, 2),
        "b00": (0, 2),
        "d00": (0, 0),
    }
    assert frame["known_bad_share"].is_monotonic_decreasing
    share = {name: row["known_bad_share"] for name, row in counts.items()}
    assert 2 / 30 < share["b00"] < share["n00"] < 2 / 8, "small clusters are shrunk to what is usual"
    assert 0 < share["d00"] < share["n00"]


def test_nothing_confirmed_is_an_empty_frame(tmp_path):
    made = open_store(tmp_path / "other", create=True)
    (first,) = follow([A], key=made.key())
    made.publish(first)
    assert gk.measure_known_bad(made).empty
    gk.review(made, id_of(first, "a00"), "confirmed", author="Ann")
    gk.review(made, id_of(first, "a00"), "benign", author="Bob")
    assert gk.measure_known_bad(made).empty, "the last verdict counts"


def test_the_prior_is_the_one_that_made_the_counts():
    random = np.random.default_rng(0)
    n = random.integers(5, 200, 4000).astype(float)
    k = random.binomial(n.astype(int), random.beta(0.5, 6, len(n))).astype(float)
    a, b = _fit_beta(k, n)
    assert a == pytest.approx(0.5, rel=0.1)
    assert b == pytest.approx(6, rel=0.1)
