"""The commands that look through time, on a store that was refreshed three nights running."""

import json

import pandas as pd
import pytest

import graphkit as gk
from tests.commands import refresh, run, small_events

DAYS = ("2026-05-04", "2026-05-05", "2026-05-06")


def events_of(day: str, *, farm: int) -> pd.DataFrame:
    """A day of a farm of so many accounts."""
    frame = small_events(farm=farm, others=250)
    minutes = pd.to_timedelta(frame.index % (24 * 60), unit="min")
    return frame.assign(timestamp=pd.Timestamp(day, tz="UTC") + minutes)


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    """A folder with a store: the farm has 8 accounts, then 14, then 14."""
    folder = tmp_path_factory.mktemp("night ü")
    (folder / "graphkit.toml").write_text("look_back = '1d'\nstability = false\nchance_runs = 0\n")
    for day, farm in zip(DAYS, (8, 14, 14), strict=True):
        events_of(day, farm=farm).to_parquet(folder / f"{day}.parquet")
        refresh(folder / f"{day}.parquet", folder / "store", "--config", folder / "graphkit.toml", "--as-of", day)
    return folder


@pytest.fixture
def store(night):
    return night / "store"


def cluster_of(store):
    return gk.open_store(store).latest().accounts.set_index("account_id")["cluster_id"]["farm0"]


def test_the_farm_has_one_id_on_all_days(store):
    opened = gk.open_store(store)
    ids = {opened.load(name).accounts["cluster_id"].unique().tolist()[0] for name in opened.list()["snapshot_id"]}
    assert ids == {cluster_of(store)}


def test_refresh_says_what_became_of_the_clusters(night, tmp_path):
    mine, settings = tmp_path / "store", ["--config", night / "graphkit.toml"]
    first = refresh(night / f"{DAYS[0]}.parquet", mine, *settings)
    assert first["lineage"] == {"parent": None, "events": {"birth": 1}, "faults": []}
    ended = run("refresh", night / f"{DAYS[1]}.parquet", "--store", mine, *settings)
    assert f"Since {first['snapshot']}: growth 1." in ended.out
    last = run("refresh", night / f"{DAYS[1]}.parquet", "--store", mine, *settings, "--as-of", DAYS[2])
    assert last.code == 1, "there is no event that day"


def test_diff_tells_the_last_night_or_any_two(store):
    a = cluster_of(store)
    said = run("diff", store, "20260504", "20260505")
    assert said.code == 0
    assert "Clusters: 1 grown." in said.out
    assert "the world changed" in said.out
    assert f"grown  {a}" in said.out
    found = run("diff", store, "--json").json
    assert [row["change"] for row in found["clusters"]] == ["same"]
    assert run("diff", store, "20260505", "20260504", "--json").json["clusters"][0]["change"] == "shrunk"
    assert run("diff", store, "1999").code == 2


def test_the_first_snapshot_has_nothing_before_it(night, tmp_path):
    refresh(night / f"{DAYS[0]}.parquet", tmp_path / "s")
    ended = run("diff", tmp_path / "s", env={"COLUMNS": "200"})
    assert (ended.code, ended.out) == (2, "")
    assert "is the first snapshot; name another" in ended.err


def test_diff_reruns_the_old_settings_where_they_differ(night, tmp_path):
    mine, events = tmp_path / "store", night / f"{DAYS[1]}.parquet"
    (tmp_path / "new.toml").write_text("look_back = '1d'\nstability = false\nchance_runs = 0\nmin_cluster_size = 20\n")
    refresh(night / f"{DAYS[0]}.parquet", mine, "--config", night / "graphkit.toml")
    refresh(events, mine, "--config", tmp_path / "new.toml")
    plain = run("diff", mine, "--json").json
    assert [row["key"] for row in plain["settings"]] == ["min_cluster_size"]
    assert [(row["change"], row["cause"]) for row in plain["clusters"]] == [("gone", "unknown")]
    told = run("diff", mine, "--events", events, "--json").json
    assert [(row["change"], row["cause"]) for row in told["clusters"]] == [("gone", "settings")]
    assert told["n_undone"] == 1, "the farm grew"


def test_history_tells_a_life_and_leaves_out_quiet_days(store):
    a = cluster_of(store)
    ended = run("history", store, a)
    assert [line.split()[:3] for line in ended.out.splitlines()[1:3]] == [[DAYS[0], "birth", a], [DAYS[1], "growth", a]]
    assert "1 snapshot in which it went on nearly as it was" in ended.out
    assert [row["event"] for row in run("history", store, a, "--json").json["history"]][-1] == "continuation"
    assert run("history", store, "C-00000").code == 2


def test_a_review_is_recorded_listed_and_shown(night, tmp_path):
    mine = tmp_path / "store"
    refresh(night / f"{DAYS[0]}.parquet", mine)
    a = cluster_of(mine)
    assert "No review yet" in run("reviews", mine).out
    ended = run("review", mine, a, "benign", "--author", "Ann [bold]", "--note", "a class\x1b[31m")
    assert (ended.code, ended.out.split(" in ")[0]) == (0, f"{a} (8 accounts")
    assert run("review", mine, a, "confirmed", "--json", env={"GRAPHKIT_AUTHOR": "Bob"}).json["author"] == "Bob"
    listed = run("reviews", mine)
    assert "Ann [bold]" in listed.out
    assert "\x1b" not in listed.out
    assert [row["verdict"] for row in run("reviews", mine, "--json").json["reviews"]] == ["benign", "confirmed"]
    assert run("report", mine, "-o", tmp_path / "r.html").code == 0
    assert "confirmed" in (tmp_path / "r.html").read_text(encoding="utf-8")
    assert run("refit", mine, "--json").json["n_confirmed"] == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["C-00000", "benign", "--author", "A"], "has no cluster"), (["x", "guilty", "--author", "A"], "is not one of"),
     (["x", "benign"], "Missing option '--author'")],
)  # fmt: skip
def test_a_review_that_cannot_be_is_wrong_usage(store, arguments, message):
    ended = run("review", store, *arguments, env={"COLUMNS": "200"})
    assert ended.code == 2
    assert message in ended.err


def test_alerts_are_lines_of_a_file_or_of_standard_output_and_told_once(night, tmp_path):
    mine, target = tmp_path / "store", tmp_path / "alerts.jsonl"
    (tmp_path / "g.toml").write_text("stability = false\nchance_runs = 0\nlook_back = '1d'\n[alerts]\nscore = 0\n")
    given = ["--store", mine, "--config", tmp_path / "g.toml"]
    for _ in range(2):
        assert run("refresh", night / f"{DAYS[0]}.parquet", *given, "--alerts", target, "--json").json["lineage"]
    (line,) = target.read_text(encoding="ascii").splitlines()
    assert json.loads(line)["alert"] == "new_cluster"
    ended = run("refresh", night / f"{DAYS[1]}.parquet", *given, "--alerts", "-")
    assert ended.json["alert"] == "growth", "one line, and nothing else"
    assert run("refresh", night / f"{DAYS[1]}.parquet", *given, "--alerts", "-").out == ""
    both = run("refresh", night / f"{DAYS[1]}.parquet", *given, "--alerts", "-", "--json", env={"COLUMNS": "200"})
    assert (both.code, both.out) == (2, "")
    within = run("refresh", night / f"{DAYS[1]}.parquet", *given, "--alerts", mine / "alerts.jsonl")
    assert (within.code, within.out) == (2, "")
    assert gk.open_store(mine).verify() == []


def test_prune_tells_what_it_removes(night, tmp_path):
    mine, settings = tmp_path / "store", ["--config", night / "graphkit.toml"]
    ids = [refresh(night / f"{day}.parquet", mine, *settings)["snapshot"] for day in DAYS]
    assert run("prune", mine).out == "Nothing is to be removed.\n"
    assert f"would be removed: {ids[0]}" in run("prune", mine, "--keep", 1, "--dry-run").out
    said = run("prune", mine, "--keep", 1, "--json").json
    assert said == {"removed": ids[:1], "kept_for_reviews": [], "kept_for_lineage": ids[1:2], "dry_run": False}
    assert f"kept: {ids[1]}: a newer one follows it" in run("prune", mine, "--keep", 1).out
    assert run("prune", mine, "--keep", 0).code == 2
