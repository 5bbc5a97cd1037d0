"""A store that the first graphkit to write one wrote: it reads, is checked, and a refresh goes on from it.

``stores/format-1.zip`` was made by that version, from ``small_events`` of ``commands.py`` and the key below. Five of
today's tables were not there yet, and of others some columns.
"""

import zipfile

import pytest

import graphkit as gk
from graphkit.snapshot import STORED_TABLES
from graphkit.tables import TABLES
from tests.commands import run, small_events

_LATER = {"stability", "calibration", "history", "former_accounts", "former_entities"}


@pytest.fixture
def old(root, tmp_path, monkeypatch):
    monkeypatch.setenv("GRAPHKIT_KEY", "k" * 32)
    with zipfile.ZipFile(root / "tests" / "stores" / "format-1.zip") as packed:
        packed.extractall(tmp_path / "store")
    return gk.open_store(tmp_path / "store")


def test_every_table_reads_and_what_came_later_is_empty(old):
    snapshot = old.latest()
    assert old.list()["format"].tolist() == [1]
    assert old.verify() == []
    for name in STORED_TABLES:
        table = snapshot.table(name)
        assert table.column_names == [column.name for column in TABLES[name].schema()]
        assert bool(len(table)) == (name in snapshot.content["tables"] and snapshot.content["tables"][name]["rows"] > 0)
    assert {name for name in STORED_TABLES if name not in snapshot.content["tables"]} == _LATER
    assert snapshot.clusters["expected_by_chance"].isna().all()
    assert snapshot.clusters["n_accounts"].tolist() == [8]


def test_it_is_reported_reviewed_and_explained(old):
    cluster = old.latest().clusters["cluster_id"][0]
    gk.review(old, cluster, "confirmed", author="A. Analyst")
    assert old.latest().clusters["verdict"].tolist() == ["confirmed"]
    assert cluster in gk.render_report(old.latest())
    for command in (["explain", old.path, cluster], ["list", old.path]):
        ended = run(*command)
        assert ended.code == 0, ended.err


def test_a_refresh_goes_on_from_it_and_its_clusters_keep_their_ids(old, tmp_path):
    (before,) = old.latest().clusters["cluster_id"]
    small_events().to_csv(tmp_path / "small.csv", index=False)
    ended = run("refresh", tmp_path / "small.csv", "--store", old.path, "--as-of", "2026-05-06", "--no-stability")
    assert ended.code == 0, ended.err
    after = old.latest()
    assert after.content["parent"] == old.list()["snapshot_id"][0]
    assert after.clusters["cluster_id"].tolist() == [before]
    assert after.lineage["event"].tolist() == ["continuation"]
    assert run("diff", old.path).code == 0
    assert old.verify() == []
