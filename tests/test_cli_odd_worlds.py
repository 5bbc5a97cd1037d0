"""Odd but lawful input through the command line: hostile texts, many kinds, numbers as ids, accounts."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import graphkit as gk
from tests.commands import refresh, run, small_events

EVENTS = small_events()
HOSTILE = [
    "'; DROP TABLE events; --",
    "a\0b",
    "line\nbreak",
    "\u202egnp.exe",
    "x" * 10_000,
    "=cmd()",
    "<script>alert(1)",
    "%s{}",
    "NULL",
]


def _refresh(tmp_path, frame, *options, settings=""):
    pq.write_table(pa.table(frame), tmp_path / "e.parquet")
    (tmp_path / "graphkit.toml").write_text(settings, encoding="utf-8")
    said = refresh(tmp_path / "e.parquet", tmp_path / "store", "--config", tmp_path / "graphkit.toml", *options)
    assert run("verify", tmp_path / "store").code == 0
    return said, gk.open_store(tmp_path / "store").load(said["snapshot"])


def test_hostile_ids_and_entities_are_only_texts(tmp_path):
    names = dict(zip((f"farm{n}" for n in range(8)), HOSTILE, strict=False))
    frame = EVENTS.assign(
        account_id=EVENTS["account_id"].replace(names), user_agent=EVENTS["ip"].map(lambda ip: HOSTILE[int(ip[-1])])
    )
    _, found = _refresh(tmp_path, frame)
    assert set(found.accounts["account_id"]) == set(names.values())
    assert run("report", tmp_path / "store", "-o", tmp_path / "r.html", "--reveal").code == 0
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert "\u202e" not in page


@pytest.mark.parametrize("dtype", ["int64", "uint64", "int32", "float64"])
def test_numbers_are_ids_too(tmp_path, dtype):
    numbers = pd.factorize(EVENTS["account_id"])[0].astype(dtype)
    _, found = _refresh(tmp_path, EVENTS.assign(account_id=numbers))
    assert sorted(found.accounts["account_id"]) == [str(n) for n in range(8)]


def test_sixteen_kinds(tmp_path):
    kinds = {f"kind_{n}": EVENTS["device_id"] + f"-{n}" for n in range(16)}
    said, found = _refresh(
        tmp_path, EVENTS[["account_id", "timestamp"]].assign(**kinds), settings="".join(f"[kinds.{k}]\n" for k in kinds)
    )
    assert said["counts"]["clusters"] == 1
    assert len(gk.explain_pair(found, "farm0", "farm1")) == 16
    assert run("report", tmp_path / "store", "-o", tmp_path / "r.html").code == 0


def test_columns_named_with_quotes_and_spaces(tmp_path):
    ours = {"account_id": 'the "account"', "timestamp": "when; --", "ip": "client's address", "device_id": "a b\tc"}
    settings = "[columns]\n" + "".join(f"{k} = {json.dumps(ours[k])}\n" for k in ("account_id", "timestamp", "ip"))
    settings += f"[kinds.ip]\n[kinds.device]\ncolumn = {json.dumps(ours['device_id'])}\n"
    for ending in ("csv", "tsv", "jsonl"):
        (tmp_path / ending).mkdir()
        path = tmp_path / ending / f"e.{ending}"
        frame = EVENTS.rename(columns=ours)
        if ending == "jsonl":
            frame.to_json(path, orient="records", lines=True, date_format="iso")
        else:
            frame.to_csv(path, sep="," if ending == "csv" else "\t", index=False)
        (tmp_path / "graphkit.toml").write_text(settings)
        said = refresh(path, tmp_path / ending / "store", "--config", tmp_path / "graphkit.toml")
        assert (said["counts"]["clusters"], said["counts"]["accounts"]) == (1, 8)


def test_one_time_for_all_and_every_row_twice(tmp_path):
    frame = pd.concat([EVENTS, EVENTS]).assign(
        timestamp=pd.Timestamp("2026-05-04", tz="UTC"), input_tokens=-1, model=None
    )
    said, found = _refresh(tmp_path, frame)
    assert (said["counts"]["n_events"], said["counts"]["clusters"]) == (816, 1)
    assert found.clusters["n_events"].tolist() == [96]
    assert run("report", tmp_path / "store", "-o", tmp_path / "r.html").code == 0


def test_a_kind_in_the_accounts_alone(tmp_path):
    rows = [(f"farm{n}", "4111") for n in range(6)] + [
        ("farm0", "4222"),
        ("farm1", "4222"),
        ("nobody", "4111"),
        ("u0001", None),
    ]
    accounts = pd.DataFrame(rows, columns=["account_id", "payment_instrument"])
    accounts.to_csv(tmp_path / "a.csv", index=False)
    frame = EVENTS[["account_id", "timestamp"]]
    said, found = _refresh(tmp_path, frame, "--accounts", tmp_path / "a.csv", settings="[kinds.payment_instrument]\n")
    assert said["counts"]["n_accounts"] == 128, "accounts without events do not count"
    assert set(found.accounts["account_id"]) == {f"farm{n}" for n in range(6)}
    assert sorted(found.entities["n_accounts"]) == [2, 6]
    assert set(found.accounts["tier"]) == {"review"}
    assert np.isfinite(found.clusters["score"]).all()
