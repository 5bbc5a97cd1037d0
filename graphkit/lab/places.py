"""Where accounts connect from: homes, phones, offices, clouds, VPN exits.

IPv4 addresses lie in 240.0.0.0/4, which nobody may use, and IPv6 in 2001:db8::/32, which is kept for documentation:
no synthetic account can ever stand at a real customer's address.
"""

from __future__ import annotations

import numpy as np

from graphkit.lab.catalog import draw_zipf
from graphkit.lab.population import Habits, Integers, Numbers, Service, expand, join, link
from graphkit.lab.spelling import IPV6

_ACCESS = 0xF0 << 24  # 240-247/8: access providers, half of all addresses
_HOSTING = 0xF8 << 24  # 248-251/8: clouds, VPN sellers, proxies side by side
_BUSINESS = 0xFC << 24  # 252-253/8: offices, schools
_MOBILE = 0xFE << 24  # 254/8: carriers in its lower half, hotspots in its upper

_LEASES = np.array([1, 2, 3, 6, 12, 45])
_LEASE_SHARES = [0.55, 0.15, 0.12, 0.09, 0.06, 0.03]


def home_leases(random: np.random.Generator, n_homes: int, *, service: Service) -> Habits:
    """Addresses of homes over time (``account`` is the home): some fixed, some changing up to daily, half also IPv6.

    Providers draw from pools eight times as large as what their customers hold here, so a few homes meet by chance.
    """
    n_leases = np.minimum(random.choice(_LEASES, n_homes, p=_LEASE_SHARES), service.n_days)
    home, lease = expand(n_leases)
    first = lease * service.n_days // n_leases[home]
    last = (lease + 1) * service.n_days // n_leases[home] - 1
    share = np.where(random.random(n_homes) < 0.45, random.beta(4, 2, n_homes), 0.0)
    n_providers = 40
    provider = (n_providers * random.random(n_homes) ** 2).astype(np.int64)
    pool = max(4096, 16 * service.n_accounts // n_providers)
    four = _ACCESS + provider[home] * ((1 << 27) // n_providers) + random.integers(0, pool, len(home))
    six = IPV6 + provider[home] * ((1 << 32) // n_providers) + random.integers(0, (1 << 32) // n_providers, len(home))
    dual = share[home] > 0
    return join(
        link(home, four, n_days=service.n_days, weight=1 - share[home], first_day=first, last_day=last),
        link(home[dual], six[dual], n_days=service.n_days, weight=share[home][dual], first_day=first[dual],
             last_day=last[dual]),
    )  # fmt: skip


def live_at(homes: Habits, home: Integers) -> Habits:
    """Give each account the addresses of its home, shape of ``home``: (accounts,)."""
    order = np.argsort(homes.account, kind="stable")
    counts = np.bincount(homes.account, minlength=int(home.max(initial=-1)) + 1)
    starts = np.cumsum(counts) - counts
    account, place = expand(counts[home])
    rows = order[starts[home[account]] + place]
    return Habits(account, homes.code[rows], homes.weight[rows], homes.first_day[rows], homes.last_day[rows])


def fixed_homes(ips: Habits, *, service: Service) -> Integers:
    """IPv4 addresses of homes that never change and are much used: what residential proxies are made of."""
    fixed = (ips.first_day == 0) & (ips.last_day == service.n_days - 1) & (ips.weight > 0.3)
    return np.unique(ips.code[fixed & (ips.code >= _ACCESS) & (ips.code < _HOSTING)])


def roam(
    random: np.random.Generator, account: Integers, *, pool: Integers, counts: Integers, weight: Numbers,
    n_days: int, favor: float = 0.0,
) -> Habits:  # fmt: skip
    """Accounts that each draw ``counts`` different addresses from a pool.

    ``favor`` above 0 makes the pool's first addresses popular (weights fall as rank ** -favor); ``weight`` is an
    account's weight over all of them.
    """
    owner, _ = expand(counts)
    drawn = draw_zipf(random, len(owner), size=len(pool), exponent=favor)
    distinct = np.unique(owner * len(pool) + drawn)
    owner, drawn = distinct // len(pool), distinct % len(pool)
    per_account = np.bincount(owner, minlength=len(counts))
    jitter = random.gamma(2.0, 0.5, len(owner))
    return link(account[owner], pool[drawn], n_days=n_days, weight=weight[owner] * jitter / per_account[owner])


def hosting_addresses(random: np.random.Generator, n: int, *, per_block: int = 8) -> Integers:
    """``n`` different addresses in hosting, some in the same /24 as is usual where blocks are rented."""
    per_block = max(per_block, -(-n // (1 << 17)))  # half of the blocks at most
    n_blocks = -(-n // per_block)
    blocks = random.choice(1 << 18, n_blocks, replace=False)
    block, place = expand(np.minimum(per_block, n - per_block * np.arange(n_blocks)))
    return _HOSTING + blocks[block] * 256 + (random.integers(0, 256, n_blocks)[block] + place * 31) % 256


def office_addresses(random: np.random.Generator, counts: Integers) -> Integers:
    """Addresses of organizations, ``counts`` of each, all in the organization's /24; shape (sum of counts,)."""
    owner, place = expand(counts)
    blocks = random.choice(1 << 17, len(counts), replace=False)
    return _BUSINESS + blocks[owner] * 256 + random.integers(1, 200, len(counts))[owner] + place


def carrier_pool(carrier: int, *, size: int) -> Integers:
    """Addresses behind which a carrier of mobile phones hides its customers."""
    return _MOBILE + carrier * (1 << 14) + np.arange(size)


def vpn_exits(service: Service) -> Integers:
    """Exits of the one VPN seller: 40 to 200, more where the service is larger; popular ones first."""
    n_exits = int(np.clip(0.56 * service.n_accounts**0.5, 40, 200))
    return hosting_addresses(service.random("vpn exits"), n_exits, per_block=2)


def known_places(service: Service) -> list[tuple[str, str, str]]:
    """The truth about the addresses of the world, as a list of known infrastructure: value, tag, note."""
    exits = sorted(vpn_exits(service).tolist())
    return [
        (_network(_HOSTING, 6), "hosting", "clouds, proxies"),
        *((_network(address, 32), "vpn", "exit of the VPN seller") for address in exits),
        (_network(_MOBILE, 9), "carrier-nat", "carriers of mobile phones"),
        (_network(_BUSINESS, 7), "corporate", "offices, schools"),
    ]


def _network(address: int, prefix: int) -> str:
    return f"{'.'.join(str(address >> shift & 255) for shift in (24, 16, 8, 0))}/{prefix}"


def sundry_places(random: np.random.Generator, n: int, *, service: Service) -> Habits:
    """Where ordinary people connect from besides home, few of them from many places; shape: ``n`` accounts."""

    def some(share: float) -> Integers:
        return np.flatnonzero(random.random(n) < share)

    def times(account: Integers, mean: float, *, most: int) -> Integers:
        return np.minimum(random.geometric(1 / mean, len(account)), most)

    days, size = service.n_days, service.n_accounts
    office, phone, rented, cloud, cafe = some(0.15), some(0.35), some(0.12), some(0.1), some(0.06)
    small_offices = _BUSINESS + (1 << 24) + np.arange(max(64, size // 3)) * 32 % (1 << 24)
    hotspots = _MOBILE + (1 << 23) + np.arange(max(64, size // 4)) * 16 % (1 << 23)
    egress = _HOSTING + (1 << 25) + np.arange(max(256, size))
    places = [
        roam(
            random,
            office,
            pool=small_offices,
            counts=np.ones_like(office),
            weight=np.full(len(office), 0.6),
            n_days=days,
        ),
        link(rented, hosting_addresses(random, len(rented), per_block=1), n_days=days, weight=1.5),
        roam(
            random,
            cloud,
            pool=egress,
            counts=times(cloud, 3, most=8),
            weight=np.ones(len(cloud)),
            n_days=days,
            favor=0.6,
        ),
        roam(random, cafe, pool=hotspots, counts=times(cafe, 1.5, most=4), weight=np.full(len(cafe), 0.1), n_days=days),
    ]
    carrier = 64 + (64 * random.random(len(phone)) ** 2).astype(np.int64)
    for number in np.unique(carrier):
        users = phone[carrier == number]
        pool = carrier_pool(int(number), size=int(np.clip(size // 64, 256, 1 << 13)))
        share = random.uniform(0.1, 0.6, len(users))
        places.append(roam(random, users, pool=pool, counts=times(users, 3, most=10), weight=share, n_days=days))
    return join(*places)
