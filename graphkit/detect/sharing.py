"""Sharing: what pairs of accounts have in common, read from a snapshot and weighed again, whole or without some."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from scipy.special import gammaln

from graphkit.config import Config
from graphkit.link.links import Integers, Numbers
from graphkit.snapshot import Snapshot


@dataclass(frozen=True)
class Sharing:
    """Pairs of accounts and the entities that weigh in each; integers are places in the tables beside them."""

    accounts: tuple[str, ...]
    entities: pd.DataFrame
    """The entities that make pairs: kind, entity, n_accounts, rarity_bits and what else the table has."""
    kinds: tuple[str, ...]
    kind: Integers
    """Kind of each entity."""
    bits: Numbers
    """Bits that each entity adds where two accounts share it."""
    prior: Numbers
    """Bits that each kind adds."""
    a: Integers
    """One account of each pair."""
    b: Integers
    link_account: Integers
    """Account of each link to an entity that makes pairs."""
    link_entity: Integers
    pair: Integers
    """Pair of each entity that a pair shares."""
    entity: Integers


def makes_pairs(entities: pd.DataFrame, config: Config) -> pd.Series[bool]:
    """Tell which rows of the table ``entities`` make pairs and weigh."""
    return (entities["rarity_bits"] >= config.hub_bits) & (_tag_weight(entities, config) > 0)


def entity_bits(entities: pd.DataFrame, config: Config) -> pd.Series[float]:
    """Bits that rows of the table ``entities`` add where two accounts share them: rarity times the tag's weight."""
    return entities["rarity_bits"] * _tag_weight(entities, config)


def _tag_weight(entities: pd.DataFrame, config: Config) -> pd.Series[float]:
    """Factor on each entity's bits: the weight of its tag, 1 without."""
    weights = {name: tag.weight for name, tag in config.infrastructure.items()}
    return entities["tag"].map(weights).astype(float).fillna(1.0)


def read_sharing(snapshot: Snapshot, account_a: Sequence[str], account_b: Sequence[str]) -> Sharing:
    """Read what each of some pairs of accounts that have links in the snapshot shares.

    Uses under ``within`` count where the table ``co_uses`` has them, which is for the pairs of the table ``pairs``.
    """
    config, kinds = snapshot.weighing_config, tuple(snapshot.content["resolved"]["kinds"])
    names = pd.Index(sorted({*account_a, *account_b}))
    table = snapshot.table("links", columns=["account_id", "kind", "entity"])
    links = table.filter(pc.field("account_id").isin(pa.array(names, pa.string()))).to_pandas()
    entities = read_entities(snapshot, links)
    entities = entities[makes_pairs(entities, config)].reset_index(drop=True)
    links = links.merge(entities[["kind", "entity"]].assign(place=entities.index), on=["kind", "entity"])
    account, place = names.get_indexer(links["account_id"]), links["place"].to_numpy()
    order = np.lexsort((place, account))
    account, place = account[order].astype(np.int64), place[order].astype(np.int64)
    a, b = (names.get_indexer(pd.Index(list(side))).astype(np.int64) for side in (account_a, account_b))
    kind = pd.Index(kinds).get_indexer(entities["kind"]).astype(np.int64)
    pair, entity = _share(a, b, account, place, n_accounts=len(names), n_entities=max(len(entities), 1))
    timed = np.array([config.kinds[name].within is not None for name in kinds], dtype=bool)
    if timed.any():
        met = ~timed[kind[entity]] | _co_used(snapshot, names, entities, a[pair], b[pair], entity)
        pair, entity = pair[met], entity[met]
    return Sharing(
        accounts=tuple(names),
        entities=entities,
        kinds=kinds,
        kind=kind,
        bits=np.asarray(entity_bits(entities, config), dtype=np.float64),
        prior=np.array([config.kinds[name].prior for name in kinds], dtype=float),
        a=a,
        b=b,
        link_account=account,
        link_entity=place,
        pair=pair,
        entity=entity,
    )


def read_entities(snapshot: Snapshot, links: pd.DataFrame) -> pd.DataFrame:
    """Rows of the table ``entities`` for the entities of some links, in its order."""
    used = links[["kind", "entity"]].drop_duplicates()
    table = snapshot.table("entities")
    near: pd.DataFrame = table.filter(
        pc.field("entity").isin(pa.array(used["entity"].unique(), pa.string()))
    ).to_pandas()
    return near.merge(used, on=["kind", "entity"])


def weigh_sharing(sharing: Sharing, *, without: Sequence[int] = ()) -> Numbers:
    """Weigh the pairs as if some entities were known to be innocent: no one's links to them count.

    Parameters
    ----------
    without
        Places of the entities.

    Returns
    -------
    Bits by kind, shape (pairs, kinds); -1 where the two share nothing of the kind that weighs.
    """
    n_kinds = len(sharing.kinds)
    kept = np.ones(len(sharing.bits), dtype=bool)
    kept[list(without)] = False
    links = kept[sharing.link_entity]
    used = sharing.link_account[links] * n_kinds + sharing.kind[sharing.link_entity[links]]
    choices = np.bincount(used, minlength=len(sharing.accounts) * n_kinds).reshape(-1, n_kinds)
    rows = kept[sharing.entity]
    entity = sharing.entity[rows]
    slot = sharing.pair[rows] * n_kinds + sharing.kind[entity]
    shape = (len(sharing.a), n_kinds)
    n_shared = np.bincount(slot, minlength=shape[0] * shape[1]).reshape(shape)
    own = np.bincount(slot, weights=sharing.bits[entity], minlength=shape[0] * shape[1]).reshape(shape)
    price = log2_choose(np.maximum(choices[sharing.a], choices[sharing.b]), n_shared)
    return np.where(n_shared > 0, np.maximum(0, own + sharing.prior - price), -1)


def log2_choose(n: Integers, k: Integers) -> Numbers:
    """log2 of the binomial coefficient, the price of choice."""
    logarithm: Numbers = (gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)) / np.log(2)
    return logarithm


def _share(
    a: Integers, b: Integers, account: Integers, entity: Integers, *, n_accounts: int, n_entities: int
) -> tuple[Integers, Integers]:
    """Each entity that each pair shares; ``account`` and ``entity`` are the links, sorted."""
    start = np.searchsorted(account, np.arange(n_accounts + 1))
    degree = np.diff(start)
    fewer = np.where(degree[a] <= degree[b], a, b)
    n = degree[fewer]
    pair = np.repeat(np.arange(len(a)), n)
    row = np.arange(n.sum()) - np.repeat(np.cumsum(n) - n, n) + start[fewer][pair]
    key = (a + b - fewer)[pair] * n_entities + entity[row]
    links = account * n_entities + entity
    place = np.minimum(np.searchsorted(links, key), max(len(links) - 1, 0))
    both = links[place] == key if len(links) else np.zeros(0, dtype=bool)
    return pair[both], entity[row][both]


def _co_used(
    snapshot: Snapshot, names: pd.Index[str], entities: pd.DataFrame, a: Integers, b: Integers, entity: Integers
) -> npt.NDArray[np.bool_]:
    """Tell for two accounts and an entity each whether the table ``co_uses`` has them."""
    table = snapshot.table("co_uses", columns=["account_a", "account_b", "kind", "entity"])
    among = pc.field("account_a").isin(list(names)) & pc.field("account_b").isin(list(names))
    rows = table.filter(among).to_pandas().merge(entities[["kind", "entity"]].assign(place=entities.index))
    columns = [names.get_indexer(rows[side]) for side in ("account_a", "account_b")]
    found = {(x, y, z) for x, y, z in zip(*columns, rows["place"], strict=True)}
    least, most = np.minimum(a, b), np.maximum(a, b)
    return np.array([each in found for each in zip(least, most, entity, strict=True)], dtype=bool)
