"""What cannot be used is set aside and told; what shares nothing makes an empty snapshot that says so."""

import pytest

import graphkit as gk
from tests.commands import refresh, run, small_events

EVENTS = small_events()


def test_good_rows_go_on_and_what_is_set_aside_is_told(tmp_path):
    lines = EVENTS[["account_id", "timestamp", "ip"]].to_csv(index=False)
    bad = ",2026-05-04,::1\nu1,60000-01-01,::1\nu1,soon,::1\nu1\nu1,2026-05-04,not an address\n"
    (tmp_path / "e.csv").write_text(lines + bad)
    ended = run("refresh", tmp_path / "e.csv", "--store", tmp_path / "store")
    assert ended.code == 0
    for told in (
        "1 cluster of 8 accounts among 129 (409 events, ",
        "set aside: 1 row of e.csv: no account_id; fill it in or drop the row (such as line 410)",
        "set aside: 1 row of e.csv: timestamp more than a day ahead of the clock",
        "set aside: 1 row of e.csv: unreadable timestamp; ",
        "(such as line 412: soon)",
        "set aside: 1 row of e.csv: malformed line: the wrong number of columns",
        "ip is not an IP address; the row counts, the value does not (such as not an address)",
    ):
        assert told in ended.out
    rejected = gk.open_store(tmp_path / "store").latest().rejected
    assert rejected["n_rows"].tolist() == [1] * 5
    assert refresh(tmp_path / "e.csv", tmp_path / "store")["counts"]["rows_set_aside"] == 4


@pytest.mark.parametrize(
    ("frame", "n_accounts"),
    [(EVENTS.head(6), 1), (EVENTS[EVENTS["account_id"].str.startswith("u")], 120), (EVENTS.head(1), 1)],
    ids=["one account", "nothing shared", "one event"],
)
def test_nothing_shared_is_a_valid_empty_snapshot_that_says_so(frame, n_accounts, tmp_path):
    frame.to_csv(tmp_path / "e.csv", index=False)
    said = refresh(tmp_path / "e.csv", tmp_path / "store")
    assert (said["counts"]["n_accounts"], said["counts"]["clusters"], said["counts"]["pairs"]) == (n_accounts, 0, 0)
    assert "there is no cluster" in run("refresh", tmp_path / "e.csv", "--store", tmp_path / "store").out
    assert run("verify", tmp_path / "store").code == 0
    assert run("report", tmp_path / "store", "-o", tmp_path / "r.html").code == 0
    assert "no cluster" in (tmp_path / "r.html").read_text(encoding="utf-8").lower()
