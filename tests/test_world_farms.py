"""Farms of synthetic worlds: they share what their plans say, and no more."""

from dataclasses import replace

import pytest

from graphkit.errors import UsageError
from graphkit.lab.plans import FarmPlan, default_farms, rotating_farm
from graphkit.lab.worlds import synthesize

PLAN = FarmPlan("f", "s", 20, n_ips=5, ips_per_account=2)


def members(world, group):
    return world.truth.loc[world.truth["group"] == group, ["account_id"]]


def test_farms_are_quiet_and_of_seven_styles():
    world = synthesize(6_000, 120_000, seed=3)
    assert len({plan.style for plan in default_farms(50_000)[:7]}) == 7
    assert [plan.name for plan in default_farms(50_000)[7:]] == [f"ring-{i:02d}" for i in range(1, 11)]
    assert 0.05 <= sum(plan.n_accounts for plan in default_farms(50_000)) / 50_000 <= 0.07
    assert sum(plan.n_accounts for plan in default_farms(300)) <= 30
    farmed = world.truth.dropna(subset=["farm"])
    sizes = farmed.groupby("farm", sort=False)["account_id"].size().to_dict()
    assert sizes == {plan.name: plan.n_accounts for plan in default_farms(6_000)}
    assert world.events["account_id"].value_counts()[farmed["account_id"]].max() / 45 <= 30


def test_no_farms():
    assert synthesize(300, 1_000, farms=[]).truth["farm"].isna().all()


CARDS = {
    "own": (replace(PLAN, cards="own"), {1: 20}),
    "reused": (replace(PLAN, cards="reused", accounts_per_card=4), {4: 5}),
    "chained": (replace(PLAN, cards="chained"), {1: 2, 2: 19}),
    "none": (replace(PLAN, cards="none"), {}),
}


@pytest.mark.parametrize("cards", CARDS)
def test_cards_of_a_plan(cards):
    """How many cards are held by how many accounts."""
    plan, expected = CARDS[cards]
    world = synthesize(400, 4_000, farms=[plan])
    held = world.accounts[world.accounts["account_id"].isin(members(world, "f")["account_id"])]
    assert held["payment_instrument"].value_counts().value_counts().to_dict() == expected
    outside = world.accounts[~world.accounts["account_id"].isin(held["account_id"])]
    assert not outside["payment_instrument"].dropna().isin(held["payment_instrument"]).any()


def test_rotating_farm_shares_addresses_and_templates_alone():
    plan = rotating_farm(100)
    world = synthesize(1_000, 60_000, farms=[plan])
    used = world.events.merge(members(world, plan.name))
    assert used["ip"].nunique() == 80
    assert 15 <= used.groupby("account_id")["ip"].nunique().median() <= 30
    assert used["prompt_template"].nunique() == 40
    assert used["prompt_template"].notna().mean() == pytest.approx(0.3, abs=0.03)
    assert used["capability"].isin(plan.capabilities).mean() == pytest.approx(0.9, abs=0.02)
    innocent = world.events[~world.events["account_id"].isin(used["account_id"])]
    assert not innocent["ip"].isin(used["ip"]).any()
    assert innocent["user_agent"].isin(used["user_agent"]).any()


def test_residential_proxies_are_ordinary_homes():
    world = synthesize(2_000, 60_000, farms=[replace(PLAN, n_ips=30, ip_source="residential")])
    used = world.events.merge(members(world, "f"))
    ordinary = world.events.merge(members(world, "ordinary"))
    assert used["ip"].drop_duplicates().isin(ordinary["ip"]).mean() > 0.8


def test_impossible_plan_names_all_faults():
    with pytest.raises(UsageError, match=r"farm 'f': template_share must be from 0 to 1; .*needs n_templates; cap"):
        replace(PLAN, template_share=2.0, capabilities=("gardening",))
