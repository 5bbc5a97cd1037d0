"""Refit: a few verdicts move little, many move much, and the score stays monotone."""

from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import graphkit as gk
from graphkit.detect.refit import read_verdicts
from graphkit.errors import InputError, UsageError
from graphkit.snapshot import build_snapshot
from graphkit.tables import TABLES
from tests.commands import refresh, run, small_events

PARTS = list(gk.Score().weights)


def snapshot_of(effects: np.ndarray, *, day: str = "2026-05-15", first: int = 0) -> gk.Snapshot:
    """A snapshot of clusters C0, C1 and so on whose parts have these effects, shape (clusters, parts)."""
    rows = [
        {"cluster_id": f"C{first + c}", "part": part, "contribution": 0.0}
        | ({"missing": "none"} if np.isnan(effect) else {"value": effect, "effect": effect})
        for c, row in enumerate(effects)
        for part, effect in zip(PARTS, row, strict=True)
    ]
    content = {
        "config": {},
        "key_fingerprint": "f",
        "parent": None,
        "population": {"n_accounts": 100, "n_events": 1_000},
    }
    tables = {"score_parts": pa.Table.from_pylist(rows, schema=TABLES["score_parts"].schema())}
    return build_snapshot(tables, as_of=date.fromisoformat(day), content=content, run={})


def verdicts_of(confirmed) -> pd.DataFrame:
    verdicts = np.where(confirmed, "confirmed", "benign")
    return pd.DataFrame({"cluster_id": [f"C{place}" for place in range(len(verdicts))], "verdict": verdicts})


def draw(n: int, *, telling: str, seed: int = 1):
    """Effects at random, and verdicts that follow one part alone."""
    effects = np.random.default_rng(seed).uniform(0, 1, (n, len(PARTS)))
    return snapshot_of(effects), verdicts_of(effects[:, PARTS.index(telling)] > 0.5)


def change_of(result, part):
    return result.report.set_index("part").loc[part, "change"]


@pytest.mark.parametrize(("n", "least", "most"), [(0, 0, 0), (3, 0.01, 0.5), (300, 2, 64)])
def test_few_verdicts_move_little_and_many_move_much(n, least, most):
    result = gk.refit_score(*draw(n, telling="accounts"))
    assert least <= result.report["change"].abs().max() <= most
    assert (result.n_confirmed + result.n_benign, result.n_unknown) == (n, 0)
    if n == 300:
        assert change_of(result, "accounts") == result.report["change"].max()
        assert result.score.volume < gk.Score().volume


def test_no_weight_falls_below_zero_however_wrong_a_part_is():
    effects = np.random.default_rng(1).uniform(0, 1, (400, len(PARTS)))
    result = gk.refit_score(snapshot_of(effects), verdicts_of(effects[:, PARTS.index("volume")] < 0.5))
    assert result.score.volume == 0
    assert min(result.score.weights.values()) >= 0


@pytest.mark.parametrize("confirmed", [True, False])
def test_verdicts_all_alike_stop_at_the_prior(confirmed):
    effects = np.random.default_rng(1).uniform(0, 1, (300, len(PARTS)))
    result = gk.refit_score(snapshot_of(effects), verdicts_of(np.full(300, confirmed)))
    intercept = change_of(result, "intercept")
    assert 0.1 < (intercept if confirmed else -intercept) < 8
    assert result.report.loc[1:, "change"].abs().max() < 2


def test_freedom_is_how_far_a_weight_may_go():
    moved = [gk.refit_score(*draw(30, telling="accounts"), freedom=freedom) for freedom in (0.1, 0.5, 2)]
    far = [change_of(result, "accounts") for result in moved]
    assert far == sorted(far)
    assert far[0] < 0.2
    assert far[2] > 1


def test_what_is_missing_tells_nothing():
    snapshot, verdicts = draw(100, telling="accounts")
    effects = snapshot.score_parts.pivot_table(index="cluster_id", columns="part", values="effect")[PARTS]
    effects = effects.loc[verdicts["cluster_id"]].to_numpy(copy=True)
    effects[:, PARTS.index("accounts")] = np.nan
    result = gk.refit_score(snapshot_of(effects), verdicts)
    row = result.report.set_index("part").loc["accounts"]
    assert (row["change"], row["n_told"]) == (0, 0)


def test_the_last_verdict_and_the_newest_snapshot_count():
    high, low = np.full((3, len(PARTS)), 0.9), np.full((3, len(PARTS)), 0.1)
    old, new = snapshot_of(low, day="2026-05-01"), snapshot_of(high, first=1)  # C0 is in the old one alone
    twice = pd.DataFrame(
        {"cluster_id": ["C1", "C1", "C0", "C9"], "verdict": ["benign", "confirmed", "watch", "benign"]}
    )
    result = gk.refit_score([old, new], twice)
    assert (result.n_confirmed, result.n_benign, result.n_unknown) == (1, 0, 1)
    assert result.score == gk.refit_score(new, twice.iloc[[1]]).score
    assert result.score != gk.refit_score(old, twice.iloc[[1]]).score


def test_the_settings_give_the_score_back(load_settings):
    result = gk.refit_score(*draw(300, telling="accounts"))
    assert load_settings(result.to_toml()).score == result.score == gk.Config(score=result.score).score
    again = gk.refit_score(*draw(300, telling="accounts"))
    assert again.to_toml() == result.to_toml()
    shuffled = draw(300, telling="accounts")[1].sample(frac=1, random_state=1)
    assert gk.refit_score(draw(300, telling="accounts")[0], shuffled).score == result.score


@pytest.mark.parametrize(
    ("verdicts", "freedom", "text"),
    [
        ({"cluster_id": ["C0"]}, 1, "verdicts has no column verdict"),
        ({"cluster_id": ["C0"], "verdict": ["guilty"]}, 1, "got 'guilty'; allowed: confirmed, benign, watch"),
        ({"cluster_id": ["C7"], "verdict": ["benign"]}, 1, "none of the 1 reviewed clusters, such as 'C7'"),
        ({"cluster_id": ["C0"], "verdict": ["benign"]}, 0, "freedom must be above 0"),
    ],
)
def test_faults(verdicts, freedom, text):
    with pytest.raises(UsageError, match=text):
        gk.refit_score(draw(3, telling="accounts")[0], pd.DataFrame(verdicts), freedom=freedom)


def test_files_of_verdicts(tmp_path):
    verdicts = verdicts_of([True, False])
    verdicts.to_csv(tmp_path / "v.csv", index=False)
    verdicts.to_parquet(tmp_path / "v.parquet")
    verdicts.to_json(tmp_path / "v.jsonl", orient="records", lines=True)
    for ending in ("csv", "parquet", "jsonl"):
        pd.testing.assert_frame_equal(read_verdicts(tmp_path / f"v.{ending}"), verdicts, check_dtype=False)
    (tmp_path / "odd.csv").write_text("cluster,verdict\nC0,benign\n")
    for name, text in (("odd.csv", "no column cluster_id"), ("absent.csv", "cannot be read")):
        with pytest.raises(InputError, match=text):
            read_verdicts(tmp_path / name)


def test_the_command(tmp_path):
    small_events().to_csv(tmp_path / "events.csv", index=False)
    refresh(tmp_path / "events.csv", tmp_path / "store")
    (cluster,) = gk.open_store(tmp_path / "store").latest().clusters["cluster_id"]
    (tmp_path / "reviews.csv").write_text(f"cluster_id,verdict\n{cluster},confirmed\nC-GONE,benign\n")
    options = [tmp_path / "store", "--reviews", tmp_path / "reviews.csv"]
    told = run("refit", *options)
    assert told.code == 0
    assert "1 confirmed and 0 benign; 1 cluster not in this snapshot." in told.out
    assert "all alike" in told.out
    assert "\n[score]\nintercept = " in told.out
    assert "No verdict counts yet, so these are the default weights" in " ".join(run("refit", options[0]).out.split())
    written = run("refit", *options, "-o", tmp_path / "score.toml", "--json")
    score = gk.load_config(tmp_path / "score.toml").score
    assert score.model_dump() == written.json["score"]
    assert score != gk.Score()
    assert {row["part"] for row in written.json["report"]} == {"intercept", *PARTS}
    inside = run("refit", *options, "-o", tmp_path / "store" / "score.toml", env={"COLUMNS": "500"})
    assert (inside.code, "it lies in the store" in inside.err) == (2, True)
