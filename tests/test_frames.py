"""Frames of a snapshot in a notebook: readable cells, and nothing changed for other frames."""

import subprocess
import sys
from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pytest

from graphkit.frames import show_frame, write_cell
from graphkit.tables import TABLES
from tests.show_world import HOSTILE, make_snapshot

IN_IPYTHON = """\
import pandas as pd
from IPython.core.interactiveshell import InteractiveShell

format = InteractiveShell.instance().display_formatter.format
plain = pd.DataFrame({"score": [0.123456789]})
before, options = format(plain), pd.describe_option("display", _print_desc=False)
from tests.show_world import make_snapshot

snapshot = make_snapshot()
frame = snapshot.clusters
shown, kept = format(frame)[0]["text/html"], format(frame.query("n_accounts > 5").sort_values("score"))[0]["text/html"]
for html in (shown, kept):
    assert "graphkit-frame" in html, html
    assert f"<td>{frame['score'].iloc[0]:.2f}</td>" in html, html
assert type(frame) is pd.DataFrame and frame["score"].iloc[0] == snapshot.clusters["score"].iloc[0]
assert format(plain) == before, "a frame of others is shown as before"
assert pd.describe_option("display", _print_desc=False) == options
shell = InteractiveShell.instance().display_formatter.formatters["text/html"]
shell.for_type(pd.DataFrame, lambda frame: "another's")
assert format(plain)[0]["text/html"] == "another's"
assert "graphkit-frame" in format(snapshot.pairs)[0]["text/html"]
assert format(plain)[0]["text/html"] == "another's", "what another package shows is kept"
"""


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("score", 0.9712345678901234, "0.97"),
        ("match_weight", 23.456, "23.5"),
        ("rarity_bits", np.float64(7.0), "7.0"),
        ("n_events", 1_234_567, "1,234,567"),
        ("n_events", np.int64(1234), "1,234"),
        ("n_partners", 17.03, "17.0"),
        ("n_partners", 5.0, "5"),
        ("lift", 123_456.7, "123,457"),
        ("enrichment", 2.1889e-78, "2.19e-78"),
        ("first_seen", pd.Timestamp("2026-05-01T13:45:59", tz="UTC"), "2026-05-01 13:45"),
        ("created_at", datetime(2026, 5, 1, tzinfo=UTC), "2026-05-01"),
        ("day", date(2026, 5, 1), "2026-05-01"),
        ("kinds", ["ip", "user_agent"], "ip, user_agent"),
        ("kinds", np.array(["ip"], dtype=object), "ip"),
        ("reasons", [], "–"),  # noqa: RUF001
        ("weighs", True, "yes"),
        ("weighs", np.bool_(False), "no"),
        ("binding", "a\u202eb\nc", "a\ufffdb c"),
        ("binding", "x" * 200, "x" * 59 + "…"),
        *[("score", nothing, "–") for nothing in (None, np.nan, pd.NA, pd.NaT, float("inf"))],  # noqa: RUF001
    ],
)
def test_cells_read_well(column, value, expected):
    assert write_cell(column, value) == expected


def test_every_table_is_shown_and_hostile_text_is_text():
    snapshot = make_snapshot(
        rejected=[{"source": HOSTILE[0], "reason": HOSTILE[1], "n_rows": 3, "example": HOSTILE[5]}]
    )
    for name in TABLES:
        frame = getattr(snapshot, name)
        shown = show_frame(frame)
        assert frame.attrs == {"graphkit": name}
        assert shown.count("<tr") >= min(len(frame), 10) + 1
        for tag in ("<script>alert", "<img src=x", "<b>bold", "<a href", "\u202e"):
            assert tag not in shown, name


def test_long_frames_are_cut_by_the_options_of_pandas():
    frame = make_snapshot((300,)).accounts
    assert show_frame(frame).count("<tr") < 20
    assert "300 rows" in show_frame(frame)
    with pd.option_context("display.max_rows", 400, "display.max_columns", 4):
        assert show_frame(frame).count("<tr") == 301
        assert "<th>...</th>" in show_frame(frame)


def test_ipython_shows_marked_frames_and_leaves_others_alone(root):
    done = subprocess.run([sys.executable, "-c", IN_IPYTHON], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
