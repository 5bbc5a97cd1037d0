"""What the footprint of an account shows, and where: what it uses around it, and around that who uses it too."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from graphkit.detect.holding import reaches, read_thresholds
from graphkit.detect.nearest import unknown_account
from graphkit.detect.sharing import Sharing, makes_pairs, read_entities, read_sharing, weigh_sharing
from graphkit.show.layouts import Points
from graphkit.show.theme import kind_styles
from graphkit.snapshot import Snapshot

MOST_ENTITIES, MOST_OTHERS = 12, 42
"""Entities and co-accounts that are drawn; of each kind at least one entity is."""

ENTITY_X, ENTITY_Y = 248.0, 132.0
"""Half-axes of the ellipse of entities, in pixels."""
OTHER_X, OTHER_Y = 446.0, 240.0
"""Half-axes of the ellipse of co-accounts."""
_TURN = 2 * np.pi


@dataclass(frozen=True)
class Footprint:
    """One account, arranged; positions are pixels from the middle of the drawing area."""

    account_id: str
    cluster_id: str | None
    entities: pd.DataFrame
    """A row per drawn entity: kind, entity, n_accounts, rarity_bits, bits, x, y."""
    others: pd.DataFrame
    """A row per drawn co-account, strongest first: account_id, inside (of the same cluster), n_shared (entities that
    weigh), bits (match weight), linked, entities (rows of ``entities`` that both use), x, y."""
    n_entities: dict[str, int]
    """Entities that weigh, by kind."""
    n_weightless: int
    """Entities that it uses and that do not weigh, being too common or listed."""
    n_others: int
    """Accounts that share with it an entity that weighs."""
    n_inside: int
    """Those of them in its cluster."""
    n_sharing_two: int
    """Those that share two entities or more."""


def arrange_footprint(snapshot: Snapshot, account_id: str) -> Footprint:
    """Arrange an account with the entities it uses and the accounts that share most with it.

    Raises
    ------
    UsageError
        If the account has no links in the snapshot.
    """
    table = snapshot.table("links", columns=["account_id", "kind", "entity"])
    own = table.filter(pc.field("account_id") == account_id)
    if not len(own):
        raise unknown_account(snapshot, account_id)
    near = table.filter(pc.field("entity").isin(own["entity"].unique()))
    weighing = read_entities(snapshot, own.to_pandas())
    weighing = weighing[makes_pairs(weighing, snapshot.weighing_config)]
    met = near.to_pandas().merge(weighing[["kind", "entity"]], on=["kind", "entity"])
    names = sorted(set(met["account_id"]) - {account_id})
    sharing = read_sharing(snapshot, [account_id] * len(names), names)
    clusters = _clusters_of(snapshot, [account_id, *names])
    cluster_id = clusters.get(account_id)
    inside = np.array([cluster_id is not None and clusters.get(name) == cluster_id for name in names], dtype=bool)
    entities = _choose_entities(sharing, weighing, inside)
    others, uses = _rank_others(snapshot, sharing, inside, names)
    drawn = _place_others(_keep_uses(others.head(MOST_OTHERS), uses, entities), entities)
    return Footprint(
        account_id,
        cluster_id,
        entities.drop(columns="place"),
        drawn,
        n_entities={str(kind): int(n) for kind, n in weighing["kind"].value_counts().items()},
        n_weightless=len(own) - len(weighing),
        n_others=len(others),
        n_inside=int(others["inside"].sum()),
        n_sharing_two=int((others["n_shared"] >= 2).sum()),
    )


def _clusters_of(snapshot: Snapshot, accounts: Sequence[str]) -> dict[str, str]:
    table = snapshot.table("accounts", columns=["account_id", "cluster_id"])
    rows = table.filter(pc.field("account_id").isin(pa.array(accounts, pa.string())))
    return dict(zip(rows["account_id"].to_pylist(), rows["cluster_id"].to_pylist(), strict=True))


def _choose_entities(sharing: Sharing, weighing: pd.DataFrame, inside: np.ndarray) -> pd.DataFrame:
    """The account's entities that tell most, each kind's best first among them, in their places.

    One tells the more, the more of the cluster's other accounts use it and the rarer it is.
    """
    keys = sharing.entities[["kind", "entity"]].assign(place=sharing.entities.index, bits=sharing.bits)
    rows = weighing[["kind", "entity", "n_accounts", "rarity_bits"]].merge(keys, on=["kind", "entity"], how="left")
    used = np.bincount(sharing.entity, weights=inside[sharing.pair], minlength=len(keys))
    place = rows["place"].fillna(-1).astype(np.int64)
    n_inside = np.append(used, 0.0)[place]
    rows = rows.assign(place=place, bits=rows["bits"].fillna(0.0), told=n_inside * rows["rarity_bits"])
    by = ["told", "rarity_bits", "kind", "entity"]
    rows = rows.sort_values(by, ascending=[False, False, True, True])
    first = rows.groupby("kind", sort=False).head(1)
    chosen = pd.concat([first, rows.drop(first.index).head(max(0, MOST_ENTITIES - len(first)))])
    order = {kind: i for i, kind in enumerate(kind_styles(chosen["kind"]))}
    sector = chosen["kind"].map(order)
    chosen = chosen.assign(sector=sector).sort_values(["sector", "told", "entity"], ascending=[True, False, True])
    # two stand left and right, so that lines to whoever uses both do not lie on each other
    xy = _on_ellipse(len(chosen), ENTITY_X, ENTITY_Y, start=0.0 if len(chosen) > 2 else 0.75 * _TURN)
    return chosen.drop(columns=["told", "sector"]).assign(x=xy[:, 0], y=xy[:, 1]).reset_index(drop=True)


def _rank_others(
    snapshot: Snapshot, sharing: Sharing, inside: np.ndarray, names: Sequence[str]
) -> tuple[pd.DataFrame, dict[str, list[int]]]:
    """Co-accounts by match weight, and the places of the entities that each shares."""
    weights = weigh_sharing(sharing)
    n_shared = np.bincount(sharing.pair, minlength=len(names))
    frame = pd.DataFrame(
        {
            "account_id": pd.Series(names, dtype=object),
            "inside": inside,
            "n_shared": n_shared,
            "bits": np.maximum(weights, 0).sum(axis=1),
            "linked": reaches(weights, read_thresholds(snapshot)[0]),
        }
    )
    frame = frame[frame["n_shared"] > 0]
    ranked = frame.sort_values(
        ["bits", "n_shared", "inside", "account_id"], ascending=[False, False, False, True], ignore_index=True
    )
    drawn = set(ranked["account_id"].head(MOST_OTHERS))
    uses: dict[str, list[int]] = {name: [] for name in drawn}
    for pair, entity in zip(sharing.pair.tolist(), sharing.entity.tolist(), strict=True):
        if names[pair] in drawn:
            uses[names[pair]].append(entity)
    return ranked, uses


def _keep_uses(others: pd.DataFrame, uses: dict[str, list[int]], entities: pd.DataFrame) -> pd.DataFrame:
    """Add to each co-account the rows of the drawn entities that it uses too."""
    row = {place: i for i, place in enumerate(entities["place"])}
    kept = [[row[place] for place in uses[name] if place in row] for name in others["account_id"]]
    return others.assign(entities=pd.Series(kept, index=others.index, dtype=object))


def _place_others(others: pd.DataFrame, entities: pd.DataFrame) -> pd.DataFrame:
    """Put co-accounts on the outer ellipse, in the direction of what they use as far as their number allows."""
    xy = entities[["x", "y"]].to_numpy() / [ENTITY_X, ENTITY_Y]
    bits = np.maximum(entities["bits"].to_numpy(), 0.25)
    pull = np.array([bits[used] @ xy[used] if used else np.zeros(2) for used in others["entities"]]).reshape(-1, 2)
    angle = np.arctan2(pull[:, 1], pull[:, 0])
    turned = (_TURN / 4 - angle).round(9) % _TURN
    order = np.lexsort((np.arange(len(others)), turned))
    middle = _mean_angle(turned[order] - np.arange(len(others)) * _TURN / max(len(others), 1))
    at = _on_ellipse(len(others), OTHER_X, OTHER_Y, start=middle)
    placed = np.empty_like(at)
    placed[order] = at
    return others.assign(x=placed[:, 0], y=placed[:, 1])


def _mean_angle(angles: np.ndarray) -> float:
    """Circular mean, which turns the ring as a whole nearest to where its accounts are pulled."""
    if not len(angles):
        return 0.0
    return float(np.arctan2(np.sin(angles).sum().round(9), np.cos(angles).sum().round(9)))


def _on_ellipse(n: int, radius_x: float, radius_y: float, *, start: float = 0.0) -> Points:
    """Points at even distances along an ellipse, clockwise from the angle ``start`` on, 0 = top."""
    fine = np.linspace(0, _TURN, 2049)
    path = np.column_stack([radius_x * np.sin(fine), radius_y * np.cos(fine)])
    way = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))])
    first = np.interp(start % _TURN, fine, way)
    stops = (first + np.arange(n) * way[-1] / max(n, 1)) % way[-1]
    return np.column_stack([np.interp(stops, way, path[:, axis]) for axis in (0, 1)])
