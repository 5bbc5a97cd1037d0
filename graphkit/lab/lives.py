"""Lives: farms that are born, grow, rotate, merge, split, die and come back, day by day, among ordinary accounts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from graphkit.lab.population import Integers
from graphkit.lab.worlds import FIRST_DAY, synthesize

_EVENTS_A_DAY = 8
_AGENTS = 2
_ACCOUNTS_A_CARD, _ACCOUNTS_AN_ADDRESS, _ACCOUNTS_A_TEMPLATE = 5, 4, 10


@dataclass(frozen=True)
class Crew:
    """Accounts of a farm that share their things on one day."""

    farm: str
    accounts: tuple[str, ...]
    addresses: str
    """Which pool of addresses they use; another name is another pool."""
    cards: str
    templates: str


@dataclass(frozen=True, eq=False)
class Lives:
    """What happened, and what a good lineage would tell of it."""

    events: pd.DataFrame
    """A row is a request: account_id, timestamp, ip, user_agent, prompt_template, payment_instrument, model,
    capability."""
    members: pd.DataFrame
    """A row is an account of a farm on a day: day, account_id, farm. A farm that another takes in bears its name then;
    the smaller part of one that splits gets a name of its own."""
    groups: pd.DataFrame
    """A row is an ordinary account: account_id, group (ordinary, or the look-alike group that it belongs to)."""
    turns: pd.DataFrame
    """A row is a turn in a farm's life: day (the first or the last on which it acts so), event, farm."""


def live(*, n_accounts: int = 3_000, days: int = 20, seed: int = 0) -> Lives:
    """Make a history of farms.

    Parameters
    ----------
    n_accounts
        Ordinary accounts around them.
    days
        Days, at least 20: the script needs them.
    """
    world = synthesize(n_accounts, n_accounts * days * 4, seed, days=days, farms=())
    cards = world.accounts.drop_duplicates("account_id")[["account_id", "payment_instrument"]]
    ordinary = world.events.merge(cards, on="account_id", how="left")
    random = np.random.default_rng(seed)
    rows, members = [], []
    for day in range(days):
        crews = list(script_day(day))
        rows += [_work(crew, FIRST_DAY + timedelta(days=day), random) for crew in crews]
        members += [(FIRST_DAY + timedelta(days=day), name, crew.farm) for crew in crews for name in crew.accounts]
    columns = [*_COLUMNS, "model", "capability"]
    events = pd.concat([ordinary[columns], *(frame[columns] for frame in rows)], ignore_index=True)
    turns = pd.DataFrame(
        [(FIRST_DAY + timedelta(days=day), event, farm) for day, event, farm in TURNS], columns=["day", "event", "farm"]
    )
    frame = pd.DataFrame(members, columns=["day", "account_id", "farm"])
    return Lives(events.sort_values("timestamp", ignore_index=True), frame, world.truth[["account_id", "group"]], turns)


_COLUMNS = ["account_id", "timestamp", "ip", "user_agent", "prompt_template", "payment_instrument"]

TURNS = (
    *((0, "birth", name) for name in ("grows", "rotates", "takes in", "joins", "splits", "rests", "moves", "ends")),
    (0, "birth", "replaces"),
    (7, "birth", "late"),
    (6, "merge", "takes in"),
    (8, "split", "splits, a part"),
    (4, "death", "rests"),
    (11, "resurrection", "rests"),
    (5, "death", "moves"),
    (13, "resurrection", "moves"),
    (9, "death", "ends"),
    (16, "death", "late"),
)
"""Day, event and farm: a death on the last day on which it acts, all else on the first."""


def script_day(day: int) -> Iterator[Crew]:
    """The crews that work on a day."""
    fixed, fresh = "fixed", f"day {day}"
    yield _crew("grows", round(30 * 1.1**day), addresses=fixed)
    yield _crew("rotates", 40, addresses=fresh)
    yield Crew("replaces", _name("replaces", 5 * day, 50 + 5 * day), fresh, fixed, fixed)
    if day < 6:
        yield _crew("takes in", 50)
        yield _crew("joins", 35)
    else:
        both = (*_name("takes in", 0, 50), *_name("joins", 0, 35))
        yield Crew("takes in", both, fresh, "both", "both")
    if day < 8:
        yield _crew("splits", 90)
    else:
        yield Crew("splits", _name("splits", 0, 52), fresh, "one", "one")
        yield Crew("splits, a part", _name("splits", 52, 90), f"a part, {fresh}", "other", "other")
    if day <= 4:
        yield _crew("rests", 45)
    elif day >= 11:
        yield Crew("rests", _name("rests", 0, 45), fresh, "new", fixed)
    if day <= 5:
        yield _crew("moves", 40)
    elif day >= 13:
        yield Crew("moves", _name("moves", 40, 85), fixed, "new", fixed)
    if day <= 9:
        yield _crew("ends", 30)
    if 7 <= day <= 16:
        yield _crew("late", 25)


def _crew(farm: str, n: int, *, addresses: str = "fixed") -> Crew:
    return Crew(farm, _name(farm, 0, n), addresses, "fixed", "fixed")


def _name(farm: str, first: int, end: int) -> tuple[str, ...]:
    return tuple(f"acct-{farm.replace(' ', '-')}-{number:04}" for number in range(first, end))


def _work(crew: Crew, day: date, random: np.random.Generator) -> pd.DataFrame:
    """Requests of a crew on a day: each account on a few addresses and templates of the pools, one card, one agent."""
    n_accounts = len(crew.accounts)
    account = np.repeat(np.arange(n_accounts), _EVENTS_A_DAY)
    n = len(account)
    address = random.integers(0, n_accounts // _ACCOUNTS_AN_ADDRESS, n)
    template = random.integers(0, n_accounts // _ACCOUNTS_A_TEMPLATE, n)
    minute = random.integers(0, 24 * 60, n)
    return pd.DataFrame(
        {
            "account_id": np.array(crew.accounts, dtype=object)[account],
            "timestamp": pd.Timestamp(day, tz="UTC") + pd.to_timedelta(minute, unit="min"),
            "ip": _spell_addresses(f"{crew.farm}, {crew.addresses}", address),
            "user_agent": [f"agent of {crew.farm} {each % _AGENTS}" for each in account],
            "prompt_template": [f"{crew.farm}, {crew.templates} {i}" for i in template],
            "payment_instrument": [f"{crew.farm}, {crew.cards} {each // _ACCOUNTS_A_CARD}" for each in account],
            "model": "large",
            "capability": "chat",
        }
    )


def _spell_addresses(pool: str, numbers: Integers) -> list[str]:
    """IPv6 addresses of a pool, a /64 each."""
    names = []
    for number in range(numbers.max() + 1):
        code = hashlib.sha256(f"{pool} {number}".encode()).hexdigest()
        names.append(f"2001:db8:{code[:4]}:{code[4:8]}::1")
    return [names[number] for number in numbers]
