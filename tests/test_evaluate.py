"""Evaluation of a snapshot, from Python and from the command line."""

import json

import pandas as pd
import pytest
from typer.testing import CliRunner

import graphkit as gk
from graphkit.cli import app
from graphkit.errors import InputError, UsageError
from graphkit.lab.evaluate import FIGURES, compare_methods, evaluate_snapshot, link_events, read_truth


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A small world in files, and a store of two snapshots of it."""
    folder = tmp_path_factory.mktemp("evaluated")
    world = gk.synthesize(1_500, 45_000, seed=101)
    world.events.to_parquet(folder / "events.parquet")
    world.accounts.to_parquet(folder / "accounts.parquet")
    world.truth.to_csv(folder / "truth.csv", index=False)
    for day in (world.events["timestamp"].min() + pd.Timedelta(days=20), world.events["timestamp"].max()):
        files = str(folder / "events.parquet"), folder / "store"
        gk.refresh_store(*files, accounts=str(folder / "accounts.parquet"), as_of=day.date())
    return folder


def run(*arguments):
    result = CliRunner().invoke(app, ["evaluate", *map(str, arguments)])
    if result.exit_code:
        raise result.exception
    return result.stdout


def test_a_snapshot_against_the_truth(folder):
    snapshot, truth = gk.open_store(folder / "store").latest(), read_truth(folder / "truth.csv")
    figures = evaluate_snapshot(snapshot, truth)
    assert figures == gk.evaluate_clusters(snapshot.accounts, truth, scores=snapshot.clusters)
    assert (figures["n_accounts"], figures["n_farms"]) == (1_500, truth["farm"].nunique())
    assert figures["recall"] > 0.8
    assert figures["cluster_precision"] > 0.5
    assert figures.keys() >= FIGURES.keys()


def test_methods_side_by_side(folder):
    snapshot, truth = gk.open_store(folder / "store").latest(), read_truth(folder / "truth.csv")
    links = link_events(str(folder / "events.parquet"), str(folder / "accounts.parquet"))
    rows = compare_methods(snapshot, truth, links=links)
    assert rows["method"].tolist()[0] == "graphkit"
    assert len(rows) == 7
    assert (rows["skipped"] == "").all()
    assert (rows["farms_whole"].iloc[0] > rows["farms_whole"].iloc[1:]).all()
    assert compare_methods(snapshot, truth)["method"].tolist() == ["graphkit"]
    again = compare_methods(snapshot, truth, links=links)
    pd.testing.assert_frame_equal(again.drop(columns="seconds"), rows.drop(columns="seconds"))


def test_links_are_those_of_the_snapshot(folder):
    snapshot = gk.open_store(folder / "store").list()["snapshot_id"].iloc[0]
    first = gk.open_store(folder / "store").load(snapshot)
    files = str(folder / "events.parquet"), str(folder / "accounts.parquet")
    links = link_events(*files, config=first.config, as_of=first.as_of)
    assert len(links.account) == first.content["population"]["n_links"]
    assert len(link_events(*files).account) > len(links.account)


def test_command_as_json(folder):
    told = json.loads(run(folder / "store", "--truth", folder / "truth.csv", "--json"))
    snapshot, truth = gk.open_store(folder / "store").latest(), read_truth(folder / "truth.csv")
    figures = evaluate_snapshot(snapshot, truth)
    assert told["snapshot"] == snapshot.id
    assert {name: told["methods"][0][name] for name in figures} == pytest.approx(figures)
    assert sum(farm["whole"] for farm in told["farms"]) == figures["farms_whole"]
    first = gk.open_store(folder / "store").list()["snapshot_id"].iloc[0]
    earlier = json.loads(run(folder / "store", "--truth", folder / "truth.csv", "--snapshot", first, "--json"))
    assert earlier["snapshot"] == first
    assert earlier["methods"] != told["methods"]


def test_command_in_words(folder):
    events = ("--events", folder / "events.parquet", "--accounts", folder / "accounts.parquet")
    alone, beside = (run(folder / "store", "--truth", folder / "truth.csv", *more) for more in ((), events))
    assert "against a truth of 1,500 accounts" in alone
    assert all(name in alone for name in FIGURES)
    assert "FRAUDAR" in beside
    assert "FRAUDAR" not in alone


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("account_id,farm\na,F\n", InputError, "truth.csv: the truth has no column group; it needs"),
        ("account_id,farm,group\n,F,F\n", InputError, "1 rows without an account_id"),
        ("", InputError, "the truth cannot be read"),
        ("account_id,farm,group\na,F,F\n", UsageError, "assigned accounts are not in the truth"),
    ],
)
def test_unusable_truths(folder, tmp_path, text, error, words):
    (tmp_path / "truth.csv").write_text(text, encoding="utf-8")
    with pytest.raises(error, match=words):
        run(folder / "store", "--truth", tmp_path / "truth.csv")


def test_truth_in_parquet_and_ids_of_digits(tmp_path):
    truth = pd.DataFrame({"account_id": [1, 2], "farm": ["NA", None], "group": ["NA", "ordinary"]})
    truth.to_csv(tmp_path / "truth.csv.gz", index=False)
    truth.to_parquet(tmp_path / "truth.parquet")
    for name in ("truth.csv.gz", "truth.parquet"):
        read = read_truth(tmp_path / name)
        assert read["account_id"].tolist() == ["1", "2"]
        assert read["farm"].iloc[0] == "NA"
        assert read["farm"].isna().tolist() == [False, True]
