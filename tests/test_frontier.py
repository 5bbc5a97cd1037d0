"""The frontier suite: farms share what their grade says, and their members live like anybody for the rest."""

import pytest

from graphkit.errors import UsageError
from graphkit.lab.frontier import frontier_farms
from graphkit.lab.plans import FarmPlan
from graphkit.lab.worlds import synthesize


@pytest.fixture(scope="module")
def world():
    return synthesize(12_000, 480_000, seed=3, farms=frontier_farms())


def used_by(world, farm, column, frame="events"):
    """Accounts of a farm and the values they used, a row each; ``n`` counts the farm's users of the value."""
    members = world.truth.loc[world.truth["farm"] == farm, ["account_id"]]
    used = getattr(world, frame).merge(members)[["account_id", column]].dropna().drop_duplicates()
    return used.assign(n=used.groupby(column)["account_id"].transform("size"))


def test_the_suite():
    farms = frontier_farms()
    styles = [farm.style for farm in farms]
    assert {style: styles.count(style) for style in styles} == {"ip": 16, "card": 4, "template": 8, "mixture": 5}
    assert len({farm.name for farm in farms}) == 33
    assert {farm.n_accounts for farm in farms} == {200}
    assert {farm.n_accounts for farm in frontier_farms(20)} == {20}


@pytest.mark.parametrize(
    ("farm", "per_account", "accounts"),
    [("ip-1x4", 1, 4), ("ip-1x100", 1, 100), ("ip-4x25", 4, 25), ("ip-8x10", 8, 10), ("ip-8x100", 8, 100)],
)
def test_shared_addresses(world, farm, per_account, accounts):
    used = used_by(world, farm, "ip")
    shared = used[used["n"] >= max(2, accounts / 3)]
    assert len(shared) / 200 == pytest.approx(per_account, rel=0.3)
    assert len(shared) / shared["ip"].nunique() == pytest.approx(accounts, rel=0.3)
    members = world.truth.loc[world.truth["farm"] == farm, ["account_id"]]
    events = world.events.merge(members)
    assert events["ip"].isin(shared["ip"]).mean() == pytest.approx(0.36, abs=0.06)
    assert events["prompt_template"].isna().all()
    others = world.events[~world.events["account_id"].isin(members["account_id"])]
    assert others["ip"].isin(used["ip"]).any(), "at home the members meet ordinary people"


@pytest.mark.parametrize(
    ("farm", "held"),
    [("card-2", {2: 100}), ("card-10", {10: 20}), ("card-chain", {1: 2, 2: 199}), ("mix-ip-card", {2: 100})],
)
def test_cards(world, farm, held):
    used = used_by(world, farm, "payment_instrument", "accounts").drop_duplicates("payment_instrument")
    assert used["n"].value_counts().to_dict() == held


@pytest.mark.parametrize(
    ("farm", "templates", "share"),
    [("template-1-40%", 1, 0.4), ("template-200-10%", 200, 0.1), ("mix-ip-template-40", 40, 0.1)],
)
def test_templates(world, farm, templates, share):
    members = world.truth.loc[world.truth["farm"] == farm, ["account_id"]]
    prompts = world.events.merge(members)["prompt_template"]
    assert prompts.nunique() == pytest.approx(templates, rel=0.03)
    assert prompts.notna().mean() == pytest.approx(share, abs=0.03)


def test_weak_farms_behave_like_anybody(world):
    hours = world.events["timestamp"].dt.hour
    farmed = world.events["account_id"].isin(world.truth.loc[world.truth["farm"].notna(), "account_id"])
    assert (hours[farmed] < 8).mean() == pytest.approx((hours[~farmed] < 8).mean(), abs=0.05)


def test_impossible_share():
    with pytest.raises(UsageError, match="ip_share must be from 0 to 1"):
        FarmPlan("f", "s", 20, n_ips=5, ip_share=1.5)
