"""Accounts that were read once are not read again, and are read anew where they may be others."""

import os
from dataclasses import replace
from datetime import timedelta

import pandas as pd
import pytest

from graphkit.ingest.partials import drop_unused
from tests.taken import NOW, decode, taking, write

HEAD = "account_id,created_at,payment_instrument\n"
LINES = "a1,2026-01-02,pi_1\na2,,pi_1\na3,2026-02-01,\n"


def read(files, accounts, kept, **settings):
    """Read as a run does that comes to its end; gives the intake, and the rows of the accounts."""
    with taking(files, accounts, partials=kept, **settings) as (engine, intake):
        rows = decode(engine, "accounts_file")
    drop_unused(kept, intake.segments)
    return intake, rows


def segment(kept):
    """The segment of accounts, and when it was written; None where there is none."""
    written = [(path, path.stat().st_mtime_ns) for path in kept.glob("*/accounts.parquet")]
    return written[0] if written else None


def test_what_is_told_of_known_accounts_is_what_was_told_first(files, tmp_path, kept):
    accounts = write(tmp_path, "accounts.csv", HEAD + LINES + ",2026-01-01,pi_2\na4,never,pi_3\n")
    first, rows = read(files, accounts, kept, max_rejected_share=0.5)
    assert [row["account_id"] for row in rows] == ["a1", "a2", "a3", "a4"]
    assert len(first.rejected) == 2
    written = segment(kept)
    again, rows_again = read(files, accounts, kept, max_rejected_share=0.5)
    assert (replace(again, n_read=first.n_read), rows_again) == (first, rows)
    assert segment(kept) == written
    with taking(files, accounts, max_rejected_share=0.5) as (engine, _):
        assert decode(engine, "accounts_file") == rows


@pytest.mark.parametrize("change", ["content", "settings", "damage", "gone"])
def test_other_accounts_are_read_and_the_segment_of_the_old_ones_goes(files, tmp_path, kept, change):
    accounts = write(tmp_path, "accounts.csv", HEAD + LINES)
    settings = {}
    rows = read(files, accounts, kept)[1]
    written, _ = segment(kept)
    if change == "content":
        write(tmp_path, "accounts.csv", HEAD + LINES + "a5,,pi_9\n")
        rows = sorted([*rows, {**rows[1], "account_id": "a5"}], key=lambda row: row["account_id"])
    elif change == "settings":
        settings["columns"] = {"organization": "payment_instrument"}
    elif change == "damage":
        written.write_bytes(written.read_bytes()[:-9])
    intake, rows_again = read(files, None if change == "gone" else accounts, kept, **settings)
    assert intake.n_read == (3 if change == "settings" else 0)
    assert not written.is_file()
    if change == "gone":
        assert (segment(kept), rows_again) == (None, [])
    else:
        assert [row["account_id"] for row in rows_again] == [row["account_id"] for row in rows]


def test_accounts_in_several_files_and_formats_are_one(files, tmp_path, kept):
    write(tmp_path, "accounts-1.csv", HEAD + LINES)
    pd.DataFrame({"account_id": ["b1", "b2"], "organization": ["o", None]}).to_parquet(tmp_path / "accounts-2.parquet")
    both = [tmp_path / "accounts-1.csv", tmp_path / "accounts-2.parquet"]
    first, rows = read(files, both, kept)
    assert [row["account_id"] for row in rows] == ["a1", "a2", "a3", "b1", "b2"]
    assert {"organization", "created_at"} <= first.has
    written = segment(kept)
    assert read(files, both, kept)[1] == rows
    assert segment(kept) == written
    assert [row["account_id"] for row in read(files, both[1], kept)[1]] == ["b1", "b2"]


def test_accounts_of_tomorrow_are_read_again(files, tmp_path, kept):
    ahead = (NOW + timedelta(days=3)).isoformat()
    accounts = write(tmp_path, "accounts.csv", HEAD + LINES + f"a4,{ahead},pi_3\n")
    created = [read(files, accounts, kept, now=now)[1][-1]["created_us"] for now in (NOW, NOW + timedelta(days=3))]
    assert created[0] is None
    assert created[1] is not None


@pytest.mark.parametrize("rehash", [False, True])
def test_the_whole_content_of_accounts_is_compared_if_asked(files, tmp_path, kept, rehash):
    lines = [f"account-{n:06},2026-01-02,pi_1\n" for n in range(12_000)]
    path = write(tmp_path, "accounts.csv", HEAD + "".join(lines))
    read(files, path, kept, rehash=rehash)
    status = path.stat()
    lines[3_000] = lines[3_000].replace("account", "another")
    write(tmp_path, "accounts.csv", HEAD + "".join(lines))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_size == status.st_size
    rows = read(files, path, kept, rehash=rehash)[1]
    assert sum(row["account_id"].startswith("another") for row in rows) == int(rehash)
