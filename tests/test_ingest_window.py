from datetime import UTC, date, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from graphkit.errors import InputError, UsageError
from tests.taken import DAY_US, take


def events_at(*times):
    return pa.table({"account_id": ["a"] * len(times), "timestamp": times, "ip": ["::1"] * len(times)})


@pytest.mark.parametrize(
    ("settings", "days", "n_in_window"),
    [
        ({}, (1, 15), 3),
        ({"look_back": "1d"}, (15, 15), 1),
        ({"look_back": "6d"}, (10, 15), 2),
        ({"as_of": date(2026, 5, 10)}, (1, 10), 2),
        ({"as_of": date(2026, 5, 10), "look_back": "9d"}, (2, 10), 1),
        ({"as_of": date(2026, 5, 21), "look_back": "300d"}, None, 3),
    ],
)
def test_windows_are_whole_days_that_end_with_as_of(settings, days, n_in_window):
    values = ["2026-05-01T23:59:59.999999Z", "2026-05-10T00:00:00Z", "2026-05-15T12:00:00Z"]
    intake, rows = take(events_at(*values), **settings)
    assert (intake.n_accepted, intake.n_in_window, len(rows)) == (3, n_in_window, n_in_window)
    assert all(intake.first_us <= row["t"] < intake.end_us for row in rows)
    if days:
        start = datetime(2026, 5, days[0], tzinfo=UTC)
        assert intake.first_us == int(start.timestamp()) * 1_000_000
        assert intake.as_of == date(2026, 5, days[1])
        assert intake.end_us - intake.first_us == (days[1] - days[0] + 1) * DAY_US


def test_no_event_in_the_window_names_the_days_there_are():
    with pytest.raises(InputError, match=r"2026-05-01 to 2026-05-03.*longer look_back"):
        take(events_at("2026-05-01", "2026-05-03"), as_of=date(2026, 5, 19), look_back="7d")


@pytest.mark.parametrize(("day", "refused"), [(19, False), (20, False), (21, False), (22, True)])
def test_as_of_may_be_a_day_ahead_of_the_clock_at_most(day, refused):
    events = events_at("2026-05-01")
    if not refused:
        assert take(events, as_of=date(2026, 5, day))[0].as_of.day == day
        return
    with pytest.raises(UsageError, match=r"as-of 2026-05-22 lies ahead of the clock.*2026-05-21"):
        take(events, as_of=date(2026, 5, day))


def test_the_split_and_the_order_do_not_matter(tmp_path):
    times = [f"2026-05-{day:02d}T{hour:02d}:00:00Z" for day in range(1, 5) for hour in range(24)]
    whole, backward = events_at(*times), events_at(*reversed(times))
    for number in range(4):
        pq.write_table(whole.slice(number * 24, 24), tmp_path / f"{3 - number}.parquet")
    taken = [take(given, as_of=date(2026, 5, 3), look_back="2d") for given in (whole, backward, tmp_path)]
    assert len(taken[0][1]) == 48
    assert all(rows == taken[0][1] for _, rows in taken)
    assert len({(intake.first_us, intake.end_us, intake.n_in_window) for intake, _ in taken}) == 1
