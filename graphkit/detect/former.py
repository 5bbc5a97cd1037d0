"""Clusters that have ended, and how one is known again: by its accounts, or by what it had to itself.

A cluster that comes back with other accounts is linked to what it was as two accounts are linked to each other: by a
match weight in bits over the entities that it had to itself then and a new cluster has to itself now. A thing that
strangers use as well, such as an exit of a VPN seller, counts for nothing here.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from graphkit.config import Config
from graphkit.detect.matching import HALF
from graphkit.detect.sharing import log2_choose
from graphkit.link.weights import link_threshold

_MILLIBITS = 1000


def own_entities(evidence: pa.Table, clusters: pd.Index[str]) -> pd.DataFrame:
    """The linking entities of which half the users or more are in one of the clusters.

    Parameters
    ----------
    evidence
        The table ``evidence``.
    clusters
        Ids of the clusters that are asked about.

    Returns
    -------
    A row is an entity of a cluster: cluster_id, kind, entity, n_accounts (all its users), tag.
    """
    asked = pc.is_in(evidence["cluster_id"], value_set=pa.array(clusters, pa.string()))
    kept = pc.and_(asked, pc.greater_equal(evidence["n_inside"], evidence["n_outside"]))
    frame: pd.DataFrame = evidence.filter(
        pc.and_(kept, pc.is_null(evidence["enrichment"], nan_is_null=True))
    ).to_pandas()
    frame["n_accounts"] = frame["n_inside"] + frame["n_outside"]
    return frame[["cluster_id", "kind", "entity", "n_accounts", "tag"]]


def select_texts(table: pa.Table, columns: list[str]) -> pa.Table:
    """Columns of texts, plain: dictionaries, as a fresh analysis has them, may repeat a text."""
    return table.select(columns).cast(pa.schema([(name, pa.string()) for name in columns]))


def link_by_entities(
    former: pd.DataFrame, present: pd.DataFrame, *, members: pd.DataFrame, links: pa.Table, config: Config, n: int
) -> pd.DataFrame:
    """Link new clusters to those that have ended by what both had to themselves.

    Parameters
    ----------
    former
        cluster_id, kind, entity, n_accounts: entities of clusters that have ended.
    present
        The same of new clusters, and ``tag``.
    members
        Accounts of the new clusters: account_id, cluster_id.
    links
        The table ``links``.
    n
        Accounts of the population.

    Returns
    -------
    A row is a pair of clusters whose match weight reaches the link threshold, where half the new one's accounts or
    more use one of the shared entities: before, after, worth (thousandths of a bit).
    """
    shared = former.merge(present, on=["kind", "entity"], suffixes=("_before", "_after"))
    shared = shared[shared["kind"].isin(list(config.kinds))]
    weights = _weigh(shared, former, present, config=config, n=n) if len(shared) else pd.DataFrame({"bits": []})
    weights = weights[weights["bits"] >= link_threshold(config, n)]
    if weights.empty:
        return pd.DataFrame({"before": [], "after": [], "worth": np.array([], dtype=np.int64)})
    shared = shared.merge(weights, on=["cluster_id_before", "cluster_id_after"])
    used = links.filter(pc.is_in(links["entity"], value_set=pa.array(shared["entity"].unique(), pa.string())))
    uses = select_texts(used, ["account_id", "kind", "entity"]).to_pandas().merge(members, on="account_id")
    reached = shared.merge(
        uses, left_on=["cluster_id_after", "kind", "entity"], right_on=["cluster_id", "kind", "entity"]
    )
    pair = ["cluster_id_before", "cluster_id_after"]
    n_reached = reached.groupby(pair)["account_id"].nunique().rename("n_reached").reset_index()
    weights = weights.merge(n_reached, on=pair)
    size = members.groupby("cluster_id").size()
    weights = weights[weights["n_reached"] >= HALF * weights["cluster_id_after"].map(size).astype(float)]
    worth = (weights["bits"] * _MILLIBITS).round().astype(np.int64)
    return pd.DataFrame({"before": weights["cluster_id_before"], "after": weights["cluster_id_after"], "worth": worth})


def _weigh(
    shared: pd.DataFrame, former: pd.DataFrame, present: pd.DataFrame, *, config: Config, n: int
) -> pd.DataFrame:
    """Match weight of each pair of clusters, by the formula for two accounts: cluster_id_before, _after, bits."""
    users = shared[["n_accounts_before", "n_accounts_after"]].max(axis=1)
    tags = {tag: settings.weight for tag, settings in config.infrastructure.items()}
    pair = ["cluster_id_before", "cluster_id_after", "kind"]
    shared = shared.assign(bits=np.log2(np.maximum(n / users, 1)) * shared["tag"].map(tags).fillna(1.0))
    kinds = shared.groupby(pair).agg(bits=("bits", "sum"), s=("entity", "size")).reset_index()
    k = [
        frame.groupby(["cluster_id", "kind"]).size().reindex(pd.MultiIndex.from_frame(kinds[[side, "kind"]])).to_numpy()
        for side, frame in (("cluster_id_before", former), ("cluster_id_after", present))
    ]
    price = log2_choose(np.maximum(*k), kinds["s"].to_numpy())
    prior = kinds["kind"].map({name: kind.prior for name, kind in config.kinds.items()})
    kinds["bits"] = np.maximum(kinds["bits"] + prior - price, 0)
    return kinds.groupby(pair[:2])["bits"].sum().reset_index()
