import random

import pandas as pd
import pytest

from graphkit.detect.matching import keep_contained, match_one_to_one, overlap_clusters
from graphkit.tables import TABLES
from tests.small_truth import span


def pairs_of(text):
    """Pairs as "before after worth"."""
    rows = [line.split() for line in text.splitlines() if line.strip()]
    frame = pd.DataFrame(rows, columns=["before", "after", "worth"])
    return frame.astype({"worth": int})


def members_of(weight=1, **clusters):
    rows = [(name, cluster, weight) for cluster, text in clusters.items() for name in text.split()]
    return pd.DataFrame(rows, columns=["account_id", "cluster_id", "weight"])


def test_overlap_counts_accounts_and_weighs_both_times():
    before = members_of(old=span("a", 0, 9)).assign(weight=[4] * 2 + [1] * 8)
    after = members_of(new=span("a", 0, 3), rest=span("b", 0, 2))
    (row,) = overlap_clusters(before, after).to_dict("records")
    expected = {"before": "old", "after": "new", "n_shared": 4, "worth": 10 + 4, "share_before": 10 / 16}
    assert row == expected | {"share_after": 1.0}


def test_nothing_in_common_is_no_pair():
    empty = overlap_clusters(members_of(old="a"), members_of(new="b"))
    assert empty.empty
    assert match_one_to_one(keep_contained(empty)) == {}
    assert overlap_clusters(members_of(old="a"), members_of()).empty


@pytest.mark.parametrize(("share_before", "share_after", "kept"), [(0.5, 0.1, 1), (0.1, 0.5, 1), (0.49, 0.49, 0)])
def test_half_of_either_side_is_contained(share_before, share_after, kept):
    frame = pd.DataFrame({"share_before": [share_before], "share_after": [share_after]})
    assert len(keep_contained(frame)) == kept


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ("A x 1", {"A": "x"}),
        ("A x 5\nA y 4", {"A": "x"}),
        ("A x 5\nB x 6", {"B": "x"}),
        ("A x 50\nA y 40\nB x 45", {"A": "y", "B": "x"}),  # the greedy choice would leave B without
        ("A x 90\nA y 40\nB x 45", {"A": "x"}),
        ("A x 5\nA y 5", {"A": "x"}),
        ("A x 5\nB x 5", {"A": "x"}),
        ("A x 5\nA y 5\nB x 5\nB y 5", {"A": "x", "B": "y"}),
    ],
)
def test_worth_is_greatest_and_ties_go_by_id(pairs, expected):
    frame = pairs_of(pairs)
    mixed = random.Random(3)  # noqa: S311
    for _ in range(4):
        frame = frame.iloc[mixed.sample(range(len(frame)), len(frame))]
        assert match_one_to_one(frame) == expected


def test_a_great_merge_and_a_great_split_are_settled_at_once():
    merge = "\n".join(f"A{n:04} x {n + 1}" for n in range(3000))
    assert match_one_to_one(pairs_of(merge)) == {"A2999": "x"}
    split = "\n".join(f"A x{n:04} {n + 1}" for n in range(3000))
    assert match_one_to_one(pairs_of(split)) == {"A": "x2999"}


def test_an_empty_frame_is_an_empty_table():
    for table in TABLES.values():
        assert table.from_frame(pd.DataFrame()).schema == table.schema()
