"""In what a cluster is alike: shares beside everyone's on a table made by hand, and sentences."""

from datetime import date

import pandas as pd
import pyarrow as pa
import pytest

from graphkit.detect.alike import compare_usage, tell_weak
from graphkit.tables import TABLES
from tests.small import snapshot_of

DAY = {"day": date(2026, 5, 4), "n_accounts": 1, "input_tokens": None, "output_tokens": None}
USAGE = [  # cluster, model, capability, events
    ("C-A", "big", "code", 30),
    ("C-A", "big", "chat", 10),
    ("C-B", "small", "chat", 60),
    (None, "big", "code", 40),
    (None, "big", "chat", 40),
    (None, "small", "chat", 60),
    (None, "small", None, 60),
]


def compare(rows, cluster_id="C-A"):
    names = ("cluster_id", "model", "capability", "n_events")
    days = [DAY | dict(zip(names, row, strict=True)) for row in rows]
    table = pa.Table.from_pylist(days, schema=TABLES["usage"].schema())
    return compare_usage(snapshot_of({"usage": table}), cluster_id)


def test_shares_are_of_the_events_that_name_any():
    usage = compare(USAGE).set_index(["trait", "name"])
    assert usage.loc[("model", "big"), ["share", "everyone"]].tolist() == pytest.approx([1, 0.4])
    assert usage.loc[("model", "small"), ["share", "everyone"]].tolist() == pytest.approx([0, 0.6])
    assert usage.loc[("capability", "code"), ["share", "everyone"]].tolist() == pytest.approx([0.75, 40 / 140])
    by_column = usage.groupby("trait")["event_bits"].sum()
    assert by_column["model"] == pytest.approx(1.321928)  # relative entropy: log2(1 / 0.4)
    assert by_column["capability"] == pytest.approx(0.75 * 1.392317 + 0.25 * -1.514573, abs=1e-5)
    assert usage["event_bits"].is_monotonic_decreasing


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [("C-A", None, None, 5), (None, None, None, 9)],
        [("C-A", "one", None, 5), (None, "one", None, 9)],
        [("C-B", "one", None, 5), (None, "one", None, 9), (None, "two", None, 9)],
    ],
    ids=["nothing", "no values", "one value", "none of the cluster's"],
)
def test_what_cannot_be_compared_is_left_out(rows):
    usage = compare(rows)
    assert isinstance(usage, pd.DataFrame)
    assert usage.empty


@pytest.mark.parametrize(
    ("n_weak", "told"),
    [(1, "Some are held by"), (5, "Some are held by"), (6, "It is held by")],
)
def test_who_is_held_by_likeness_is_counted(n_weak, told):
    sentence = tell_weak(n_weak, 10)
    assert sentence.startswith(told)
    assert f"{n_weak} of 10 accounts ha{'s' if n_weak == 1 else 've'} no link of their own" in sentence
