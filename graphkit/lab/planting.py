"""Planting: farms of a given grade put among everybody's links, in memory alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Any

import numpy as np
import pyarrow as pa

from graphkit.config import Config
from graphkit.errors import UsageError
from graphkit.lab.backdrop import Backdrop
from graphkit.lab.population import expand
from graphkit.link.couse import CoUses
from graphkit.link.links import Integers, Links

_SHARED_EVENTS = 0.4
"""Share of a planted account's events that carry what its farm shares."""
ALIKE_CORRELATION = 0.67
"""Correlation of each feature of the profiles inside a farm whose accounts behave alike: that of the farms of the
frontier, on average over the features (there from 0.2 to 0.95)."""


@dataclass(frozen=True)
class FarmGrade:
    """How much the accounts of a farm share, the same in each of some kinds."""

    kinds: tuple[str, ...]
    n_accounts: int
    entities_per_account: float
    """Entities of the farm that an account uses, of each kind: on average, if that is no whole number."""
    accounts_per_entity: float
    """Accounts that use each of these entities, on average."""
    evenly: bool = False
    """Whether each of them has as many accounts as any other, as cards that are dealt out have; else each account draws
    its entities from all of the farm's, as one that rotates over addresses does."""

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        if not (self.kinds and 1 <= self.accounts_per_entity <= self.n_accounts and self.entities_per_account > 0):
            raise UsageError(f"{self} cannot be: give a kind, and from 1 account an entity to all of the farm's")


@dataclass(frozen=True)
class Planted:
    """Links with farms among them."""

    links: Links
    co_uses: CoUses
    farm: Integers
    """For each account of the links the place of its farm; -1 for those that were there before."""


@dataclass(frozen=True)
class _Uses:
    """Which planted account uses which entity, one use at each place of the two arrays."""

    account: Integers
    entity: Integers


def plant_farms(backdrop: Backdrop, grades: Sequence[FarmGrade], *, config: Config, seed: Sequence[int]) -> Planted:
    """Plant a farm of each grade.

    What else a planted account uses is ordinary: of each kind it has as many entities as some account that is linked
    to nobody, each taken from the links of all such accounts; its number of events, its times and its profile are that
    account's.
    Those who share an entity of a kind with ``within`` use it together.

    Parameters
    ----------
    seed
        Also goes into the names of what is planted: with another one, other pairs are sampled.
    """
    random, base = np.random.Generator(np.random.PCG64([*seed, 1])), backdrop.links
    name = f"planted {' '.join(map(str, seed))}"
    farm = np.repeat(np.arange(len(grades)), [grade.n_accounts for grade in grades])
    like, own = _draw_ordinary(random, backdrop, len(farm))
    shared, kinds = _share_entities(random, grades)
    shared = _Uses(shared.account, len(base.entities) + shared.entity)
    names = pa.array([f"{name}, account {number}" for number in range(len(farm))], pa.string())
    accounts = base.accounts.take(pa.array(like)).set_column(0, "account_id", names)
    names = pa.array([f"{name}, entity {number}" for number in range(len(kinds))], pa.string())
    no_tags = pa.nulls(len(kinds), pa.string())
    entities = pa.table({"kind": pa.array(kinds, pa.string()), "entity": names, "tag": no_tags})
    links = _append(base, accounts, entities, _distinct(own, shared, n_entities=len(base.entities) + len(kinds)))
    if base.profiles.size:
        links = replace(links, profiles=np.concatenate([base.profiles, base.profiles[like]]))
    co_uses = _use_together(backdrop, links, shared, config=config)
    return Planted(links, co_uses, np.concatenate([np.full(len(base.accounts), -1), farm]))


def behave_alike(planted: Planted, *, seed: Sequence[int]) -> Planted:
    """Let the accounts of each planted farm run one workload: they vary about a middle of their own.

    All else stays as it is; ``seed`` draws the middles.
    """
    chosen, profiles = planted.farm >= 0, planted.links.profiles.copy()
    random = np.random.Generator(np.random.PCG64([*seed, 3]))
    middles = random.standard_normal((int(planted.farm.max(initial=-1)) + 1, profiles.shape[1]))
    own = np.sqrt(1 - ALIKE_CORRELATION) * profiles[chosen]
    profiles[chosen] = np.sqrt(ALIKE_CORRELATION) * middles[planted.farm[chosen]] + own
    return replace(planted, links=replace(planted.links, profiles=profiles))


def _draw_ordinary(random: np.random.Generator, backdrop: Backdrop, n: int) -> tuple[Integers, _Uses]:
    """Draw for each of ``n`` accounts one of the links that it is like, and ordinary entities."""
    links = backdrop.links
    models = np.flatnonzero(backdrop.ordinary)
    models = models if len(models) else np.arange(len(links.accounts))
    like = random.choice(models, n)
    kind = links.entity_kind()[links.entity]
    none = np.empty(0, np.int64)
    parts = [_Uses(none, none)]
    for number in range(len(links.kinds)):
        uses = np.flatnonzero((kind == number) & backdrop.ordinary[links.account])
        if len(uses):
            counts = np.bincount(links.account[uses], minlength=len(links.accounts))[like]
            owner, _ = expand(counts)
            parts.append(_Uses(owner, links.entity[random.choice(uses, len(owner))]))
    return like, _join(parts)


def _share_entities(random: np.random.Generator, grades: Sequence[FarmGrade]) -> tuple[_Uses, list[str]]:
    """Give each farm's entities to its accounts; also the kind of each entity."""
    parts: list[_Uses] = []
    kinds: list[str] = []
    n_before = 0
    for grade in grades:
        for kind in grade.kinds:
            for account, entity in _deal(random, grade) if grade.evenly else _draw(random, grade):
                parts.append(_Uses(n_before + account, len(kinds) + entity))
                kinds += [kind] * (int(entity.max()) + 1)
        n_before += grade.n_accounts
    return _join(parts), kinds


def _draw(random: np.random.Generator, grade: FarmGrade) -> Iterator[tuple[Integers, Integers]]:
    """Let each account draw different entities from all of the farm's: account and entity of each use."""
    most = ceil(grade.entities_per_account)
    n_entities = max(most, round(grade.n_accounts * grade.entities_per_account / grade.accounts_per_entity))
    drawn = draw_distinct(random, (grade.n_accounts, most), n_choices=n_entities)
    used = np.ones(drawn.shape, dtype=bool)
    used[:, -1] = random.random(grade.n_accounts) >= most - grade.entities_per_account
    account, place = np.nonzero(used)
    yield account, drawn[account, place]


def _deal(random: np.random.Generator, grade: FarmGrade) -> Iterator[tuple[Integers, Integers]]:
    """Split the accounts into groups that share an entity, anew for each entity that an account uses."""
    for turn in range(ceil(grade.entities_per_account)):
        share = min(1.0, grade.entities_per_account - turn)
        account = random.permutation(grade.n_accounts)[: max(1, round(share * grade.n_accounts))]
        yield account, np.arange(len(account)) % max(1, round(len(account) / grade.accounts_per_entity))


def draw_distinct(random: np.random.Generator, shape: tuple[int, int], *, n_choices: int) -> Integers:
    """Whole numbers below ``n_choices``, different from each other in each row."""
    n_rows, n_columns = shape
    if n_choices <= 4 * n_columns:
        shuffled: Integers = random.permuted(np.tile(np.arange(n_choices), (n_rows, 1)), axis=1)
        return shuffled[:, :n_columns]
    drawn = random.integers(0, n_choices, shape)
    again = np.arange(n_rows)
    while len(again):
        ordered = np.sort(drawn[again], axis=1)
        again = again[(ordered[:, 1:] == ordered[:, :-1]).any(axis=1)]
        drawn[again] = random.integers(0, n_choices, (len(again), n_columns))
    return drawn


def _join(parts: Sequence[_Uses]) -> _Uses:
    return _Uses(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("account", "entity")))


def _distinct(*parts: _Uses, n_entities: int) -> _Uses:
    """All uses once, by account and entity."""
    uses = _join(parts)
    account, entity = np.divmod(np.unique(uses.account * n_entities + uses.entity), n_entities)
    return _Uses(account, entity)


def _append(base: Links, accounts: pa.Table, entities: pa.Table, uses: _Uses) -> Links:
    """Links with more accounts and entities; an entity that only one account uses links nobody and is not counted."""
    n_old, n_entities = len(base.entities), len(base.entities) + len(entities)
    degree = np.bincount(uses.entity, minlength=n_entities)
    degree[:n_old] += base.entities["n_accounts"].to_numpy()
    shared = degree[uses.entity] > 1
    account, entity = uses.account[shared], uses.entity[shared]
    n_events, first, last = (accounts[name].to_numpy()[account] for name in ("n_events", "first_seen", "last_seen"))
    more = {
        "account": len(base.accounts) + account,
        "entity": entity,
        "n_events": np.maximum(1, np.round(_SHARED_EVENTS * n_events)).astype(np.int64),
        "first_seen": first,
        "last_seen": last,
    }
    joined: dict[str, Any] = {name: np.concatenate([getattr(base, name), values]) for name, values in more.items()}
    named = pa.concat_tables([base.entities.select(entities.column_names).cast(entities.schema), entities])
    return replace(
        base,
        n_population=base.n_population + len(accounts),
        accounts=pa.concat_tables([base.accounts, accounts]),
        entities=named.append_column("n_accounts", pa.array(np.maximum(degree, 1))),
        **joined,
    )


def _use_together(backdrop: Backdrop, links: Links, shared: _Uses, *, config: Config) -> CoUses:
    """The co-uses there were, and those of each two planted accounts that share an entity of a kind with ``within``."""
    n_base, n = len(backdrop.links.accounts), len(links.accounts)
    before = backdrop.co_uses
    one, other = np.divmod(before.pair, max(n_base, 1))
    timed = np.array([config.kinds[kind].within is not None for kind in links.kinds], dtype=bool)
    chosen = timed[links.entity_kind()[shared.entity]]
    account, entity = n_base + shared.account[chosen], shared.entity[chosen]
    order = np.lexsort((account, entity))
    account, entity = account[order], entity[order]
    left = np.searchsorted(entity, entity, side="right") - np.arange(len(entity)) - 1
    first, step = expand(left)
    pair = np.concatenate([one * n + other, account[first] * n + account[first + 1 + step]])
    what, gap = np.concatenate([before.entity, entity[first]]), np.concatenate([before.gap_us, np.zeros_like(first)])
    order = np.lexsort((what, pair))
    order = order[links.makes_pairs(config)[what[order]]]
    return CoUses(pair[order], what[order], gap[order])
