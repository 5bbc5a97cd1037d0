"""Farms, made from their plans."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from graphkit.lab import catalog
from graphkit.lab.people import people, private_codes
from graphkit.lab.places import home_leases, hosting_addresses, live_at, roam, vpn_exits
from graphkit.lab.plans import FarmPlan
from graphkit.lab.population import Habits, Integers, Numbers, Part, Service, join, link, pick, weigh

_FIRST_FARM = 8
"""Farms' private codes come after those of the innocent parts."""


def farm_part(service: Service, plan: FarmPlan, *, number: int, homes: Integers) -> Part:
    """The accounts of a farm.

    Parameters
    ----------
    number
        Place among the farms of the world, from 0.
    homes
        Addresses of ordinary customers, through which a farm with residential proxies leaves.
    """
    random, days, n = service.random(f"farm {plan.name}"), service.n_days, plan.n_accounts
    code = private_codes(_FIRST_FARM + number)
    base = people(service, n, name=f"members of {plan.name}", code=code)
    zone = catalog.draw_zones(random, n)
    hours = "always-on" if plan.hours == "always-on" else "person"
    return replace(
        base,
        group_names=(plan.name,),
        created=_draw_creation(random, plan, n_days=days),
        last_day=np.full(n, days - 1),
        volume=plan.volume * np.exp(random.normal(-(plan.unevenness**2) / 2, plan.unevenness, n)),
        rhythm=catalog.rhythm(hours, zone),
        steadiness=np.full(n, 4.0 if plan.hours == "always-on" else 0.8),
        mix=np.zeros(n, np.int64),
        mixes=catalog.focus_mix(random, plan.capabilities, share=0.9),
        template_share=np.full(n, plan.template_share),
        roams=np.full(n, plan.rotation == "request"),
        ips=_draw_addresses(random, plan, service=service, homes=homes),
        agents=_draw_agents(random, plan, ordinary=base.agents, code=code, n_days=days),
        templates=_draw_templates(random, plan, code=code, n_days=days),
        cards=_deal_cards(plan, code=code, n_days=days, ordinary=base.cards),
        farm=plan.name,
        style=plan.style,
    )


def _draw_creation(random: np.random.Generator, plan: FarmPlan, *, n_days: int) -> Numbers:
    """Days of creation, early enough for most of the work: all at once, or over three months."""
    span = 3.0 if plan.creation == "burst" else 90.0
    latest = min(n_days / 4, n_days - 2)
    start = random.uniform(latest - 60, latest) - span
    return start + random.uniform(0, span, plan.n_accounts)


def _draw_addresses(random: np.random.Generator, plan: FarmPlan, *, service: Service, homes: Integers) -> Habits:
    n, days = plan.n_accounts, service.n_days
    if plan.ip_source == "homes":
        return live_at(home_leases(random, n, service=service), np.arange(n))
    if plan.ip_source == "hosting":
        pool = hosting_addresses(random, plan.n_ips)
    else:
        source = vpn_exits(service) if plan.ip_source == "vpn" else homes
        pool = random.choice(source, min(plan.n_ips, len(source)), replace=False)
    counts = np.full(n, plan.ips_per_account)
    shared = roam(random, np.arange(n), pool=pool, counts=counts, weight=np.ones(n), n_days=days)
    if plan.ip_share == 1:
        return shared
    own = live_at(home_leases(random, n, service=service), np.arange(n))
    return join(weigh(shared, plan.ip_share), weigh(own, 1 - plan.ip_share))


def _draw_agents(random: np.random.Generator, plan: FarmPlan, *, ordinary: Habits, code: int, n_days: int) -> Habits:
    if plan.agents == "ordinary":
        return ordinary
    agent = random.integers(0, 1 if plan.agents == "one" else 4, plan.n_accounts)
    return link(np.arange(plan.n_accounts), code + (1 << 31) + agent, n_days=n_days)


def _draw_templates(random: np.random.Generator, plan: FarmPlan, *, code: int, n_days: int) -> Habits:
    n, pool = plan.n_accounts, code + (1 << 30) + np.arange(max(1, plan.n_templates))
    counts = np.full(n, plan.templates_per_account if plan.template_share > 0 else 0)
    return roam(random, np.arange(n), pool=pool, counts=counts, weight=np.ones(n), n_days=n_days)


def _deal_cards(plan: FarmPlan, *, code: int, n_days: int, ordinary: Habits) -> Habits:
    account, cards = np.arange(plan.n_accounts), code + (1 << 31) + np.arange(plan.n_accounts + 1)
    match plan.cards:
        case "own":
            return link(account, cards[account], n_days=n_days)
        case "reused":
            return link(account, cards[account // plan.accounts_per_card], n_days=n_days)
        case "chained":
            return join(link(account, cards[account], n_days=n_days), link(account, cards[account + 1], n_days=n_days))
        case "none":
            return pick(ordinary, np.zeros(len(ordinary.code), np.bool_))
