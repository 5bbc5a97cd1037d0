"""What was read once is not read again, and is not trusted where it may be another thing."""

import os
from dataclasses import replace

import pandas as pd
import pytest

import graphkit as gk
from graphkit.ingest import codes
from graphkit.ingest.partials import drop_unused
from tests.taken import KEY, decode, take, taking, write

QUICK = gk.Config(stability=False, chance_runs=0)


@pytest.fixture(scope="module")
def world():
    return gk.synthesize(n_accounts=400, n_events=9_000, seed=3, days=7)


def take_on(files, kept):
    """Read events as a run does that comes to its end."""
    with taking(files, partials=kept) as (engine, intake):
        rows = decode(engine, "events")
    drop_unused(kept, intake.segments)
    return intake, rows


def segments(kept):
    return sorted(path.name for path in kept.iterdir())


def test_the_snapshot_is_the_same_from_partials_from_one_pass_and_from_any_split(world, tmp_path):
    whole = gk.analyze(world.events, world.accounts, QUICK, key=KEY)
    assert len(whole.clusters)
    days = [days for _, days in world.events.groupby(world.events["timestamp"].dt.day // 2)]
    mixed = world.events.sample(frac=1, random_state=1)
    splits = {"days": days, "backward": days[::-1], "mixed": [mixed.iloc[part::2] for part in range(2)]}
    for name, parts in splits.items():
        (tmp_path / name).mkdir()
        for place, part in enumerate(parts):
            part.to_parquet(tmp_path / name / f"{place}.parquet", index=False)
            with taking(tmp_path / name, partials=tmp_path / f"{name}-kept") as (_, intake):
                assert intake.n_read == 1
        told = []
        kept = tmp_path / f"{name}-kept"
        again = gk.analyze(tmp_path / name, world.accounts, QUICK, key=KEY, partials=kept, progress=told.append)
        assert told[1].result == "9,000 events, 0 sources read anew"
        assert again.content == whole.content


def test_the_events_of_an_account_lie_side_by_side(world, tmp_path, kept):
    world.events.to_parquet(tmp_path / "events.parquet", index=False)
    take_on(tmp_path / "events.parquet", kept)
    (coded,) = kept.glob("*/events-0.parquet")
    account = pd.read_parquet(coded)["account"]
    assert (account != account.shift()).sum() == account.nunique()


def test_what_is_told_of_known_files_is_what_was_told_first(tmp_path, kept):
    text = "account_id,timestamp,ip\na,2026-05-01,::1\nb,2026-05-02,no address\n,2026-05-03,::1\nc,never,::1\n"
    text += "".join(f"x{n},2026-05-04,10.0.0.{n}\n" for n in range(40))
    path = write(tmp_path, "a.csv", text)
    taken = [take(path, partials=kept, max_rejected_share=0.2) for _ in range(2)]
    assert [intake.n_read for intake, _ in taken] == [1, 0]
    assert len(taken[0][0].rejected) == 2
    assert len(taken[0][0].unusable) == 1
    assert replace(taken[1][0], n_read=1) == taken[0][0]
    assert taken[0][1] == taken[1][1]


def test_a_new_day_reads_one_file_and_a_changed_one_is_read_anew(files, kept):
    assert [take(files[:n], partials=kept)[0].n_read for n in (2, 3, 3)] == [2, 1, 0]
    changed = pd.read_parquet(files[1]).assign(account_id="new")
    changed.to_parquet(files[1], index=False)
    intake, rows = take(files, partials=kept)
    assert intake.n_read == 1
    assert sum(row["account_id"] == "new" for row in rows) == len(changed)
    assert rows == take(files)[1]


def test_a_file_that_is_gone_counts_no_more_and_its_segment_goes_when_it_is_half_empty(files, kept):
    take_on(files, kept)
    (first,) = segments(kept)
    intake, rows = take_on(files[:2], kept)
    assert (intake.n_read, rows) == (0, take(files[:2])[1])
    assert take_on(files, kept)[0].n_read == 0, "what is left out once may come back"
    assert segments(kept) == [first]
    intake, rows = take(files[2:], partials=kept)
    assert (intake.n_read, rows) == (1, take(files[2:])[1])
    assert first in segments(kept), "a run that is stopped takes nothing away"
    assert take_on(files[2:], kept)[0].n_read == 0
    assert segments(kept) == [path.name for path in intake.segments]


@pytest.mark.parametrize("name", ["events-0.parquet", "names-account.parquet", "names-kind_ip.parquet", "segment.json"])
@pytest.mark.parametrize("damage", ["cut", "flipped", "gone"])
def test_damaged_partials_are_made_again(files, kept, name, damage):
    rows = take(files, partials=kept)[1]
    path = kept / segments(kept)[0] / name
    data = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(data[:-9] if damage == "cut" else data[:4] + bytes(255 - byte for byte in data[4:]))
    (kept / ".staging-left").mkdir()
    again, rows_again = take_on(files, kept)
    assert (again.n_read, rows_again) == (3, rows)
    assert segments(kept) == [path.name for path in again.segments]


def test_partials_of_an_engine_that_hashes_otherwise_are_read_anew(files, kept, monkeypatch):
    first, rows = take_on(files, kept)
    monkeypatch.setattr(codes, "code_of", lambda text, *, secret: f"hash({text}, {secret!r}, 'otherwise')")
    codes.sample_codes.cache_clear()
    again, rows_again = take_on(files, kept)
    codes.sample_codes.cache_clear()
    assert (again.n_read, rows_again) == (first.n_read, rows)


@pytest.mark.parametrize("rehash", [False, True])
def test_the_whole_content_is_compared_if_asked(tmp_path, kept, rehash):
    line = "someone,2026-05-01T00:00:00Z,198.51.100.1\n"
    path = write(tmp_path, "a.csv", "account_id,timestamp,ip\n" + line * 12_000)
    assert take(path, partials=kept, rehash=rehash)[0].n_read == 1
    status, data = path.stat(), bytearray(path.read_bytes())
    data[len(data) // 4 : len(data) // 4 + len(line)] = b""
    write(tmp_path, "a.csv", bytes(data[: len(data) // 4]) + line.replace("e", "i").encode() + data[len(data) // 4 :])
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_size == status.st_size
    assert take(path, partials=kept, rehash=rehash)[0].n_read == int(rehash)
