"""The bipartite graph of accounts and entities, for igraph and networkx."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import igraph
import pandas as pd
import pyarrow.compute as pc

from graphkit.errors import UsageError
from graphkit.snapshot import Snapshot

if TYPE_CHECKING:
    import networkx as nx


def bipartite_graph(
    snapshot: Snapshot, cluster_id: str | None = None, accounts: Iterable[str] | None = None
) -> igraph.Graph:
    """Build the graph that links accounts to the entities they share.

    Parameters
    ----------
    cluster_id
        Only the accounts of this cluster.
    accounts
        Only these accounts; together with ``cluster_id``, those of them in the cluster.

    Returns
    -------
    An undirected graph. Vertices: ``name`` (an account id, or ``kind:entity``, with more colons where an
    account is named like an entity), ``kind`` ("account", or the kind of link), ``entity`` (the entity
    alone; None for accounts), ``type`` (False for accounts, True for entities, as igraph's bipartite
    functions want it), ``cluster_id`` (None for entities and for accounts in no cluster). Edges: ``n_events``,
    ``first_seen`` and ``last_seen`` (UTC datetimes), ``rarity`` (bits).

    Raises
    ------
    UsageError
        If there is no such cluster, or an account has no links in the snapshot.
    """
    links = snapshot.table("links")
    wanted = _wanted_accounts(snapshot, cluster_id, accounts)
    if wanted is not None:
        links = links.filter(pc.field("account_id").isin(sorted(wanted)))
    frame: pd.DataFrame = links.to_pandas().merge(
        snapshot.entities[["kind", "entity", "rarity_bits"]], on=["kind", "entity"]
    )
    if accounts is not None and (unknown := sorted((wanted or set()) - set(frame["account_id"]))):
        raise UsageError(f"no links in snapshot {snapshot.id} for account {unknown[0]!r} ({len(unknown)} such)")
    account_names, account = _number(frame["account_id"])
    entities, entity = _number(frame["kind"] + "\0" + frame["entity"])
    kinds, names = ([text.split("\0", 1)[part] for text in entities] for part in (0, 1))
    clusters = dict(
        zip(*(snapshot.table("accounts")[name].to_pylist() for name in ("account_id", "cluster_id")), strict=True)
    )
    graph = igraph.Graph(n=len(account_names) + len(entities))
    graph.add_edges(list(zip(account, entity + len(account_names), strict=True)))
    graph.vs["name"] = account_names + _name_entities(kinds, names, taken=set(account_names))
    graph.vs["kind"] = ["account"] * len(account_names) + kinds
    graph.vs["entity"] = [None] * len(account_names) + names
    graph.vs["type"] = [False] * len(account_names) + [True] * len(entities)
    graph.vs["cluster_id"] = [clusters.get(name) for name in account_names] + [None] * len(entities)
    graph.es["n_events"] = frame["n_events"].tolist()
    graph.es["first_seen"] = list(frame["first_seen"].dt.to_pydatetime())
    graph.es["last_seen"] = list(frame["last_seen"].dt.to_pydatetime())
    graph.es["rarity"] = frame["rarity_bits"].tolist()
    return graph


def to_networkx(snapshot: Snapshot, cluster_id: str | None = None, accounts: Iterable[str] | None = None) -> nx.Graph:
    """Build the same graph as ``bipartite_graph`` for networkx.

    Nodes are named as there; networkx's bipartite functions find the sides in ``bipartite`` (0 for
    accounts, 1 for entities).
    """
    import networkx as nx

    graph = bipartite_graph(snapshot, cluster_id, accounts)
    converted = nx.Graph()
    converted.add_nodes_from(
        (vertex["name"], {"bipartite": int(vertex["type"]), **{k: vertex[k] for k in ("kind", "entity", "cluster_id")}})
        for vertex in graph.vs
    )
    names = graph.vs["name"]
    converted.add_edges_from((names[edge.source], names[edge.target], edge.attributes()) for edge in graph.es)
    return converted


def _wanted_accounts(snapshot: Snapshot, cluster_id: str | None, accounts: Iterable[str] | None) -> set[str] | None:
    wanted = None if accounts is None else set(accounts)
    if cluster_id is None:
        return wanted
    snapshot.require_cluster(cluster_id)
    members = snapshot.table("accounts", columns=["account_id", "cluster_id"])
    inside = set(members.filter(pc.field("cluster_id") == cluster_id)["account_id"].to_pylist())
    return inside if wanted is None else inside & wanted


def _name_entities(kinds: list[str], names: list[str], *, taken: set[str]) -> list[str]:
    """A name for each entity that no account has: an account cannot pass for one."""
    between = ":"
    while not taken.isdisjoint(found := [f"{kind}{between}{name}" for kind, name in zip(kinds, names, strict=True)]):
        between += ":"
    return found


def _number(texts: pd.Series[str]) -> tuple[list[str], pd.Series[int]]:
    """Distinct texts in order, and the place of each text among them."""
    codes, names = pd.factorize(texts, sort=True)
    return list(names), pd.Series(codes)
