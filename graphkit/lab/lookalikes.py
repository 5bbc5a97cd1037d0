"""Look-alikes: innocents who share things for good reasons, beside the ordinary accounts who do not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from graphkit.lab import catalog
from graphkit.lab.closed import close_classrooms, close_enterprises
from graphkit.lab.people import draw_volumes, people, private_codes
from graphkit.lab.places import carrier_pool, office_addresses, roam, vpn_exits
from graphkit.lab.population import (
    Habits,
    Integers,
    Numbers,
    Part,
    Service,
    deal_sizes,
    expand,
    join,
    link,
    pick,
    weigh,
)

_SHARES = {
    "enterprise": 0.065,
    "classroom": 0.016,
    "household": 0.085,
    "vpn": 0.045,
    "carrier": 0.085,
    "niche-tool": 0.016,
}
"""Shares of the innocents; the others are ordinary."""


def innocent_parts(service: Service, n: int) -> list[Part]:
    """``n`` innocent accounts: ordinary ones, which come first, and six kinds of look-alikes."""
    least = min(15, n // 12)
    sizes = {name: max(least, round(share * n)) for name, share in _SHARES.items()}
    makers = {
        "enterprise": _enterprises,
        "classroom": _classrooms,
        "household": _households,
        "vpn": _vpn_customers,
        "carrier": _carrier_customers,
        "niche-tool": _niche_tools,
    }
    ordinary = people(service, n - sum(sizes.values()), name="ordinary", code=private_codes(0))
    return [ordinary, *(makers[name](service, sizes[name], private_codes(i)) for i, name in enumerate(sizes, 1))]


def _enterprises(service: Service, n: int, code: int) -> Part:
    """Staff of companies: an office network, company cards, internal prompts, one IT's agents, office hours."""
    random, days = service.random("enterprises"), service.n_days
    sizes = deal_sizes(random, n, low=8, high=300)
    firm, _ = expand(sizes)
    base = people(service, n, name="enterprise staff", code=code)
    n_offices = 1 + random.binomial(3, np.minimum(0.7, sizes / 300))
    office_owner, _ = expand(n_offices)
    offices = office_addresses(random, n_offices)
    onboarded = np.where(random.random(len(sizes)) < 0.5, random.uniform(-400, days - 9, len(sizes)), np.nan)[firm]
    flocked = np.isfinite(onboarded)
    pays = np.flatnonzero(random.random(n) < 0.8)
    company_card = code + (1 << 31) + firm[pays] * 4 + random.integers(0, 1 + sizes // 120)[firm[pays]]
    members = random.random(n) < 0.7
    templates = _group_templates(random, firm, members, code=code + (1 << 30), most=12, n_days=days)
    zone = catalog.draw_zones(random, len(sizes))
    standard_agent = random.integers(0, 120, len(sizes))
    in_house = random.random(len(sizes)) < 0.35
    agent = np.where(in_house, code + (1 << 31) + np.arange(len(sizes)), standard_agent)
    staff = replace(
        base,
        group=firm,
        group_names=_numbered("enterprise", len(sizes)),
        created=np.where(flocked, _flock(random, np.nan_to_num(onboarded), days=6), base.created),
        last_day=np.full(n, days - 1),
        volume=draw_volumes(random, n, sigma=1.2),
        rhythm=catalog.rhythm("office", zone[firm]),
        mix=firm,
        mixes=catalog.draw_mixes(random, len(sizes)),
        template_share=np.where(members, random.uniform(0.1, 0.6, n), 0.0),
        ips=join(
            weigh(base.ips, np.where(random.random(n) < 0.7, 0.35, 0.0)),
            _share_in_group(firm, office_owner, offices, weight=1.0, n_days=days),
        ),
        agents=join(weigh(base.agents, 0.4), link(np.arange(n), agent[firm], n_days=days)),
        templates=templates,
        cards=link(pays, company_card, n_days=days),
    )
    return close_enterprises(service, staff, code)


def _classrooms(service: Service, n: int, code: int) -> Part:
    """Students who registered in one week, behind a school's network, with one assignment's prompt."""
    random, days = service.random("classrooms"), service.n_days
    sizes = deal_sizes(random, n, low=18, high=120)
    room, _ = expand(sizes)
    base = people(service, n, name="students", code=code)
    n_networks = random.integers(1, 3, len(sizes))
    owner, _ = expand(n_networks)
    zone = catalog.draw_zones(random, len(sizes))
    starts = random.uniform(-40, max(0, days - 15), len(sizes))[room]
    students = replace(
        base,
        group=room,
        group_names=_numbered("classroom", len(sizes)),
        created=_flock(random, starts, days=6),
        last_day=np.full(n, days - 1),
        volume=0.7 * draw_volumes(random, n, sigma=0.8),
        rhythm=catalog.rhythm("student", zone[room]),
        mix=room,
        mixes=catalog.draw_mixes(random, len(sizes), concentration=1.5),
        template_share=random.uniform(0.2, 0.7, n),
        ips=join(
            weigh(base.ips, 0.6),
            _share_in_group(room, owner, office_addresses(random, n_networks), weight=1.0, n_days=days),
        ),
        templates=link(np.arange(n), code + room, n_days=days),
        cards=pick(base.cards, np.zeros(len(base.cards.code), np.bool_)),
    )
    return close_classrooms(service, students)


def _households(service: Service, n: int, code: int) -> Part:
    """Two to five people under one roof; in one household of three they share a card."""
    random = service.random("households")
    sizes = deal_sizes(random, n, low=2, high=5)
    home, _ = expand(sizes)
    base = people(service, n, name="household members", code=code, home=home)
    one_card = random.random(len(sizes)) < 0.35
    sharing = np.flatnonzero(one_card[home])
    return replace(
        base,
        group=home,
        group_names=_numbered("household", len(sizes)),
        cards=join(
            weigh(base.cards, np.where(one_card[home], 0.0, 1.0)),
            link(sharing, code + (1 << 31) + home[sharing], n_days=service.n_days),
        ),
    )


def _vpn_customers(service: Service, n: int, code: int) -> Part:
    """Customers of one VPN seller: each roams over its exits, at home besides or never."""
    random = service.random("vpn customers")
    base = people(service, n, name="vpn", code=code)
    counts = np.clip(np.exp(random.normal(2.5, 0.8, n)), 2, 60).astype(np.int64)
    exits = roam(
        random, np.arange(n), pool=vpn_exits(service), counts=counts, weight=np.ones(n), n_days=service.n_days,
        favor=0.5,
    )  # fmt: skip
    at_home = np.where(random.random(n) < 0.5, random.uniform(0.1, 1.0, n), 0.0)
    return replace(base, ips=join(weigh(base.ips, at_home), exits))


def _carrier_customers(service: Service, n: int, code: int) -> Part:
    """Customers of carriers who live behind a few hundred addresses by the thousand."""
    random = service.random("carrier customers")
    n_carriers = int(np.clip(round(n / 1500), 1, 48))
    carrier = random.integers(0, n_carriers, n)
    base = people(service, n, name="carrier customers", code=code)
    counts = np.clip(np.exp(random.normal(2.2, 0.7, n)), 2, 40).astype(np.int64)
    pools = []
    for number in range(n_carriers):
        users = np.flatnonzero(carrier == number)
        pool = carrier_pool(number, size=int(np.clip(len(users) // 5, 24, 400)))
        weight = np.ones(len(users))
        pools.append(roam(random, users, pool=pool, counts=counts[users], weight=weight, n_days=service.n_days))
    at_home = np.where(random.random(n) < 0.5, random.uniform(0.1, 0.8, n), 0.0)
    return replace(
        base,
        group=carrier,
        group_names=tuple(f"carrier-{number + 1}" for number in range(n_carriers)),
        ips=join(weigh(base.ips, at_home), *pools),
    )


def _niche_tools(service: Service, n: int, code: int) -> Part:
    """Users of small tools, each with a fixed agent and a few fixed prompts, who else have nothing in common."""
    random, days = service.random("niche tools"), service.n_days
    sizes = deal_sizes(random, n, low=30, high=400)
    tool, _ = expand(sizes)
    base = people(service, n, name="niche tool users", code=code)
    everyone = np.ones(n, np.bool_)
    return replace(
        base,
        group=tool,
        group_names=tuple(f"niche-tool-{number + 1}" for number in range(len(sizes))),
        mix=tool,
        mixes=catalog.draw_mixes(random, len(sizes), concentration=1.0),
        template_share=random.uniform(0.3, 0.9, n),
        agents=join(weigh(base.agents, 0.3), link(np.arange(n), code + (1 << 31) + tool, n_days=days)),
        templates=_group_templates(random, tool, everyone, code=code + (1 << 30), most=6, n_days=days),
    )


def _flock(random: np.random.Generator, starts: Numbers, *, days: float) -> Numbers:
    """Creation within ``days`` of each account's start, at working hours."""
    return np.floor(starts + random.uniform(0, days, len(starts))) + random.uniform(0.3, 0.8, len(starts))


def _share_in_group(group: Integers, owner: Integers, codes: Integers, *, weight: float, n_days: int) -> Habits:
    """Every account uses all that its group owns; ``owner`` is the group of each code, ascending."""
    counts = np.bincount(owner, minlength=int(group.max(initial=-1)) + 1)
    account, place = expand(counts[group])
    rows = (np.cumsum(counts) - counts)[group[account]] + place
    return link(account, codes[rows], n_days=n_days, weight=weight / counts[group[account]])


def _group_templates(
    random: np.random.Generator, group: Integers, members: npt.NDArray[np.bool_], *, code: int, most: int, n_days: int
) -> Habits:
    """Prompts that a group shares: two to ``most``, of which each member uses one to five."""
    n_prompts = random.integers(2, most + 1, int(group.max(initial=-1)) + 1)
    users = np.flatnonzero(members)
    account, _ = expand(random.integers(1, 6, len(users)))
    owner = group[users[account]]
    drawn = random.integers(0, n_prompts[owner])
    distinct = np.unique(users[account] * most + drawn)
    return link(distinct // most, code + group[distinct // most] * most + distinct % most, n_days=n_days)


def _numbered(name: str, n: int) -> tuple[str, ...]:
    width = max(2, len(str(n)))
    return tuple(f"{name}-{number:0{width}d}" for number in range(1, n + 1))
