"""Bad input through the command line: each a clear error, and nothing lost."""

import gzip

import pandas as pd
import pytest

from tests.commands import refresh, run, small_events, tree

EVENTS = small_events()


def _csv(path, frame=EVENTS):
    frame.to_csv(path, index=False)
    return path


def _missing_column(folder):
    return [_csv(folder / "e.csv", EVENTS.rename(columns={"account_id": "account"}))]


def _no_kind(folder):
    return [_csv(folder / "e.csv", EVENTS[["account_id", "timestamp"]])]


def _empty_file(folder):
    (folder / "e.csv").touch()
    return [folder / "e.csv"]


def _no_rows(folder):
    return [_csv(folder / "e.csv", EVENTS.head(0))]


def _no_event_in_the_look_back(folder):
    return [_csv(folder / "e.csv"), "--as-of", "2026-06-30", "--look-back", "7d"]


def _as_of_before_all(folder):
    return [_csv(folder / "e.csv"), "--as-of", "2026-05-03"]


def _truncated_parquet(folder):
    EVENTS.to_parquet(folder / "e.parquet")
    (folder / "e.parquet").write_bytes((folder / "e.parquet").read_bytes()[:-100])
    return [folder / "e.parquet"]


def _damaged_parquet(folder):
    EVENTS.to_parquet(folder / "e.parquet", compression="zstd")
    data = bytearray((folder / "e.parquet").read_bytes())
    data[4:600] = bytes(596)
    (folder / "e.parquet").write_bytes(data)
    return [folder / "e.parquet"]


def _truncated_gzip(folder):
    text = EVENTS.sample(frac=40, replace=True, random_state=1).to_csv(index=False)
    (folder / "e.csv.gz").write_bytes(gzip.compress(text.encode())[:-2_000])
    return [folder / "e.csv.gz"]


def _no_files(folder):
    (folder / "empty").mkdir()
    return [folder / "empty"]


def _unknown_key(folder):
    (folder / "graphkit.toml").write_text("look_bakc = '7d'\n[kinds.ip]\npriority = 3\n")
    return [_csv(folder / "e.csv"), "--config", folder / "graphkit.toml"]


def _kind_without_column(folder):
    (folder / "graphkit.toml").write_text("[kinds.ip]\n[kinds.fingerprint]\n")
    return [_csv(folder / "e.csv"), "--config", folder / "graphkit.toml"]


def _year_60000(folder):
    times = EVENTS["timestamp"].astype("int64") // 10**6
    return [_csv(folder / "e.csv", EVENTS.assign(timestamp=times.where(times.index > 100, 1_831_352_774_400_000_000)))]


def _wrong_column_as_ip(folder):
    return [_csv(folder / "e.csv", EVENTS.assign(ip=EVENTS["account_id"]))]


def _accounts_without_ids(folder):
    return [_csv(folder / "e.csv"), "--accounts", _csv(folder / "a.csv", pd.DataFrame({"id": ["farm0"]}))]


def _short_key(folder):
    (folder / "key").write_text("short\n")
    return [_csv(folder / "e.csv"), "--key-file", folder / "key"]


def _other_key(folder):
    (folder / "key").write_text("another key than that of the store\n")
    return [_csv(folder / "e.csv"), "--key-file", folder / "key"]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    path = tmp_path_factory.mktemp("stores") / "store"
    refresh(_csv(path.parent / "e.csv"), path)
    return path


@pytest.mark.parametrize(
    ("make", "messages"),
    [
        (_missing_column, ["e.csv: no column 'account_id'; there are: account,", '[columns]\naccount_id = "account"']),
        (_no_kind, ["no column holds a kind of link", "there are: account_id, timestamp", "[kinds.device]"]),
        (_empty_file, ["e.csv: ", "is empty"]),
        (_no_rows, ["there are no rows"]),
        (_no_event_in_the_look_back, ["2026-06-24 to 2026-06-30", "2026-05-04 to 2026-05-05", "longer look_back"]),
        (_as_of_before_all, ["to 2026-05-03", "2026-05-04 to 2026-05-05", "choose another as-of day"]),
        (_truncated_parquet, ["e.parquet: is truncated or damaged", "export it again"]),
        (_damaged_parquet, ["e.parquet: ", "export it again"]),
        (_truncated_gzip, ["e.csv.gz: is truncated: its gzip data end too early", "export it again"]),
        (_no_files, ["the folder ", "holds no file of a known ending", ".parquet, .csv"]),
        (_unknown_key, ["graphkit.toml: look_bakc: unknown key; allowed: ", "kinds.ip.priority: unknown key"]),
        (_kind_without_column, ["no column 'fingerprint'", "[kinds.fingerprint]"]),
        (_year_60000, ["101 of 408 rows (24.8%) cannot be used", "ahead of the clock", "max_rejected_share ="]),
        (_wrong_column_as_ip, ["column 'ip'", "'farm0'", "[columns]"]),
        (_accounts_without_ids, ["a.csv: no column 'account_id'; there are: id"]),
        (_short_key, ["the key has 5 bytes", "openssl rand -hex 32"]),
        (_other_key, ["does not belong to this store", "give the key that it was made with"]),
    ],
)  # fmt: skip
def test_each_fault_is_told_and_the_store_is_as_it_was(make, messages, store, tmp_path):
    before = tree(store)
    ended = run("refresh", *make(tmp_path), "--store", store)
    assert (ended.code, ended.out) == (1, "")
    for message in messages:
        assert message in ended.err
    assert "error: " in ended.err
    assert tree(store) == before
    assert run("verify", store).code == 0
