"""Synthetic worlds: repeatable, consistent, and what their plans say."""

import ipaddress
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from graphkit.errors import UsageError
from graphkit.ingest.infrastructure import read_infrastructure
from graphkit.lab.plans import FarmPlan
from graphkit.lab.worlds import synthesize, write_world

SAMPLE = Path(__file__).parent.parent / "data"
PLAN = FarmPlan("f", "s", 20, n_ips=5, ips_per_account=2)


@pytest.fixture(scope="module")
def world():
    return synthesize(6_000, 120_000, seed=3)


def members(world, group):
    return world.truth.loc[world.truth["group"].str.match(f"{group}(-|$)"), ["account_id", "group"]]


def test_same_arguments_same_frames_and_other_seed_others():
    first, again, other = synthesize(600, 3_000), synthesize(600, 3_000), synthesize(600, 3_000, seed=1)
    for name in ("events", "accounts", "truth", "infrastructure"):
        pd.testing.assert_frame_equal(getattr(first, name), getattr(again, name))
        assert not getattr(first, name).equals(getattr(other, name))


def test_innocents_do_not_change_with_the_farms():
    few, many = (synthesize(n, 5_000, farms=[replace(PLAN, n_accounts=n - 900)]) for n in (910, 920))
    cards = [world.accounts.merge(members(world, "ordinary")) for world in (few, many)]
    assert len(cards[0]) > 500
    assert cards[0]["payment_instrument"].equals(cards[1]["payment_instrument"])


def test_written_days_are_the_frames(tmp_path):
    world = synthesize(300, 2_000, days=8)
    folder = write_world(tmp_path / "w", n_accounts=300, n_events=2_000, days=8)
    days = sorted((folder / "events").iterdir())
    assert [day.name for day in days[:2]] == ["2026-04-01.parquet", "2026-04-02.parquet"]
    assert len(days) == 8
    events = pd.concat([pd.read_parquet(day) for day in days], ignore_index=True)
    pd.testing.assert_frame_equal(events, world.events)
    pd.testing.assert_frame_equal(pd.read_parquet(folder / "accounts.parquet"), world.accounts)
    pd.testing.assert_frame_equal(pd.read_parquet(folder / "truth.parquet"), world.truth)
    assert pd.read_parquet(days[0])["timestamp"].dt.date.astype(str).unique().tolist() == ["2026-04-01"]


def test_the_list_of_infrastructure_is_the_truth(world, tmp_path):
    write_world(tmp_path, n_accounts=300, n_events=300, days=7)
    assert read_infrastructure(tmp_path / "infrastructure.csv").tags == ("carrier-nat", "corporate", "hosting", "vpn")
    path = tmp_path / "list.csv"
    world.infrastructure.to_csv(path, index=False)
    uses = world.events[["account_id", "ip"]].drop_duplicates().merge(world.truth, on="account_id")
    uses["tag"] = read_infrastructure(path).find_tags(uses["ip"].tolist())
    tags = {style: set(own["tag"].dropna()) for style, own in uses.groupby("style")}
    assert (tags["dedicated"], tags["vpn-hidden"]) == ({"hosting"}, {"vpn"})
    assert (uses.loc[uses["group"] == "vpn", "tag"] == "vpn").mean() > 0.5
    assert (uses.loc[uses["group"].str.startswith("carrier"), "tag"] == "carrier-nat").mean() > 0.5
    assert (uses.loc[uses["group"].str.startswith("enterprise"), "tag"] == "corporate").mean() > 0.1
    assert uses.loc[uses["group"] == "ordinary", "tag"].isna().mean() > 0.5


def test_counts_and_consistency(world):
    assert len(world.events) == 120_000
    assert set(world.events["account_id"]) == set(world.accounts["account_id"]) == set(world.truth["account_id"])
    assert world.truth["account_id"].is_unique
    assert len(world.truth) == 6_000
    assert world.events["timestamp"].is_monotonic_increasing
    assert world.events.drop(columns="prompt_template").notna().all(axis=None)
    assert world.truth["farm"].notna().equals(world.truth["style"].notna())


@pytest.mark.parametrize("days", [7, 45, 120])
def test_accounts_act_after_their_creation(days):
    world = synthesize(3_000, 9_000, days=days)
    created = world.accounts.drop_duplicates("account_id").set_index("account_id")["created_at"]
    assert (world.events["timestamp"] >= world.events["account_id"].map(created)).all()
    assert world.events["timestamp"].dt.date.nunique() == days


def test_addresses_are_nobodys(world):
    addresses = [ipaddress.ip_address(text) for text in world.events["ip"].unique()]
    assert {address.version for address in addresses} == {4, 6}
    unused = ipaddress.ip_network("240.0.0.0/4"), ipaddress.ip_network("2001:db8::/32")
    assert all(address in unused[address.version == 6] for address in addresses)


@pytest.mark.parametrize(
    ("group", "column", "least"),
    [
        ("enterprise", "ip", 0.5),
        ("classroom", "ip", 0.5),
        ("classroom", "prompt_template", 0.7),
        ("household", "ip", 0.3),
        ("carrier", "ip", 0.02),
        ("niche-tool", "user_agent", 0.7),
        ("niche-tool", "prompt_template", 0.3),
    ],
)
def test_look_alikes_share(world, group, column, least):
    """The most shared value of a group reaches this share of it, on average over the kind of group."""
    used = world.events.merge(members(world, group)).dropna(subset=[column])
    users = used.groupby(["group", column])["account_id"].nunique()
    sizes = members(world, group).groupby("group")["account_id"].nunique()
    assert (users.groupby("group").max() / sizes).mean() >= least


def test_vpn_customers_meet_on_several_exits(world):
    used = world.events.merge(members(world, "vpn"))
    per_exit = used.groupby("ip")["account_id"].nunique()
    shared = used[used["ip"].map(per_exit) >= 10]
    assert 30 <= shared["ip"].nunique() <= 200
    assert shared.groupby("account_id")["ip"].nunique().median() >= 3


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"n_accounts": 50}, "n_accounts must be at least 100"),
        ({"n_events": 10}, "10 events are less than one for each of 400 accounts"),
        ({"days": 3, "seed": -1}, "days must be from 7 to 3650, not 3; seed must be from 0"),
        ({"farms": [replace(PLAN, n_accounts=390)]}, "the farms leave 10 of 400 accounts innocent"),
        ({"farms": [PLAN, PLAN]}, "two farms have the same name"),
    ],
)
def test_impossible_worlds(arguments, text):
    with pytest.raises(UsageError, match=text):
        synthesize(**{"n_accounts": 400, "n_events": 4_000} | arguments)


def test_sample_is_small_and_whole():
    events = pd.read_csv(SAMPLE / "events.csv.gz", parse_dates=["timestamp"])
    accounts, truth = pd.read_csv(SAMPLE / "accounts.csv"), pd.read_csv(SAMPLE / "truth.csv")
    assert (len(events), len(truth), truth["farm"].nunique()) == (4_000, 300, 2)
    assert set(events["account_id"]) == set(truth["account_id"]) == set(accounts["account_id"])
    assert sum(path.stat().st_size for path in SAMPLE.iterdir()) <= 300_000
