"""Explanations of pairs: why two accounts are linked, entity by entity, in bits that add up to their match weight."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from scipy import sparse
from scipy.sparse import csgraph

from graphkit.config import Config
from graphkit.detect.holding import ROUNDING, read_thresholds
from graphkit.detect.nearest import unknown_account
from graphkit.detect.sharing import entity_bits, makes_pairs, read_entities
from graphkit.detect.template_names import add_template_names
from graphkit.errors import UsageError
from graphkit.frames import mark_frame
from graphkit.snapshot import Snapshot

_COLUMNS = [
    *("step", "account_a", "account_b", "kind", "entity", "n_accounts", "rarity_bits", "tag"),
    *("prior_bits", "choice_bits", "bits", "weighs", "linked", "seconds_apart"),
    *("first_seen_a", "last_seen_a", "first_seen_b", "last_seen_b"),
]
_LEAST_WEIGHT = 1e-9


def explain_pair(snapshot: Snapshot, account_a: str, account_b: str) -> pd.DataFrame:
    """Explain what ties two linked accounts: what they share or, where that weighs nothing, the strongest path.

    Returns
    -------
    A row per step and shared entity, by step, strongest first: step (1, and more only on a path through
    other accounts), account_a and account_b (of the step), kind, entity, n_accounts, rarity_bits (of the
    entity), tag (of known infrastructure, null: none; its weight in the config is a factor on the bits),
    prior_bits and choice_bits (of its kind, the latter the price of choice, not above 0), bits (its share
    of the kind's weight; those of a step add up to its match weight), weighs (False for entities too
    common to weigh or of a tag with weight 0, and for uses too far apart), linked (whether the bits of the step reach
    those of a link; where not it is a weak pair, or less), seconds_apart (kinds with `within`), and the first and
    last use by each; template (the frame of a mined prompt template, behind its public name). Rows that weigh
    nothing, or none, where no path joins the two.

    Raises
    ------
    UsageError
        If an account has no links in the snapshot, or both are the same.
    """
    direct = _explain_steps(snapshot, [account_a, account_b])
    if direct["weighs"].any():
        return direct
    path = _find_path(snapshot, account_a, account_b)
    return _explain_steps(snapshot, path) if path else direct


def explain_path(snapshot: Snapshot, account_a: str, account_b: str) -> pd.DataFrame:
    """Explain the strongest path of links between two accounts, whether or not they share anything directly.

    Strongest is the path over sampled pairs with the least sum of 1 / match weight: like resistors in a
    row, so that a step more must pay for itself in bits. The widest path, whose weakest link is
    strongest, would go through any number of accounts to gain a tenth of a bit. Weak pairs inside clusters are
    steps too, at their price, so that there is a path between any two members; ``linked`` tells them.

    Returns
    -------
    Rows as of ``explain_pair``; none where no path joins the two.

    Raises
    ------
    UsageError
        As ``explain_pair``.
    """
    _links_of(snapshot, [account_a, account_b])
    path = _find_path(snapshot, account_a, account_b)
    return _explain_steps(snapshot, path) if path else pd.DataFrame(columns=_COLUMNS)


def _find_path(snapshot: Snapshot, source: str, target: str) -> list[str]:
    """Accounts on the strongest path over the sampled pairs, linked or weak; none if there is no path."""
    pairs = snapshot.table("pairs", columns=["account_a", "account_b", "match_weight"])
    ends = pa.chunked_array([*pairs["account_a"].chunks, *pairs["account_b"].chunks], pa.string())
    names = pc.unique(ends)
    a, b = pc.index_in(ends, value_set=names).to_numpy().reshape(2, -1)
    cost = 1 / np.maximum(pairs["match_weight"].to_numpy(), _LEAST_WEIGHT)
    graph = sparse.csr_array((cost, (a, b)), shape=(len(names), len(names)))
    start, end = (names.index(account).as_py() for account in (source, target))
    if min(start, end) < 0:
        return []
    _, before = csgraph.dijkstra(graph, directed=False, indices=start, return_predecessors=True)
    path = [end]
    while path[-1] != start:
        if before[path[-1]] < 0:
            return []
        path.append(int(before[path[-1]]))
    return [names[place].as_py() for place in reversed(path)]


def _explain_steps(snapshot: Snapshot, path: Sequence[str]) -> pd.DataFrame:
    """Explain each step of a path."""
    links = _links_of(snapshot, path)
    entities = read_entities(snapshot, links)
    co_uses = _co_uses_of(snapshot, path)
    config = snapshot.weighing_config
    steps = [
        _explain_step(step, links, entities, co_uses, config=config).assign(step=number)
        for number, step in enumerate(pairwise(path), 1)
    ]
    told = [step for step in steps if len(step)]
    if not told:
        return pd.DataFrame(columns=[*_COLUMNS, "template"]).astype({"weighs": bool, "linked": bool, "bits": float})
    frame = pd.concat(told, ignore_index=True)
    link, _ = read_thresholds(snapshot)
    frame["linked"] = frame.groupby("step")["bits"].transform("sum") >= link - ROUNDING
    ordered = frame[_COLUMNS + [column for column in frame.columns if column not in _COLUMNS]]
    return mark_frame(add_template_names(ordered, snapshot), "explained")


def _explain_step(
    step: tuple[str, str], links: pd.DataFrame, entities: pd.DataFrame, co_uses: pd.DataFrame, *, config: Config
) -> pd.DataFrame:
    """Explain one pair, given the links and co-uses of both."""
    columns = ["kind", "entity", "first_seen", "last_seen"]
    one, other = (links.loc[links["account_id"] == account, columns] for account in step)
    shared = one.merge(other, on=["kind", "entity"], suffixes=("_a", "_b"))
    shared = shared.merge(entities.drop(columns="corroboration"), on=["kind", "entity"])
    together = (co_uses["account_a"] == min(step)) & (co_uses["account_b"] == max(step))
    gaps = co_uses.loc[together, ["kind", "entity", "seconds_apart"]]
    shared = shared.merge(gaps, on=["kind", "entity"], how="left")
    used = links[links["account_id"].isin(step)].merge(entities[makes_pairs(entities, config)], on=["kind", "entity"])
    choices = used.groupby(["kind", "account_id"]).size().groupby("kind").max()
    told = [_explain_kind(rows, int(choices.get(kind, 0)), config, kind) for kind, rows in shared.groupby("kind")]
    if not told:
        return pd.DataFrame()
    by = ["bits", "rarity_bits", "kind", "entity"]
    rows = pd.concat(told).sort_values(by, ascending=[False, False, True, True])
    return rows.assign(account_a=step[0], account_b=step[1])


def _links_of(snapshot: Snapshot, accounts: Sequence[str]) -> pd.DataFrame:
    """Links of accounts; an error for those that have none, and for one account given twice."""
    if len(set(accounts)) < len(accounts):
        raise UsageError(f"{accounts[0]!r} is one account; give two")
    table = snapshot.table("links")
    links: pd.DataFrame = table.filter(pc.field("account_id").isin(list(accounts))).to_pandas()
    linked = set(links["account_id"])
    for account in accounts:
        if account not in linked:
            raise unknown_account(snapshot, account)
    return links


def _co_uses_of(snapshot: Snapshot, accounts: Sequence[str]) -> pd.DataFrame:
    table = snapshot.table("co_uses")
    among = pc.field("account_a").isin(list(accounts)) & pc.field("account_b").isin(list(accounts))
    frame: pd.DataFrame = table.filter(among).to_pandas()
    return frame


def _explain_kind(rows: pd.DataFrame, choices: int, config: Config, name: object) -> pd.DataFrame:
    """Split a kind's weight over its shared entities, in the ratio of their bits, evenly where none has any."""
    kind = config.kinds[str(name)]
    weighs = makes_pairs(rows, config)
    if kind.within is not None:
        weighs &= rows["seconds_apart"].notna()
    n_shared = int(weighs.sum())
    own = entity_bits(rows, config).where(weighs, 0.0)
    price = math.log2(math.comb(choices, n_shared)) if n_shared else 0.0
    weight = max(0.0, own.sum() + kind.prior - price) if n_shared else 0.0
    share = own / own.sum() if own.any() else weighs / max(n_shared, 1)
    return rows.assign(
        prior_bits=kind.prior if n_shared else 0.0,
        choice_bits=0.0 - price,
        bits=weight * share,
        weighs=weighs,
    )
