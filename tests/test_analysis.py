"""The whole flow on a small world whose answer is known by hand."""

import subprocess
import sys

import pandas as pd
import pytest

import graphkit as gk
from graphkit.engine import DuckDB
from tests.small import events_of

FARM = {f"farm{n}": {"ip": f"198.51.100.{n % 3} 203.0.113.7", "prompt_template": "t-1"} for n in range(6)}
PAIR = {f"two{n}": {"ip": "192.0.2.1"} for n in range(2)}
EVENTS = events_of(FARM | PAIR, bystanders=2_000)


@pytest.fixture(scope="module")
def snapshot() -> gk.Snapshot:
    return gk.analyze(EVENTS)


def test_finds_the_farm_and_nobody_else(snapshot):
    assert set(snapshot.accounts["account_id"]) == set(FARM)
    assert len(set(snapshot.accounts["cluster_id"])) == 1
    assert snapshot.accounts["tier"].tolist() == ["core"] * 6
    assert snapshot.accounts["kinds"].map(set).tolist() == [{"ip", "prompt_template"}] * 6


def test_counts_are_the_worlds(snapshot):
    population = snapshot.content["population"]
    assert population["n_accounts"] == 2_008
    assert population["n_events"] == len(EVENTS)
    assert snapshot.clusters["n_accounts"].tolist() == [6]
    assert snapshot.clusters["n_events"].tolist() == [12]


def test_use_is_counted_by_day_over_years_too_in_as_many_passes(monkeypatch):
    asked, query = [], DuckDB.query
    monkeypatch.setattr(DuckDB, "query", lambda self, sql: asked.append(sql) or query(self, sql))
    times = pd.date_range("2022-01-01", periods=len(EVENTS), freq="6h", tz="UTC")
    spread = EVENTS.sample(frac=1, random_state=0).assign(timestamp=times)
    usage = gk.analyze(spread).usage
    assert 2 <= sum("FROM own_events" in sql for sql in asked) <= 9, "hours once, use eight times"
    for rows, events in [
        (usage[usage["cluster_id"].isna()], spread),
        (usage[usage["cluster_id"].notna()], spread[spread["account_id"].isin(list(FARM))]),
    ]:
        n_events = rows.groupby(pd.to_datetime(rows["day"]).dt.date)["n_events"].sum()
        assert n_events.to_dict() == events["timestamp"].dt.date.value_counts().to_dict()


def test_evidence_counts_inside_and_outside(snapshot):
    rows = snapshot.evidence.set_index("entity")
    assert rows.loc["203.0.113.7", ["n_inside", "n_outside", "coverage"]].tolist() == [6, 0, 1.0]
    assert rows.loc["203.0.113.7", "lift"] == pytest.approx(2_008 / 6)
    assert rows.loc["198.51.100.0", "n_inside"] == 2
    assert "192.0.2.1" not in rows.index


def test_says_what_binds_without_naming_anything(snapshot):
    binding = snapshot.clusters["binding"][0]
    assert binding.split("; ") == [
        "All share 4 IP addresses that no one else uses",
        "all share 1 prompt template that no one else uses",
    ]
    assert not any(text in binding for text in ("203.0.113", "t-1", "farm0"))


def test_an_account_file_brings_kinds_and_creation_times():
    created = pd.Timestamp("2026-05-01", tz="UTC")
    cards = pd.DataFrame({"account_id": sorted(PAIR), "payment_instrument": "4111-1111", "created_at": created})
    found = gk.analyze(EVENTS, cards, gk.Config(min_cluster_size=2))
    members = found.accounts.set_index("account_id").loc[sorted(PAIR)]
    assert members["kinds"].map(set).tolist() == [{"ip", "payment_instrument"}] * 2
    assert members["created_at"].tolist() == [created] * 2
    assert "4111" not in "".join(found.links["entity"])


def test_nothing_shared_is_an_empty_snapshot():
    found = gk.analyze(EVENTS[EVENTS["account_id"].str.startswith("z")])
    assert (len(found.clusters), len(found.accounts), len(found.pairs)) == (0, 0, 0)
    assert "no cluster" in found._repr_html_()


def test_one_account_only_is_an_empty_snapshot():
    found = gk.analyze(EVENTS.head(1))
    assert found.content["population"]["n_accounts"] == 1
    assert len(found.clusters) == 0


def test_common_entities_stand_in_the_ledger():
    crowd = events_of({f"u{n}": {"ip": f"10.0.0.{n}", "user_agent": "common"} for n in range(40)})
    ledger = gk.analyze(crowd).exclusions
    (row,) = ledger.drop(columns="tag").to_dict("records")
    assert row == {
        "kind": "user_agent",
        "entity": "common",
        "reason": "too_common",
        "n_accounts": 40,
        "n_links_dropped": 40,
        "n_pairs_dropped": 40 * 8,
        "n_accounts_unpaired": 40,
    }
    assert ledger["tag"].isna().all()


@pytest.mark.parametrize("method", ["bipartite", "multiplex"])
def test_other_methods_find_the_farm(method):
    found = gk.analyze(EVENTS, config=gk.Config(method=method))
    assert set(found.accounts["account_id"]) == set(FARM)


def test_row_order_and_file_split_leave_the_bytes(snapshot, tmp_path):
    shuffled = EVENTS.sample(frac=1, random_state=1)
    shuffled.iloc[:700].to_parquet(tmp_path / "b.parquet")
    shuffled.iloc[700:].to_csv(tmp_path / "a.csv", index=False)
    split = gk.analyze(tmp_path)
    assert split.manifest["content"] == snapshot.manifest["content"]
    assert split.id == snapshot.id


@pytest.mark.parametrize("hash_seed", ["1", "2"])
def test_hash_seed_leaves_the_bytes(snapshot, hash_seed, tmp_path):
    EVENTS.to_parquet(tmp_path / "events.parquet")
    code = "import graphkit as gk, sys; print(gk.analyze(sys.argv[1]).id)"
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "events.parquet")],
        env={"PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == snapshot.id
