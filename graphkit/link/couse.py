"""Co-use in time: which accounts used the same entity at most a span apart, exactly, by a sliding window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from graphkit.config import Config
from graphkit.engine import Engine, quote_name, quote_text
from graphkit.errors import BudgetError
from graphkit.ingest.events import Intake
from graphkit.link.links import Integers, Links

_BUFFER = 1 << 24


@dataclass(frozen=True)
class CoUses:
    """Entities that pairs of accounts used close in time; arrays of one length, sorted by (pair, entity)."""

    pair: Integers
    """Key of the pair: ``a * n_accounts + b`` with a < b, positions in ``Links.accounts``."""
    entity: Integers
    """Position in ``Links.entities``."""
    gap_us: Integers
    """Smallest span between a use by the one and a use by the other, in microseconds."""


def no_co_uses() -> CoUses:
    """Give none."""
    return CoUses(*(np.empty(0, np.int64) for _ in range(3)))


def find_co_uses(engine: Engine, intake: Intake, links: Links, *, config: Config) -> CoUses:
    """Find all co-uses of the kinds that ask for ``within``, among entities that make pairs.

    Raises
    ------
    BudgetError
        If one entity makes more pairs of uses than its kind's ``within_budget``.
    """
    found = no_co_uses()
    for kind in intake.event_kinds:
        within = config.kinds[kind].within_us
        if within is None:
            continue
        uses = _read_uses(engine, kind)
        paired = links.makes_pairs(config)[uses["entity"].to_numpy()]
        entity, account, t = (uses[name].to_numpy()[paired] for name in ("entity", "account", "t"))
        budget = config.kinds[kind].within_budget
        new = _slide(entity, account, t, within=within, budget=budget, links=links)
        found = _merge(found, new)
    return found


def _read_uses(engine: Engine, kind: str) -> pa.Table:
    """Distinct uses of shared entities of a kind, by entity and time: positions and microseconds."""
    return engine.query(f"""
        SELECT DISTINCT entity_ids.id AS entity, account_ids.id AS account, t
        FROM events
        JOIN entity_ids ON entity_ids.kind = {quote_text(kind)} AND entity_ids.code = {quote_name(f"kind_{kind}")}
        JOIN account_ids ON account_ids.code = events.account
        ORDER BY 1, 3, 2
    """)


def _slide(entity: Integers, account: Integers, t: Integers, *, within: int, budget: int, links: Links) -> CoUses:
    """Pair each use with the uses after it, one further at each step, while entity and span allow."""
    n_accounts = len(links.accounts)
    n_pairs = np.zeros(len(links.entities), dtype=np.int64)
    found, parts, buffered = no_co_uses(), [], 0
    first = np.arange(len(entity))
    step = 1
    while len(first):
        first = first[first + step < len(entity)]
        second = first + step
        near = (entity[first] == entity[second]) & (t[second] - t[first] <= within)
        first, second = first[near], second[near]
        np.add.at(n_pairs, entity[first], 1)
        _check_budget(n_pairs, entity[first], budget=budget, links=links)
        differ = account[first] != account[second]
        one, other = account[first[differ]], account[second[differ]]
        pair = np.minimum(one, other) * n_accounts + np.maximum(one, other)
        parts.append(CoUses(pair, entity[first[differ]], t[second[differ]] - t[first[differ]]))
        buffered += len(pair)
        if buffered > _BUFFER:
            found, parts, buffered = _merge(found, *parts), [], 0
        step += 1
    return _merge(found, *parts)


def _check_budget(n_pairs: Integers, entity: Integers, *, budget: int, links: Links) -> None:
    """Look at the entities whose pairs were counted just now: a step takes no longer than it has pairs."""
    if len(entity) and n_pairs[entity].max() > budget:
        worst = int(entity[n_pairs[entity].argmax()])
        row = links.entities.slice(worst, 1).to_pylist()[0]
        raise BudgetError(
            f"kind {row['kind']!r}, entity {row['entity'][:120]!r}: its {row['n_accounts']:,} accounts make more than "
            f"{budget:,} pairs of uses within the span. Shorten `within`, raise hub_bits so that it is left out, "
            f"or raise within_budget in [kinds.{row['kind']}]."
        )


def _merge(*parts: CoUses) -> CoUses:
    """Join parts; of the same pair and entity keep the smallest gap."""
    pair = np.concatenate([part.pair for part in parts])
    entity = np.concatenate([part.entity for part in parts])
    gap = np.concatenate([part.gap_us for part in parts])
    order = np.lexsort((gap, entity, pair))
    pair, entity, gap = pair[order], entity[order], gap[order]
    new = np.ones(len(pair), dtype=bool)
    new[1:] = (pair[1:] != pair[:-1]) | (entity[1:] != entity[:-1])
    return CoUses(pair[new], entity[new], gap[new])
