from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from graphkit.errors import InputError
from tests.taken import DAY_US, take, take_accounts, write

NOON_US = 1_777_636_800_000_000  # 2026-05-01 12:00 UTC
EAST = timezone(timedelta(hours=2))
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def times(values, **settings):
    table = pa.table({"account_id": ["a"] * len(values), "timestamp": values, "ip": ["::1"] * len(values)})
    return [row["t"] for row in take(table, **settings)[1]]


@pytest.mark.parametrize(
    "text",
    [
        "2026-05-01T12:00:00Z",
        "2026-05-01 12:00:00",
        " 2026-05-01T12:00 ",
        "2026-05-01T14:00:00+02:00",
        "2026-05-01 14:00:00+0200",
        "2026-05-01T12:00:00.000000000Z",
        "1777636800",
        "1777636800.0",
        "1777636800000",
        "1777636800000000",
        "1777636800000000000",
    ],
)
def test_texts(text, tmp_path):
    assert times([text]) == [NOON_US]
    assert take(write(tmp_path, "e.csv", f"account_id,timestamp,ip\na,{text},::1\n"))[1][0]["t"] == NOON_US


@pytest.mark.parametrize(
    ("values", "shift"),
    [
        (pa.array([1777636800], pa.int64()), 0),
        (pa.array([1777636800], pa.uint64()), 0),
        (pa.array([1777636800_123], pa.int64()), 123_000),
        (pa.array([1777636800_123456], pa.int64()), 123_456),
        (pa.array([1777636800_123456789], pa.int64()), 123_456),
        (pa.array([1777636800.25], pa.float64()), 250_000),
        (pa.array([1777636800_250.0], pa.float64()), 250_000),
        (pa.array([NOON.replace(tzinfo=None)], pa.timestamp("s")), 0),
        (pa.array([NOON.replace(tzinfo=None)], pa.timestamp("ns")), 0),
        (pa.array([NOON.astimezone(EAST)], pa.timestamp("us", tz="+02:00")), 0),
        (pa.array([NOON], pa.timestamp("ms", tz="Europe/Berlin")), 0),
        (pa.array([1777636800_123456789], pa.timestamp("ns", tz="Asia/Tokyo")), 123_456),
        (pa.array([date(2026, 5, 1)], pa.date32()), -DAY_US // 2),
        (pa.array(["2026-05-01T12:00:00.123456Z"], pa.string_view()), 123_456),
    ],
)
def test_types(values, shift, tmp_path):
    assert times(values) == [NOON_US + shift]
    pq.write_table(pa.table({"account_id": ["a"], "timestamp": values, "ip": ["::1"]}), tmp_path / "e.parquet")
    assert take(tmp_path / "e.parquet")[1][0]["t"] == NOON_US + shift


def test_nanoseconds_with_a_zone_in_pandas():
    moments = pd.Series(pd.to_datetime([NOON, None, NOON], utc=True)).astype("datetime64[ns, UTC]")
    frame = pd.DataFrame({"account_id": list("abc"), "timestamp": moments, "ip": "::1"})
    intake, rows = take(frame, max_rejected_share=0.5)
    assert [row["t"] for row in rows] == [NOON_US] * 2
    assert [row["reason"] for row in intake.rejected] == ["no timestamp; fill it in or drop the row"]


def test_naive_and_aware_python_times_in_pandas_objects():
    values = [NOON, NOON.astimezone(EAST), "2026-05-01 12:00", None]
    frame = pd.DataFrame({"account_id": list("abcd"), "timestamp": pd.Series(values, dtype=object), "ip": "::1"})
    intake, rows = take(frame, max_rejected_share=0.5)
    assert [row["t"] for row in rows] == [NOON_US] * 3
    assert intake.n_accepted == 3


OUT_OF_RANGE = {
    "year 60000 text": ["60000-01-01T00:00:00Z"],
    "year 60000 seconds": [1_831_395_916_800],
    "year 60000 microseconds": [1_831_395_916_800_000_000],
    "largest integer": pa.array([2**63 - 1], pa.int64()),
    "least integer": pa.array([-(2**63)], pa.int64()),
    "largest unsigned": pa.array([2**64 - 1], pa.uint64()),
    "infinity": ["infinity"],
    "float infinity": [float("inf")],
    "huge float": [1e300],
    "epoch": [0],
    "last date": pa.array([2**31 - 1], pa.int32()).cast(pa.date32()),
    "largest milliseconds": pa.array([2**62], pa.timestamp("ms")),
    "largest seconds": pa.array([2**62], pa.timestamp("s")),
    "text no time": ["yesterday"],
    "13th month": ["2026-13-01"],
    "two days ahead": ["2026-05-22T12:00:01Z"],
    "1999": ["1999-12-31T23:59:59Z"],
    "not a number": [float("nan")],
    "not a time": pa.array(np.array(["NaT"], "datetime64[us]"), from_pandas=True),
    "blank": ["  "],
}


@pytest.mark.parametrize("name", OUT_OF_RANGE)
def test_what_is_no_usable_time_is_set_aside(name):
    table = pa.table({"account_id": ["bad"], "timestamp": OUT_OF_RANGE[name], "ip": ["::1"]})
    with pytest.raises(InputError, match="1 of 1 rows"):
        take(table)


def test_a_time_that_no_calendar_holds_is_an_error_in_words():
    with pytest.raises(InputError, match=r"^events.*beyond the year 294246"):
        times(pa.array([2**62], pa.timestamp("ms", tz="UTC")))


def test_a_day_ahead_is_still_taken():
    assert len(times(["2026-05-21T12:00:00Z"])) == 1


def test_creation_times(tmp_path):
    write(tmp_path, "a.csv", "account_id,created_at\na,2026-05-01\nb,soon\nc,\n,2026-05-01\nd,1970-01-01\n")
    intake, rows = take_accounts(
        pa.table({"account_id": ["a"] * 20, "timestamp": ["2026-05-01"] * 20, "ip": ["::1"] * 20}),
        tmp_path / "a.csv",
    )
    assert [(row["account_id"], row["created_us"]) for row in rows] == [
        ("a", NOON_US - DAY_US // 2), ("b", None), ("c", None), ("d", None)
    ]  # fmt: skip
    assert [(row["reason"].split(",")[0].split(";")[0], row["n_rows"], row["example"]) for row in intake.rejected] == [
        ("created_at before the year 2000", 1, "line 6: 1970-01-01"),
        ("no account_id", 1, "line 5"),
        ("unreadable created_at", 1, "line 3: soon"),
    ]
    assert intake.has == {"created_at"}
