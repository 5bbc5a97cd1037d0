"""Measures, on clusterings whose figures are counted by hand."""

import pandas as pd
import pytest

from graphkit.errors import UsageError
from graphkit.lab.measures import evaluate_clusters, judge_farms
from tests.small_truth import TRUTH, assign, span

CASES = {
    "perfect": (
        assign(x=span("a", 0, 9), y=span("b", 0, 4)),
        {"recall": 1, "purity": 1, "farms_found": 2, "farms_whole": 2, "solitary_clustered": 0},
    ),
    "nothing": (
        assign(),
        {"recall": 0, "purity": None, "farms_found": 0, "farms_whole": 0, "innocents_clustered": 0},
    ),
    "A in two parts: found, not whole": (
        assign(x=span("a", 0, 4), y=span("a", 5, 8)),
        {"recall": 9 / 15, "purity": 1, "farms_found": 1, "farms_whole": 0},
    ),
    "eight of A with two solitary: whole at exactly 80 % twice": (
        assign(x=span("a", 0, 7) + " s0 s1"),
        {"recall": 8 / 15, "purity": 0.8, "farms_found": 1, "farms_whole": 1, "solitary_clustered": 0.2},
    ),
    "eight of A with three solitary: mostly farm, too impure": (
        assign(x=span("a", 0, 7) + " s0 s1 s2"),
        {"recall": 8 / 15, "purity": 8 / 11, "farms_found": 0, "farms_whole": 0, "innocents_clustered": 3 / 14},
    ),
    "half farm is not mostly farm": (
        assign(x="b0 b1 b2 b3 o0 o1 o2 o3"),
        {"recall": 0, "purity": None, "farms_found": 0, "innocents_clustered": 4 / 14, "solitary_clustered": 0},
    ),
    "both farms in one cluster: A is 10 of 15, no farm is 80 % of it": (
        assign(x=span("a", 0, 9) + " " + span("b", 0, 4)),
        {"recall": 1, "purity": 1, "farms_found": 0, "farms_whole": 0},
    ),
    "a member of A strayed to B: the purest clusters are enough": (
        assign(x=span("a", 0, 8), y="a9 " + span("b", 0, 4)),
        {"recall": 1, "purity": 1, "farms_found": 2, "farms_whole": 2},
    ),
    "pairs are no clusters": (
        assign(x="a0 a1", y="s0 s1", z="o0 o1 o2"),
        {"recall": 0, "solitary_clustered": 0, "innocents_clustered": 3 / 14},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_figures(name):
    assigned, expected = CASES[name]
    result = evaluate_clusters(assigned, TRUTH)
    assert (result["n_accounts"], result["n_farm_accounts"], result["n_farms"]) == (29, 15, 2)
    assert {figure: result[figure] for figure in expected} == pytest.approx(expected)
    shuffled = assigned.sample(frac=1, random_state=1), TRUTH.sample(frac=1, random_state=2)
    assert evaluate_clusters(*shuffled) == result
    pd.testing.assert_frame_equal(judge_farms(*shuffled), judge_farms(assigned, TRUTH))


def test_rows_of_farms():
    farms = judge_farms(assign(x=span("a", 0, 5) + " s0 s1", y=span("a", 6, 8)), TRUTH)
    assert farms.drop(columns="best_cluster").to_dict("records") == [
        {"farm": "A", "style": "rotating", "n_accounts": 10, "clustered": pytest.approx(0.9), "best_share": 0.6,
         "best_purity": 0.75, "found": True, "whole": False},
        {"farm": "B", "style": "dedicated", "n_accounts": 5, "clustered": 0, "best_share": 0, "best_purity": 0,
         "found": False, "whole": False},
    ]  # fmt: skip
    assert farms["best_cluster"].iloc[0] == "x"
    assert farms["best_cluster"].isna().iloc[1]


def test_no_farms_at_all():
    result = evaluate_clusters(assign(x="s0 s1 s2"), TRUTH.assign(farm=None))
    assert (result["recall"], result["purity"], result["n_farms"], result["n_clusters"]) == (None, None, 0, 1)


def test_min_size_and_missing_style():
    result = evaluate_clusters(assign(x="a0 a1"), TRUTH.drop(columns="style"), min_size=2)
    assert result["recall"] == pytest.approx(2 / 15)


@pytest.mark.parametrize(
    ("assigned", "truth", "text"),
    [
        (assign(x="a0 a0 a1"), TRUTH, "assigned names 'a0' twice"),
        (assign(x="a0 z9"), TRUTH, "1 assigned accounts are not in the truth, such as 'z9'"),
        (
            assign().drop(columns="cluster_id"),
            TRUTH.drop(columns="farm"),
            "no column cluster_id; truth has no column farm",
        ),
    ],
)
def test_faults(assigned, truth, text):
    with pytest.raises(UsageError, match=text):
        evaluate_clusters(assigned, truth)
