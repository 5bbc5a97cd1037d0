"""Co-use in time: against every pair of uses, and against two independent tools on real data."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import graphkit as gk

SECOND = pd.Timedelta(seconds=1)
TWEETS = Path(__file__).parents[2] / "shared" / "data" / "coordinated_tweets"


def co_use_config(within: str, **kind) -> gk.Config:
    return gk.Config(kinds={"object": {"within": within} | kind}, threshold_bits=0, hub_bits=0)


def shares(rng: np.random.Generator, n: int = 400) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "account_id": [f"a{number}" for number in rng.integers(0, 40, n)],
            "object": [f"o{number}" for number in rng.integers(0, 25, n)],
            "timestamp": pd.Timestamp("2026-05-04", tz="UTC") + pd.to_timedelta(rng.integers(0, 3_000, n), unit="s"),
        }
    )


def brute_force(frame: pd.DataFrame, seconds: int) -> dict[tuple[str, str, str], float]:
    """Smallest gap by pair and object, over all pairs of uses."""
    gaps: dict[tuple[str, str, str], float] = {}
    for name, uses in frame.groupby("object"):
        for one, other in combinations(uses.itertuples(), 2):
            gap = abs(one.timestamp - other.timestamp) / SECOND
            if one.account_id != other.account_id and gap <= seconds:
                key = (*sorted((one.account_id, other.account_id)), name)
                gaps[key] = min(gap, gaps.get(key, gap))
    return gaps


@pytest.mark.parametrize("seconds", [0, 1, 60, 3_000])
def test_equals_brute_force(seconds):
    frame = shares(np.random.default_rng(seconds))
    found = gk.analyze(frame, config=co_use_config(f"{seconds}s")).co_uses
    keys = found[["account_a", "account_b", "entity"]].itertuples(index=False, name=None)
    assert dict(zip(keys, found["seconds_apart"], strict=True)) == brute_force(frame, seconds)


def test_the_span_itself_is_within():
    times = pd.to_datetime(["2026-05-04 00:00:00.000", "2026-05-04 00:00:01.000", "2026-05-04 00:00:02.001"])
    frame = pd.DataFrame({"account_id": ["a", "b", "c"], "object": "o", "timestamp": times})
    pairs = gk.analyze(frame, config=co_use_config("1s")).pairs
    assert pairs[["account_a", "account_b"]].values.tolist() == [["a", "b"]]


def test_a_runaway_stops_with_the_name_of_its_entity():
    names = [f"a{n}" for n in range(100)]
    frame = pd.DataFrame({"account_id": names, "object": "the viral one", "timestamp": pd.Timestamp("2026-05-04")})
    with pytest.raises(gk.BudgetError, match=r"'the viral one'.*100 accounts.*within_budget"):
        gk.analyze(frame, config=co_use_config("1s", within_budget=4_949))
    assert len(gk.analyze(frame, config=co_use_config("1s", within_budget=4_950)).pairs) == 4_950


@pytest.mark.skipif(not TWEETS.exists(), reason="needs ../shared/data/coordinated_tweets")
@pytest.mark.parametrize(("seconds", "n_pairs"), [(10, 1_092), (60, 6_206), (300, 30_010)])
def test_pairs_of_real_posts_are_those_of_two_other_tools(seconds, n_pairs, tmp_path):
    settings = tmp_path / "graphkit.toml"
    settings.write_text(f"""
        threshold_bits = 0
        hub_bits = 0
        [columns]
        timestamp = "timestamp_share"
        [kinds.object]
        column = "object_id"
        within = "{seconds}s"
    """)
    pairs = gk.analyze(TWEETS / "shares.parquet", config=gk.load_config(settings)).pairs
    assert len(pairs) == n_pairs
    peers = TWEETS / f"peer_pairs_{seconds}s.csv.gz"
    if peers.exists():
        expected = {tuple(sorted(map(str, pair))) for pair in pd.read_csv(peers).iloc[:, :2].to_numpy()}
        assert set(pairs[["account_a", "account_b"]].itertuples(index=False, name=None)) == expected
