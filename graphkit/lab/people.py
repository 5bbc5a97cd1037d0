"""Ordinary accounts: people and small applications with a life of their own each."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from graphkit.lab import catalog
from graphkit.lab.places import home_leases, live_at, sundry_places
from graphkit.lab.population import Habits, Integers, Numbers, Part, Service, expand, join, link, weigh

_PRIVATE = 1 << 40
"""Codes from here on belong to one part; those below are the catalog's. Bits from 32 on tell the parts apart."""


def private_codes(part: int) -> int:
    """First code of what only the accounts of a part use: their templates, agents and cards."""
    return _PRIVATE + (part << 32)


def people(service: Service, n: int, *, name: str, code: int, home: Integers | None = None) -> Part:
    """Ordinary accounts, each with a life of its own; ``home`` (shape (n,)) puts several under one roof."""
    random, days = service.random(name), service.n_days
    home = np.arange(n) if home is None else home
    second = np.flatnonzero(random.random(n) < 0.15)
    second_homes = home_leases(random, len(second), service=service)
    created = _draw_creation(random, n, n_days=days)
    leaves = random.random(n) < 0.25
    last_day = np.where(leaves, random.integers(0, days, n), days - 1)
    application = random.random(n) < 0.08
    zone = catalog.draw_zones(random, n)
    n_mixes = max(24, n // 20)
    tools, tool_share = _popular_templates(random, n, n_days=days, code=code)
    return Part(
        group=np.zeros(n, np.int64),
        group_names=(name,),
        created=created,
        last_day=np.maximum(last_day, np.minimum(np.floor(created).astype(np.int64) + 1, days - 1)),
        volume=draw_volumes(random, n, sigma=1.6),
        rhythm=np.where(application, catalog.rhythm("application", zone), catalog.rhythm("person", zone)),
        steadiness=np.where(application, 4.0, 0.4),
        mix=random.integers(0, n_mixes, n),
        mixes=catalog.draw_mixes(random, n_mixes),
        template_share=tool_share,
        roams=np.zeros(n, np.bool_),
        ips=join(
            live_at(home_leases(random, int(home.max(initial=-1)) + 1, service=service), home),
            weigh(replace(second_homes, account=second[second_homes.account]), 0.3),
            sundry_places(random, n, service=service),
        ),
        agents=ordinary_agents(random, n, service=service, code=code),
        templates=tools,
        cards=_own_cards(random, n, n_days=days, code=code),
    )


def ordinary_agents(random: np.random.Generator, n: int, *, service: Service, code: int) -> Habits:
    """One to four agents an account, popular ones (Zipf) over the catalog; some change version, few have their own."""
    days = service.n_days
    account, place = expand(random.choice(4, n, p=[0.45, 0.35, 0.15, 0.05]) + 1)
    draw = partial(catalog.draw_zipf, random, size=len(catalog.agents()), exponent=1.05)
    own = np.flatnonzero(random.random(n) < 0.03)
    change = np.where(random.random(len(account)) < 0.25, random.integers(1, max(2, days), len(account)), days)
    changed = change < days
    return join(
        link(account, draw(len(account)), n_days=days, weight=0.5**place, last_day=change - 1),
        link(account[changed], draw(int(changed.sum())), n_days=days, weight=0.5 ** place[changed],
             first_day=change[changed]),
        link(own, code + own, n_days=days, weight=2.0),
    )  # fmt: skip


def draw_volumes(random: np.random.Generator, n: int, *, sigma: float) -> Numbers:
    """Log-normal volumes of mean 1."""
    return np.exp(random.normal(-(sigma**2) / 2, sigma, n))


def _popular_templates(random: np.random.Generator, n: int, *, n_days: int, code: int) -> tuple[Habits, Numbers]:
    """Prompts of popular tools (three accounts of ten), and of applications of one's own (one of ten)."""
    tools = np.flatnonzero(random.random(n) < 0.3)
    account, _ = expand(random.choice([1, 2, 3], len(tools), p=[0.7, 0.2, 0.1]))
    ranks = catalog.draw_zipf(random, len(account), size=len(catalog.tool_templates()), exponent=1.0)
    builders = np.flatnonzero(random.random(n) < 0.1)
    builder, place = expand(random.integers(1, 6, len(builders)))
    share = np.zeros(n)
    share[tools] += random.uniform(0.05, 0.5, len(tools))
    share[builders] += random.uniform(0.1, 0.5, len(builders))
    return join(
        link(tools[account], ranks, n_days=n_days),
        link(builders[builder], code + builders[builder] * 8 + place, n_days=n_days),
    ), share  # fmt: skip


def _own_cards(random: np.random.Generator, n: int, *, n_days: int, code: int) -> Habits:
    """A card of one's own for a third of the accounts, sometimes replaced by another."""
    paying = np.flatnonzero(random.random(n) < 0.35)
    twice = paying[random.random(len(paying)) < 0.06]
    return join(link(paying, code + paying * 2, n_days=n_days), link(twice, code + twice * 2 + 1, n_days=n_days))


def _draw_creation(random: np.random.Generator, n: int, *, n_days: int) -> Numbers:
    """Days of creation of a service that grew for two years, until two days before the world's end."""
    return n_days - 2 - np.minimum(random.exponential(260, n), 730) - random.random(n)
