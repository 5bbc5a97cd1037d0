"""Accounts as arrays: a part is one group's accounts with their habits, a population is all parts together."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Service:
    """What every part must know of the service whose accounts are synthesized."""

    n_accounts: int
    n_days: int
    seed: int

    def random(self, name: str) -> np.random.Generator:
        """The generator of a part: named, so that a change in one part leaves the others as they were."""
        return np.random.Generator(np.random.PCG64([self.seed, zlib.crc32(name.encode())]))


@dataclass(frozen=True)
class Habits:
    """What accounts use, a row each: parallel arrays, days counted from the first day of the world, inclusive."""

    account: Integers
    code: Integers
    weight: npt.NDArray[np.float32]
    first_day: npt.NDArray[np.int16]
    last_day: npt.NDArray[np.int16]


@dataclass(frozen=True)
class Part:
    """One group's accounts; arrays have one value an account unless their comment says otherwise."""

    group: Integers
    """Place in ``group_names``."""
    group_names: tuple[str, ...]
    created: Numbers
    """Days from the start of the world; negative: before it."""
    last_day: Integers
    """Last day on which the account is active."""
    volume: Numbers
    """Expected events a day, in multiples of the service's mean."""
    rhythm: Integers
    """Row of ``catalog.rhythms()``: hours of the week."""
    steadiness: Numbers
    """Shape of the gamma noise on an account's day: small is bursty."""
    mix: Integers
    """Row of ``mixes``."""
    mixes: Numbers
    """Shape (mixes, capabilities * models): shares of what is asked of which model."""
    template_share: Numbers
    roams: npt.NDArray[np.bool_]
    """Whether the address changes from request to request and not from session to session."""
    ips: Habits
    agents: Habits
    templates: Habits
    cards: Habits
    farm: str | None = None
    style: str | None = None

    def __len__(self) -> int:
        return len(self.created)


@dataclass(frozen=True)
class Population:
    """All parts together, their habits sorted by account: rows ``start[a]:start[a + 1]`` are those of account ``a``."""

    everyone: Part
    part: Integers
    """Place of an account's part, shape (accounts,)."""
    farms: tuple[tuple[str | None, str | None], ...]
    """Farm and style of each part."""
    starts: dict[str, Integers]
    """By name of the habit (ips, agents, templates, cards): shape (accounts + 1,)."""


def link(
    account: npt.ArrayLike,
    code: npt.ArrayLike,
    *,
    n_days: int,
    weight: npt.ArrayLike = 1.0,
    first_day: npt.ArrayLike = 0,
    last_day: npt.ArrayLike | None = None,
) -> Habits:
    """Habits from arrays that broadcast; without days they hold all the time."""
    owner, what, share, first, last = np.broadcast_arrays(
        np.atleast_1d(account), code, weight, first_day, n_days - 1 if last_day is None else last_day
    )
    return Habits(
        owner.astype(np.int64), what.astype(np.int64), share.astype(np.float32), first.astype(np.int16),
        last.astype(np.int16),
    )  # fmt: skip


def join(*habits: Habits) -> Habits:
    """Habits one after the other."""
    return Habits(*(np.concatenate([getattr(h, field.name) for h in habits]) for field in fields(Habits)))


def weigh(habits: Habits, factor: npt.ArrayLike) -> Habits:
    """Habits with each account's weights times its factor (a number, or one an account); zero drops them."""
    factors = np.asarray(factor, np.float32)
    weight = habits.weight * (factors[habits.account] if factors.ndim else factors)
    return pick(Habits(habits.account, habits.code, weight, habits.first_day, habits.last_day), weight > 0)


def pick(habits: Habits, rows: npt.NDArray[Any]) -> Habits:
    """Some rows, by mask or by place."""
    return Habits(*(getattr(habits, field.name)[rows] for field in fields(Habits)))


def expand(counts: Integers) -> tuple[Integers, Integers]:
    """Owner and place within the owner of each of ``counts`` things: [2, 1] gives [0, 0, 1] and [0, 1, 0]."""
    owner = np.repeat(np.arange(len(counts)), counts)
    return owner, np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)


def deal_sizes(random: np.random.Generator, total: int, *, low: int, high: int) -> Integers:
    """Sizes of groups, log-uniform from ``low`` to ``high``; the last makes them sum to ``total``."""
    if total <= 0:
        return np.zeros(0, np.int64)
    drawn = np.exp(random.uniform(np.log(low), np.log(high + 1), 1 + total // low)).astype(np.int64)
    sizes = drawn[: max(1, int(np.searchsorted(np.cumsum(drawn), total, side="right")))]
    sizes[-1] += total - sizes.sum()
    if sizes[-1] > high:
        sizes = np.append(sizes[:-1], [sizes[-1] // 2, sizes[-1] - sizes[-1] // 2])
    return sizes


def assemble(parts: Sequence[Part]) -> Population:
    """Put parts together, in their order."""
    sizes = np.array([len(part) for part in parts])
    offsets = np.cumsum(sizes) - sizes
    joined: dict[str, Any] = {}
    starts = {}
    for name in ("ips", "agents", "templates", "cards"):
        habits = join(*(_shift(getattr(part, name), offset) for part, offset in zip(parts, offsets, strict=True)))
        joined[name] = pick(habits, np.argsort(habits.account, kind="stable"))
        counts = np.bincount(habits.account, minlength=sizes.sum())
        starts[name] = np.concatenate([[0], np.cumsum(counts)])
    for name in ("created", "last_day", "volume", "rhythm", "steadiness", "template_share", "roams", "mixes"):
        joined[name] = np.concatenate([getattr(part, name) for part in parts])
    for name, table in (("group", "group_names"), ("mix", "mixes")):
        lengths = np.array([len(getattr(part, table)) for part in parts])
        joined[name] = np.concatenate([getattr(part, name) for part in parts]) + np.repeat(
            np.cumsum(lengths) - lengths, sizes
        )
    names = tuple(name for part in parts for name in part.group_names)
    return Population(
        Part(group_names=names, **joined),
        np.repeat(np.arange(len(parts)), sizes),
        tuple((part.farm, part.style) for part in parts),
        starts,
    )


def _shift(habits: Habits, offset: int) -> Habits:
    return Habits(habits.account + offset, habits.code, habits.weight, habits.first_day, habits.last_day)
