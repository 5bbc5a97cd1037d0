"""Measures of rankings, counted by hand."""

import pandas as pd
import pytest

from graphkit.errors import UsageError
from graphkit.lab.measures import evaluate_clusters
from tests.small_truth import TRUTH, assign, span

RANKED = assign(x=span("a", 0, 5), y="s0 s1 s2", z=span("b", 0, 3) + " s3", w="o0 o1 o2 o3")
RANKINGS = {
    # 15 of 29 are farmed; the last step is that of the 11 in no cluster
    "farms first": (
        {"x": 0.9, "z": 0.8, "y": 0.2, "w": 0.1},
        {"cluster_precision": 1, "account_precision": (6 + 4 * 10 / 11 + 5 * 15 / 29) / 15,
         "recall_at_named_innocents": 6 / 15},
    ),
    "an innocent cluster between": (
        {"x": 0.9, "y": 0.8, "z": 0.2, "w": 0.1},
        {"cluster_precision": (1 + 2 / 3) / 2, "account_precision": (6 + 4 * 10 / 14 + 5 * 15 / 29) / 15,
         "recall_at_named_innocents": 6 / 15},
    ),
    "innocents first": (
        {"w": 0.9, "x": 0.8, "z": 0.2, "y": 0.1},
        {"cluster_precision": (1 / 2 + 2 / 3) / 2, "recall_at_named_innocents": 0},
    ),
    "all the same: one step": (
        dict.fromkeys("wxyz", 0.5),
        {"cluster_precision": 2 / 4, "account_precision": (10 * 10 / 18 + 5 * 15 / 29) / 15,
         "recall_at_named_innocents": 0},
    ),
    "a tie of a farm and innocents counts as both": (
        {"x": 0.9, "y": 0.9, "z": 0.2, "w": 0.1},
        {"cluster_precision": (1 / 2 + 2 / 3) / 2, "recall_at_named_innocents": 0},
    ),
}  # fmt: skip


def rank(scores):
    return pd.DataFrame(scores.items(), columns=["cluster_id", "score"])


@pytest.mark.parametrize("name", RANKINGS)
def test_rankings(name):
    scores, expected = RANKINGS[name]
    result = evaluate_clusters(RANKED, TRUTH, scores=rank(scores))
    assert {figure: result[figure] for figure in expected} == pytest.approx(expected)
    shuffled = (frame.sample(frac=1, random_state=1) for frame in (RANKED, TRUTH, rank(scores)))
    assigned, truth, other = shuffled
    assert evaluate_clusters(assigned, truth, scores=other) == result


def test_strength_ranks_inside_a_cluster():
    scores = rank({"z": 1.0})
    weak_innocent = assign(z="a0 a1 s0").assign(strength=[20.0, 19.0, 5.0])
    strong_innocent = weak_innocent.assign(strength=[20.0, 19.0, 25.0])
    last = 13 * 15 / 29
    for assigned, expected in ((weak_innocent, 1 + 1 + last), (strong_innocent, 1 / 2 + 2 / 3 + last)):
        result = evaluate_clusters(assigned, TRUTH, scores=scores)
        assert result["account_precision"] == pytest.approx(expected / 15)


def test_one_innocent_in_a_thousand_may_be_named():
    crowd = pd.DataFrame({"account_id": [f"n{i}" for i in range(2_000)], "farm": None, "group": "ordinary"})
    truth = pd.concat([TRUTH[TRUTH["farm"].notna()], crowd], ignore_index=True)
    scores = rank({"x": 3, "y": 2, "z": 1})
    for innocents, expected in (("n0 n1", 12 / 15), ("n0 n1 n2", 7 / 15)):
        assigned = assign(x=span("a", 0, 6), y=span("b", 0, 4) + " " + innocents, z="a8 a9 n5")
        result = evaluate_clusters(assigned, truth, scores=scores)
        assert result["recall_at_named_innocents"] == pytest.approx(expected)


def test_small_clusters_need_no_score():
    result = evaluate_clusters(assign(x="a0 a1 a2", y="s0 s1"), TRUTH, scores=rank({"x": 1.0}))
    assert result["cluster_precision"] == 1


def test_no_clusters_to_rank():
    result = evaluate_clusters(assign(), TRUTH, scores=rank({}))
    assert (result["cluster_precision"], result["recall_at_named_innocents"]) == (None, 0)
    assert result["account_precision"] == pytest.approx(15 / 29)


@pytest.mark.parametrize(
    ("scores", "text"),
    [
        (rank({"x": 1.0}), "3 clusters have no score, such as 'w'"),
        (pd.concat([rank({"x": 1.0})] * 2), "scores names 'x' twice"),
        (rank({}).drop(columns="score"), "scores has no column score"),
    ],
)
def test_faults_of_scores(scores, text):
    with pytest.raises(UsageError, match=text):
        evaluate_clusters(RANKED, TRUTH, scores=scores)
