"""The command line as a stranger meets it."""

import json
import re

import pytest

import graphkit as gk
from tests.commands import refresh, run, small_events


@pytest.fixture(scope="module")
def events(tmp_path_factory):
    path = tmp_path_factory.mktemp("events") / "events.csv"
    small_events().to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def store(events, tmp_path_factory):
    path = tmp_path_factory.mktemp("stores") / "störe with blanks"
    refresh(events, path, "--as-of", "2026-05-05")
    refresh(events, path)
    return path


def test_help_names_all_commands_and_exit_codes():
    ended = run("--help")
    assert ended.code == 0
    for word in ("refresh", "report", "list", "verify", "demo", "Exit codes"):
        assert word in ended.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nope"], "No such command 'nope'"),
        (["refresh"], "Missing argument"),
        (["refresh", "e.csv"], "Missing option '--store'"),
        (["refresh", "e.csv", "--store", ""], "it is empty"),
        (["refresh", "e.csv", "--store", "s", "--as-of", "2026-13-01"], "allowed: a day such as 2026-05-15"),
        (["refresh", "e.csv", "--store", "s", "--look-back", "7"], 'such as "45d"'),
        (["refresh", "e.csv", "--store", "s", "--wait", "nan"], "allowed: seconds from 0"),
        (["report", "s", "--top", "0"], "greater than or equal to 1"),
        (["demo", "--seed", "4294967296"], "less than or equal to 4294967295"),
        (["demo", "--accounts", "1"], "greater than or equal to 2000"),
    ],
)
def test_wrong_usage_is_code_2_and_says_what_is_allowed(arguments, message, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    ended = run(*arguments, env={"COLUMNS": "200"})
    assert (ended.code, ended.out) == (2, "")
    assert message in ended.err
    assert not list(tmp_path.iterdir())


def test_wrong_values_are_code_2_too(events, store):
    for arguments, message in [
        (["refresh", events, "--store", store, "--memory", "lots"], 'allowed: a size such as "4GB"'),
        (["report", store, "--cluster", "C-?"], "its first are: C-"),
        (["report", store, "--snapshot", "1999"], "the last are: 20260505-"),
        (["report", store, "-o", store / "store.json"], "it lies in the store"),
        (["report", store, "-o", "/dev/null"], "it is no file"),
    ]:
        ended = run(*arguments, env={"COLUMNS": "500"})
        assert (ended.code, ended.out) == (2, "")
        assert message in ended.err


def test_refresh_tells_what_it_found_and_where_it_is(events, store):
    ended = run("refresh", events, "--store", store)
    assert ended.code == 0
    assert re.match(r"2026050\d-\w{8}: ", ended.out)
    assert "1 cluster of 8 accounts among 128 (408 events, 2026-05-04 to 2026-05-05)" in ended.out
    assert "All share 4 IP addresses that no one else uses" in ended.out
    assert f"graphkit report '{store}'" in ended.out
    assert "make links" in ended.err, "progress goes to standard error"


def test_json_is_one_object_and_nothing_else(events, store, tmp_path):
    said = refresh(events, store)
    assert said["path"].endswith(f"snapshots/{said['snapshot']}")
    assert said["counts"]["n_events"] == said["counts"]["rows_read"] == 408
    assert (said["counts"]["clusters"], said["counts"]["accounts"], said["counts"]["rows_set_aside"]) == (1, 8, 0)
    assert all(seconds >= 0 for seconds in said["seconds"].values())
    assert refresh(events, store) == said, "the same snapshot, and when it was made"
    assert run("verify", store, "--json").json == {"problems": []}
    assert run("report", store, "-o", tmp_path / "r.html", "--json").json == {"path": str(tmp_path / "r.html")}
    listed = run("list", store, "--json").json["snapshots"]
    assert [row["snapshot_id"] for row in listed][-1] == said["snapshot"]


def test_stability_and_chance_can_be_left_out(events, tmp_path):
    said = refresh(events, tmp_path / "store", "--no-stability")
    assert not {"test stability", "deal at random"} & set(said["seconds"])
    assert said["counts"]["stability"] == 0
    assert gk.open_store(tmp_path / "store").latest().config.chance_runs == 0


def test_an_error_leaves_standard_output_empty(tmp_path):
    ended = run("refresh", tmp_path / "nope.csv", "--store", tmp_path / "s", "--json")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("error: events: ")


@pytest.mark.parametrize("columns", ["80", "40", "200"])
def test_ids_are_listed_whole_however_narrow(store, columns):
    ended = run("list", store, env={"COLUMNS": columns})
    assert [line.split()[0] for line in ended.out.splitlines()[1:]] == gk.open_store(store).list()[
        "snapshot_id"
    ].tolist()
    assert all(len(line) <= 80 for line in ended.out.splitlines())


def test_a_report_is_masked_unless_asked(store, tmp_path):
    for options, shown in [([], False), (["--reveal"], True)]:
        ended = run("report", store, "-o", tmp_path / "r ü.html", *options)
        assert ended.code == 0
        assert ("identifiers are masked" in ended.out) is not shown
        assert ("198.51.100.1" in (tmp_path / "r ü.html").read_text(encoding="utf-8")) is shown


def test_verify_names_damage(store, tmp_path, events):
    mine = tmp_path / "store"
    said = refresh(events, mine)
    (mine / "snapshots" / said["snapshot"] / "links.parquet").write_bytes(b"")
    ended = run("verify", mine)
    assert ended.code == 1
    assert f"snapshots/{said['snapshot']}/links.parquet: is damaged" in ended.out
    assert len(run("verify", mine, "--json").json["problems"]) == 1
    assert run("verify", store).out == "All files are as their manifests say.\n"


def test_an_empty_store_lists_nothing_and_says_what_to_do(events, tmp_path):
    run("refresh", events, "--store", tmp_path / "s", "--as-of", "2020-01-01")
    assert "`graphkit refresh` makes one" in run("list", tmp_path / "s").out
    assert run("report", tmp_path / "s").code == 1


def test_hostile_text_is_shown_as_marks(tmp_path):
    name = "e\x1b[31m[bold]\n.csv"
    (tmp_path / name).write_text("account_id,timestamp,ip\n" + "a,2026-05-01,::1\n" * 30 + ",2026-05-01,::1\n")
    ended = run("refresh", tmp_path / name, "--store", tmp_path / "s\x1b[31m")
    assert ended.code == 0, ended.err
    assert "set aside: 1 row of e\\x1b[31m[bold]\\n.csv: no account_id" in ended.out
    assert "\x1b" not in ended.out


def test_a_kind_of_the_users_own_is_known_everywhere(tmp_path):
    small_events().rename(columns={"device_id": 'the "device"'}).to_json(
        tmp_path / "e.jsonl", orient="records", lines=True, date_format="iso"
    )
    (tmp_path / "graphkit.toml").write_text('[kinds.ip]\n[kinds.header_fingerprint]\ncolumn = "the \\"device\\""\n')
    said = refresh(tmp_path / "e.jsonl", tmp_path / "s", "--config", tmp_path / "graphkit.toml")
    snapshot = gk.open_store(tmp_path / "s").load(said["snapshot"])
    assert set(snapshot.entities["kind"]) == {"ip", "header_fingerprint"}
    assert "1 header fingerprint" in snapshot.clusters["binding"][0]
    explained = gk.explain_pair(snapshot, "farm0", "farm1")
    assert "d-farm" in explained.set_index("kind").loc["header_fingerprint", "entity"]
    assert run("report", tmp_path / "s", "-o", tmp_path / "r.html").code == 0
    assert "header fingerprint" in (tmp_path / "r.html").read_text(encoding="utf-8")
    assert json.loads(gk.plot_cluster(snapshot, snapshot.clusters["cluster_id"][0]).to_json())["data"]
