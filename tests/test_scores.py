"""Scores: parts on hand-made clusters, and a sum that anyone can repeat."""

import numpy as np
import pandas as pd
import pytest

import graphkit as gk
from graphkit.config import Score
from tests.small import events_of

START = pd.Timestamp("2026-05-04", tz="UTC")


def group(name: str, n: int, *, hours, events_each, home_share: float = 0.0) -> pd.DataFrame:
    """Members of a group on one address and one template, each with events at some hours of the week."""
    rng = np.random.default_rng(len(name))
    rows = []
    for member in range(n):
        for turn in range(events_each(member)):
            home = rng.random() < home_share
            rows.append(
                {
                    "account_id": f"{name}{member}",
                    "ip": f"10.50.{len(name)}.{member}" if home else f"198.51.100.{len(name)}",
                    "prompt_template": None if home else f"template of {name}",
                    "timestamp": START + pd.Timedelta(hours=int(rng.choice(hours)), minutes=turn % 60),
                }
            )
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def snapshot() -> gk.Snapshot:
    farm = group("farm", 12, hours=np.arange(168), events_each=lambda _: 40)
    office = group("office", 12, hours=np.arange(9, 17), events_each=lambda n: 3 + 2**n % 97, home_share=0.4)
    crowd = events_of({}, bystanders=3_000)
    hours = pd.to_timedelta(np.random.default_rng(0).integers(0, 168, len(crowd)), unit="h")
    return gk.analyze(pd.concat([farm, office, crowd.assign(timestamp=START + hours)]))


@pytest.fixture(scope="module")
def parts(snapshot) -> pd.DataFrame:
    """Values by part, columns farm and office."""
    first = snapshot.accounts.groupby("cluster_id")["account_id"].first().str.rstrip("0123456789")
    values = snapshot.score_parts.assign(group=snapshot.score_parts["cluster_id"].map(first))
    return values.pivot_table(index="part", columns="group", values="value", dropna=False)


def test_values_are_the_clusters_own(parts):
    assert parts.loc["accounts"].tolist() == [12, 12]
    assert parts.loc["volume", "farm"] == 40
    assert parts.loc["template_share", "farm"] == 1
    assert parts.loc["private_share", "farm"] == 0
    assert parts.loc["private_share", "office"] == pytest.approx(0.4, abs=0.1)
    assert parts.loc["exclusive_infrastructure"].tolist() == [1, 1]
    assert parts.loc["common_to_all"].tolist() == [1, 1]
    assert parts.loc["hour_flatness", "farm"] > 0.9
    assert parts.loc["hour_flatness", "office"] < 0.5
    assert parts.loc["workload_spread", "farm"] < parts.loc["workload_spread", "office"]


def test_a_farm_outranks_an_office(snapshot):
    best = snapshot.clusters.sort_values("score", ascending=False)["cluster_id"].iloc[0]
    members = snapshot.accounts.loc[snapshot.accounts["cluster_id"] == best, "account_id"]
    assert members.str.startswith("farm").all()


def test_the_score_is_the_logistic_of_what_the_parts_add(snapshot):
    added = snapshot.score_parts.groupby("cluster_id")["contribution"].sum()
    expected = 1 / (1 + np.exp(-Score().intercept - added))
    scores = snapshot.clusters.set_index("cluster_id")["score"]
    pd.testing.assert_series_equal(scores, expected, check_names=False)


def test_what_the_data_lacks_is_told_and_adds_nothing(snapshot):
    lacking = snapshot.score_parts[snapshot.score_parts["value"].isna()]
    assert set(lacking["part"]) == {"creation_burst", "capability_concentration", "anomaly"}
    assert lacking["missing"].str.len().min() > 10
    assert lacking["effect"].isna().all()
    assert (lacking["contribution"] == 0).all()


def test_every_part_has_a_weight_and_stays_within_it(snapshot):
    assert set(snapshot.score_parts["part"]) == set(Score().weights)
    most = snapshot.score_parts["part"].map(Score().weights) / 2
    assert (snapshot.score_parts["contribution"].abs() <= most + 1e-12).all()
