"""What holds for every small world, however odd its texts, counts and settings."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import graphkit as gk
from graphkit.config import Score

_HOSTILE = [
    "'; DROP TABLE events; --",
    "a\0b",
    "line\nbreak",
    "\u202egnp.exe",
    "x" * 10_000,
    "",
    " ",
    "=cmd()",
    "<b>",
    "\U0001f600",
    "é",
    "e\u0301",
    "NULL",
    "nan",
]
_IDS = st.sampled_from([*(f"a{n}" for n in range(12)), *_HOSTILE]) | st.text(max_size=4)
_VALUES = st.sampled_from([None, "x", "y", "z", "u", "v"]) | st.sampled_from(_HOSTILE)
_EVENTS = st.fixed_dictionaries(
    {
        "account_id": _IDS,
        "timestamp": st.integers(1_777_000_000, 1_777_500_000) | st.just(1_777_000_000),
        "device": _VALUES,
        "post": _VALUES,
        "card": _VALUES,
        "model": st.none() | st.sampled_from(["m1", "m2", "=m"]),
        "input_tokens": st.none() | st.integers(-5, 2**40),
    }
)
_CARDS = st.fixed_dictionaries(
    {"account_id": _IDS, "created_at": st.none() | st.integers(1_770_000_000, 1_777_000_000), "card": _VALUES}
)
_CONFIGS = st.builds(
    lambda within, **rest: gk.Config.model_validate(
        rest | {"kinds": {"device": {}, "post": {"within": within}, "card": {"digest": True, "prior": 4}}}
    ),
    within=st.sampled_from([None, "60s", "1d"]),
    hub_bits=st.sampled_from([0, 0, 1]),
    threshold_bits=st.sampled_from([0, 1, None]),
    partners=st.sampled_from([1, 2, 8]),
    min_cluster_size=st.sampled_from([2, 3]),
    method=st.sampled_from(["pairs", "bipartite", "multiplex"]),
    resolution=st.sampled_from(["auto", 0.5]),
    look_back=st.sampled_from(["all", "2d"]),
    max_rejected_share=st.just(1),
)


def _farm(n: int) -> list[dict]:
    base = {"timestamp": 1_777_000_000, "card": "c", "model": None, "input_tokens": None}
    return [base | {"account_id": f"f{i}", "device": "d", "post": "p"} for i in range(n)]


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(events=st.lists(_EVENTS, min_size=1, max_size=60), cards=st.lists(_CARDS, max_size=8), config=_CONFIGS)
@example(
    events=_farm(6),
    cards=[],
    config=gk.Config.model_validate({"kinds": {"device": {}}, "hub_bits": 0, "threshold_bits": 0}),
)
def test_every_world_holds_together(events, cards, config):
    frame = pd.DataFrame(events).astype({"account_id": "object", "input_tokens": "Int64"})
    accounts = pd.DataFrame(cards).astype({"created_at": "Int64"}) if cards else None
    try:
        found = gk.analyze(frame, accounts, config)
    except gk.InputError:
        assert not any(event["account_id"].strip() for event in events), "only a world without accounts is refused"
        return
    _check_clusters(found, {event["account_id"] for event in events})
    _check_pairs(found)
    _check_scores(found)
    _check_explanations(found)


def _check_clusters(found, known):
    accounts, clusters, evidence = found.accounts, found.clusters, found.evidence
    population = found.content["population"]
    assert set(accounts["account_id"]) <= {trimmed for name in known for trimmed in (name, name.strip())}
    assert accounts["account_id"].is_unique
    assert population["n_accounts"] <= len(known)
    sizes = accounts.groupby("cluster_id").size()
    assert clusters.set_index("cluster_id")["n_accounts"].to_dict() == sizes.to_dict()
    assert (clusters["n_accounts"] >= found.config.min_cluster_size).all()
    assert (clusters["n_core"] <= clusters["n_accounts"]).all()
    assert clusters["n_events"].sum() == accounts["n_events"].sum() <= population["n_events"]
    assert (evidence["n_inside"] <= evidence["cluster_id"].map(sizes).astype("Int64")).all()
    assert (evidence["n_inside"] >= 2).all()
    assert (evidence["n_outside"] >= 0).all()
    assert evidence["coverage"].between(0, 1).all()


def _check_pairs(found):
    pairs, threshold = found.pairs, found.content["resolved"]["threshold_bits"]
    assert (pairs["account_a"] < pairs["account_b"]).all()
    assert (pairs["match_weight"] >= threshold).all()
    assert pairs["sampling_probability"].between(0, 1, inclusive="right").all()
    for pair in pairs.itertuples():
        explained = gk.explain_pair(found, pair.account_a, pair.account_b)
        assert math.fsum(explained["bits"]) == pytest.approx(pair.match_weight, abs=1e-6)
        assert set(explained.loc[explained["weighs"], "kind"]) == set(pair.kinds)


def _check_scores(found):
    parts = found.score_parts
    scores = found.clusters.set_index("cluster_id")["score"]
    odds = parts.groupby("cluster_id")["contribution"].sum() + Score().intercept
    assert (1 / (1 + np.exp(-odds))).to_dict() == pytest.approx(scores.to_dict())
    assert scores.between(0, 1).all()
    assert (parts["value"].isna() == parts["missing"].notna()).all()
    assert set(parts["cluster_id"]) == set(scores.index)


def _check_explanations(found):
    """The first account and cluster, for time's sake."""
    for account_id in found.links["account_id"].head(1):
        explained = gk.explain_account(found, account_id)
        pairs = found.pairs[(found.pairs["account_a"] == account_id) | (found.pairs["account_b"] == account_id)]
        assert set(pairs["account_a"]) | set(pairs["account_b"]) <= {account_id, *explained.partners["account_id"]}
        assert explained.partners["match_weight"].max() >= pairs["match_weight"].max() - 1e-6
        assert json.dumps(explained.to_dict(), allow_nan=False)
    for cluster_id in found.clusters["cluster_id"].head(1):
        explained = gk.explain_cluster(found, cluster_id)
        assert explained.undoing["pairs_left"].between(0, 1).all()
        assert json.dumps(explained.to_dict(), allow_nan=False)
