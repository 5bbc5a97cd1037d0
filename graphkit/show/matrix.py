"""What the evidence matrix of a cluster shows, and in which order: accounts down, entities across."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import pdist

from graphkit.show.ring import order_evidence
from graphkit.show.theme import kind_styles
from graphkit.snapshot import Snapshot

MOST_ACCOUNTS, MOST_ENTITIES = 120, 60
_ENTITIES_A_KIND = 2


@dataclass(frozen=True)
class Matrix:
    """One cluster's accounts and entities, in the order in which they are drawn."""

    cluster_id: str
    accounts: list[str]
    """Rows, from the top down: accounts that use much the same stand together."""
    entities: pd.DataFrame
    """Columns: kind, entity, n_inside, coverage, rarity (bits)."""
    n_events: npt.NDArray[np.int64]
    """Events of each account with each entity, -1 where it does not use it; what comes from the accounts file has 0."""
    n_accounts: int
    n_entities: dict[str, int]
    """Entities that accounts of the cluster share, by kind."""
    n_unconnected: int
    """Accounts that use none of the columns; they have no row."""


def arrange_matrices(snapshot: Snapshot, cluster_ids: Sequence[str]) -> dict[str, Matrix]:
    """Arrange clusters, reading the snapshot's links once for all of them.

    Of more accounts than fit, the rows are drawn evenly at random.
    """
    own = pc.field("cluster_id").isin(pa.array(cluster_ids, pa.string()))
    evidence = snapshot.table("evidence").filter(own).to_pandas()
    members = snapshot.table("accounts", columns=["account_id", "cluster_id"]).filter(own)
    population = int(snapshot.content["population"]["n_accounts"])
    columns = {
        cluster_id: choose_columns(evidence[evidence["cluster_id"] == cluster_id], population=population)
        for cluster_id in cluster_ids
    }
    names = pa.array(sorted({name for rows in columns.values() for name in rows["entity"]}), pa.string())
    links = snapshot.table("links", columns=["account_id", "kind", "entity", "n_events"])
    links = links.filter(pc.field("account_id").isin(members["account_id"].unique()) & pc.field("entity").isin(names))
    used = links.to_pandas().merge(members.to_pandas(), on="account_id")
    sizes = members.to_pandas()["cluster_id"].value_counts()
    totals = evidence.groupby(["cluster_id", "kind"]).size()
    return {
        cluster_id: _arrange(
            cluster_id,
            columns[cluster_id],
            used[used["cluster_id"] == cluster_id],
            n_accounts=int(sizes.get(cluster_id, 0)),
            n_entities={kind: int(n) for (owner, kind), n in totals.items() if owner == cluster_id},
            seed=snapshot.config.seed,
        )
        for cluster_id in cluster_ids
    }


def _arrange(
    cluster_id: str,
    columns: pd.DataFrame,
    links: pd.DataFrame,
    *,
    n_accounts: int,
    n_entities: dict[str, int],
    seed: int,
) -> Matrix:
    keys = columns[["kind", "entity"]].assign(column=np.arange(len(columns)))
    used = links.merge(keys, on=["kind", "entity"])
    names = sorted(used["account_id"].unique())
    chosen = _draw_rows(len(names), seed=seed)
    place = pd.Series(np.arange(len(chosen)), index=pd.Index([names[i] for i in chosen], dtype=object))
    used = used[used["account_id"].isin(place.index)]
    n_events = np.full((len(chosen), len(columns)), -1, dtype=np.int64)
    n_events[place[used["account_id"]], used["column"]] = used["n_events"]
    order = order_rows(n_events >= 0, columns["rarity"].to_numpy())
    return Matrix(
        cluster_id,
        [str(place.index[i]) for i in order],
        columns,
        n_events[order],
        n_accounts=n_accounts,
        n_entities=n_entities,
        n_unconnected=n_accounts - len(names),
    )


def choose_columns(evidence: pd.DataFrame, *, population: int) -> pd.DataFrame:
    """The entities of a cluster that tell most, 60 at most and two of each kind at least, by kind and coverage."""
    rows = order_evidence(evidence, population=population)
    first = rows.groupby("kind", sort=False).head(_ENTITIES_A_KIND)
    chosen = pd.concat([first, rows.drop(first.index).head(max(0, MOST_ENTITIES - len(first)))])
    order = {kind: i for i, kind in enumerate(kind_styles(chosen["kind"]))}
    by = ["sector", "n_inside", "told", "entity"]
    ordered = chosen.assign(sector=chosen["kind"].map(order)).sort_values(by, ascending=[True, False, False, True])
    return ordered[["kind", "entity", "n_inside", "coverage", "rarity"]].reset_index(drop=True)


def order_rows(uses: npt.NDArray[np.bool_], rarity: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Order rows so that alike ones are neighbors: average linkage of cosine distances, optimal leaf order.

    What is rare weighs more. Each row uses something. (Bar-Joseph et al. 2001.)
    """
    if len(uses) < 3:
        return np.arange(len(uses))
    weighed = uses * np.maximum(rarity, 0.25)
    distances = np.maximum(pdist(weighed, "cosine"), 0).round(9)  # rounded: equal on every machine
    leaves = leaves_list(linkage(distances, "average", optimal_ordering=True)).astype(np.int64)
    # the order may be read from either end: what most use comes first
    middle = (len(uses) - 1) / 2
    weight = (weighed.sum(axis=1)[leaves] * (np.arange(len(uses)) - middle)).sum()
    return leaves[::-1] if weight > 0 else leaves


def _draw_rows(n: int, *, seed: int) -> npt.NDArray[np.int64]:
    """Places of the accounts that get a row, in order."""
    if n <= MOST_ACCOUNTS:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, MOST_ACCOUNTS, replace=False))
