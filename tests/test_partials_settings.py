"""What partials depend on, and what they must not forget: days inside a file, times across files, the clock."""

from datetime import timedelta

import pandas as pd
import pytest

import graphkit as gk
from tests.commands import small_events, write_days
from tests.taken import KEY, NOW, take, write


@pytest.mark.parametrize(
    ("settings", "n_read"),
    [
        ({}, 0),
        ({"kinds": {"ip": {"prior": 2.0}}}, 0),
        ({"look_back": "1d", "seed": 5}, 0),
        ({"kinds": {"ip": {"digest": True}}}, 3),
        ({"kinds": {"device": {"column": "device_id"}}}, 3),
        ({"columns": {"organization": "device_id"}}, 3),
        ({"ipv6_prefix": 48}, 3),
        ({"key": b"another key of thirty-two bytes!"}, 3),
    ],
)
def test_what_reading_depends_on_has_files_read_anew_and_nothing_else(tmp_path, kept, settings, n_read):
    files = write_days(tmp_path)
    base = {"kinds": {"ip": {}}}
    assert take(files, partials=kept, **base)[0].n_read == 3
    intake, rows = take(files, partials=kept, **base | settings)
    assert intake.n_read == n_read
    assert rows == take(files, **base | settings)[1]


def test_a_look_back_cuts_inside_a_file_that_spans_days(tmp_path, kept):
    path = tmp_path / "all.parquet"
    small_events().to_parquet(path, index=False)
    assert take(path, partials=kept)[0].n_read == 1
    intake, rows = take(path, partials=kept, look_back="1d")
    assert intake.n_read == 0
    assert 0 < intake.n_in_window == len(rows) < intake.n_accepted
    assert all(intake.first_us <= row["t"] < intake.end_us for row in rows)


def test_windows_of_time_cross_files_and_midnight(tmp_path, kept):
    for day, seconds in ((1, "23:59:50"), (2, "00:00:05")):
        rows = [{"account_id": f"u{day}", "timestamp": f"2026-05-0{day}T{seconds}Z", "object_id": "post"}]
        rows += [{"account_id": f"v{n}", "timestamp": f"2026-05-0{day}T12:00:00Z", "object_id": f"{n}"} for n in (1, 2)]
        pd.DataFrame(rows).to_parquet(tmp_path / f"{day}.parquet")
    found = []
    for within in ("14s", "15s"):
        kinds = {"object": {"column": "object_id", "within": within}}
        settings = {
            "kinds": kinds,
            "threshold_bits": 0,
            "hub_bits": 0,
            "reach": 0,
            "stability": False,
            "chance_runs": 0,
        }
        snapshot = gk.analyze(sorted(tmp_path.glob("*.parquet")), config=gk.Config(**settings), key=KEY, partials=kept)
        found.append(list(snapshot.pairs[["account_a", "account_b"]].itertuples(index=False, name=None)))
    assert found == [[], [("u1", "u2")]]


def test_a_file_with_rows_ahead_of_the_clock_is_read_anew_until_it_has_none(tmp_path, kept):
    text = "account_id,timestamp,ip\n" + "".join(f"u{n},2026-05-{n:02},::1\n" for n in range(1, 24))
    path = write(tmp_path, "a.csv", text)
    clocks = [NOW, NOW, NOW + timedelta(days=9), NOW + timedelta(days=9)]
    taken = [take(path, partials=kept, now=now, max_rejected_share=0.2)[0] for now in clocks]
    assert [(intake.n_read, intake.n_accepted) for intake in taken] == [(1, 21), (1, 21), (1, 23), (0, 23)]
