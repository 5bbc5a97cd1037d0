"""Explanations: why two accounts are linked, entity by entity, in bits that add up to their match weight."""

from __future__ import annotations

import math

import pandas as pd

from graphkit.config import Config
from graphkit.errors import UsageError
from graphkit.snapshot import Snapshot


def explain_pair(snapshot: Snapshot, account_a: str, account_b: str) -> pd.DataFrame:
    """Explain the match weight of two linked accounts.

    Returns
    -------
    A row per shared entity, strongest first: kind, entity, n_accounts, rarity_bits (of the entity), tag (of known
    infrastructure, null: none; its weight is a factor on the bits), prior_bits and choice_bits (of its kind, the
    latter the price of choice, not above 0), bits (its share of the kind's weight; they add up to the pair's match
    weight), weighs (False for entities too common to weigh or of a tag of weight 0, and for uses too far apart),
    seconds_apart (kinds with `within`), and the first and last use by each.

    Raises
    ------
    UsageError
        If an account has no links in the snapshot, or both are the same.
    """
    if account_a == account_b:
        raise UsageError(f"{account_a!r} is one account; give two")
    links = _links_of(snapshot, [account_a, account_b])
    columns = ["kind", "entity", "first_seen", "last_seen"]
    one, other = (links.loc[links["account_id"] == account, columns] for account in (account_a, account_b))
    shared = one.merge(other, on=["kind", "entity"], suffixes=("_a", "_b"))
    entities = snapshot.entities.merge(links[["kind", "entity"]].drop_duplicates(), on=["kind", "entity"])
    shared = shared.merge(entities.drop(columns="corroboration"), on=["kind", "entity"])
    shared = shared.merge(_gaps(snapshot, account_a, account_b), on=["kind", "entity"], how="left")
    config = snapshot.config
    choices = (
        links.merge(entities[_makes_pairs(entities, config)], on=["kind", "entity"])
        .groupby(["kind", "account_id"])
        .size()
        .groupby("kind")
        .max()
    )
    explained = [_explain_kind(rows, int(choices.get(kind, 0)), config, kind) for kind, rows in shared.groupby("kind")]
    order = ["kind", "entity", "n_accounts", "rarity_bits", "tag", "prior_bits", "choice_bits", "bits", "weighs"]
    if not explained:
        return pd.DataFrame(columns=[*order, "seconds_apart", *(f"{c}_{s}" for s in "ab" for c in columns[2:])])
    frame = pd.concat(explained).sort_values(
        ["bits", "rarity_bits", "kind", "entity"], ascending=[False, False, True, True]
    )
    return frame[order + [column for column in frame.columns if column not in order]].reset_index(drop=True)


def _links_of(snapshot: Snapshot, accounts: list[str]) -> pd.DataFrame:
    """Links of accounts; an error for those that have none."""
    import pyarrow.compute as pc

    table = snapshot.table("links")
    links: pd.DataFrame = table.filter(pc.field("account_id").isin(accounts)).to_pandas()
    for account in accounts:
        if account not in set(links["account_id"]):
            raise UsageError(
                f"account {account!r} is not linked to any other in snapshot {snapshot.id}; "
                "snapshot.links lists the linked accounts"
            )
    return links


def _gaps(snapshot: Snapshot, account_a: str, account_b: str) -> pd.DataFrame:
    first, second = sorted((account_a, account_b))
    co_uses = snapshot.co_uses
    mine = (co_uses["account_a"] == first) & (co_uses["account_b"] == second)
    return co_uses.loc[mine, ["kind", "entity", "seconds_apart"]]


def _explain_kind(rows: pd.DataFrame, choices: int, config: Config, name: object) -> pd.DataFrame:
    """Split a kind's weight over its shared entities, in the ratio of their bits, evenly where none has any."""
    kind = config.kinds[str(name)]
    weighs = _makes_pairs(rows, config)
    if kind.within is not None:
        weighs &= rows["seconds_apart"].notna()
    n_shared = int(weighs.sum())
    own = (rows["rarity_bits"] * _tag_weight(rows, config)).where(weighs, 0.0)
    price = math.log2(math.comb(choices, n_shared)) if n_shared else 0.0
    weight = max(0.0, own.sum() + kind.prior - price) if n_shared else 0.0
    share = own / own.sum() if own.any() else weighs / max(n_shared, 1)
    return rows.assign(
        prior_bits=kind.prior if n_shared else 0.0,
        choice_bits=0.0 - price,
        bits=weight * share,
        weighs=weighs,
    )


def _makes_pairs(entities: pd.DataFrame, config: Config) -> pd.Series[bool]:
    return (entities["rarity_bits"] >= config.hub_bits) & (_tag_weight(entities, config) > 0)


def _tag_weight(entities: pd.DataFrame, config: Config) -> pd.Series[float]:
    """Factor on each entity's bits: the weight of its tag, 1 without."""
    weights = {name: tag.weight for name, tag in config.infrastructure.items()}
    return entities["tag"].map(weights).astype(float).fillna(1.0)
