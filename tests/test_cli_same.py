"""The same events, however they come, are the same snapshot: ids, digests and bytes."""

import os

import pandas as pd
import pytest

import graphkit as gk
from graphkit.snapshot import STORED_TABLES
from tests.commands import finish, refresh, small_events, start

EVENTS = small_events().assign(
    input_tokens=lambda frame: range(-3, len(frame) - 3),
    model=lambda frame: frame["ip"].str[-1].where(frame.index % 3 > 0),
)
CARDS = pd.DataFrame(
    {
        "account_id": [*(f"farm{n}" for n in range(8)), "ghost"],
        "created_at": "2026-05-01T10:00:00Z",
        "payment_instrument": [f"4111 {n % 2}" for n in range(9)],
    }
)
CONFIG = """
[kinds.ip]
[kinds.payment_instrument]
[kinds.device_id]
within = "1h"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The same events in several shapes, accounts, settings and a key."""
    path = tmp_path_factory.mktemp("same")
    EVENTS.to_csv(path / "e.csv", index=False)
    shuffled = EVENTS.sample(frac=1, random_state=3)
    (path / "split").mkdir()
    shuffled[:100].to_csv(path / "split" / "2.csv.gz", index=False)
    shuffled[100:200].to_json(path / "split" / "1.jsonl.gz", orient="records", lines=True, date_format="iso")
    shuffled[200:300].to_parquet(path / "split" / "3.parquet", index=False)
    zoned = shuffled[300:].assign(timestamp=lambda frame: frame["timestamp"].dt.tz_convert("Asia/Tokyo"))
    zoned.to_parquet(path / "split" / "0.parquet", compression="zstd")
    EVENTS.assign(timestamp=EVENTS["timestamp"].astype("int64") // 10**6).to_csv(
        path / "micro.tsv", sep="\t", index=False
    )
    CARDS.to_csv(path / "a.csv", index=False)
    CARDS[::-1].to_parquet(path / "a.parquet")
    (path / "graphkit.toml").write_text(CONFIG)
    (path / "key").write_text("a key that is the same for all stores\n")
    return path


def _refresh(folder, store, events, accounts="a.csv", *options):
    settings = "--config", folder / "graphkit.toml", "--key-file", folder / "key"
    return refresh(events, store, "--accounts", folder / accounts, *settings, *options)


@pytest.fixture(scope="module")
def first(folder):
    said = _refresh(folder, folder / "store", folder / "e.csv")
    return gk.open_store(folder / "store").load(said["snapshot"])


@pytest.mark.parametrize(
    ("names", "accounts", "options"),
    [
        (["e.csv"], "a.csv", []),
        (["e.csv", "e.csv"], "a.csv", []),
        (["split"], "a.csv", []),
        (["split/*.parquet", "split/*.gz", "split/0.parquet"], "a.parquet", []),
        (["micro.tsv"], "a.parquet", ["--memory", "500MB"]),
    ],
)
def test_the_same_events_are_the_same_bytes(folder, first, tmp_path, names, accounts, options):
    said = _refresh(folder, tmp_path / "store", [folder / name for name in names], accounts, *options)
    assert said["snapshot"] == first.id
    assert said["counts"]["rows_read"] == len(EVENTS)
    again = gk.open_store(tmp_path / "store").latest()
    assert again.manifest["content"] == first.manifest["content"]
    assert {name: again.read_bytes(name) for name in STORED_TABLES} == {
        name: first.read_bytes(name) for name in STORED_TABLES
    }


@pytest.mark.parametrize("seed", ["1", "2"])
def test_hash_seed_and_threads_leave_the_bytes(folder, first, tmp_path, seed):
    shaped = ["--config", folder / "graphkit.toml", "--key-file", folder / "key", "--accounts", folder / "a.csv"]
    process = start(
        "refresh",
        folder / "split",
        "--store",
        tmp_path / "s",
        "--json",
        *shaped,
        env=os.environ | {"PYTHONHASHSEED": seed},
    )
    assert first.id in finish(process).out


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_threads_leave_the_bytes(folder, first, threads, monkeypatch):
    monkeypatch.setattr("graphkit.analysis.open_engine", _with_threads(threads))
    found = gk.analyze(folder / "e.csv", folder / "a.csv", first.config, key=(folder / "key").read_bytes().strip())
    assert found.manifest["content"]["tables"] == first.manifest["content"]["tables"]


def _with_threads(threads):
    from graphkit.engine import open_engine

    return lambda scratch, *, memory: open_engine(scratch, memory=memory, threads=threads)


def test_the_world_is_worth_comparing(first):
    assert first.content["resolved"]["kinds"] == ["device_id", "ip", "payment_instrument"]
    assert (len(first.clusters), len(first.accounts)) == (1, 8)
    assert set(first.entities["kind"]) == {"device_id", "ip", "payment_instrument"}
    assert len(first.co_uses) > 0
    assert first.accounts["created_at"].notna().all()
    assert "ghost" not in set(first.links["account_id"])
    assert "4111" not in str(first.table("entities").to_pylist())


def test_the_same_again_is_not_a_second_snapshot(folder, first):
    _refresh(folder, folder / "store", folder / "micro.tsv")
    assert gk.open_store(folder / "store").list()["snapshot_id"].tolist() == [first.id]
