"""Peers: what somebody would write with pandas and a graph library, from the files to the groups.

Run by ``scale.py``; by hand: python benchmarks/scaling/peers.py METHOD EVENTS
"""

import sys
from pathlib import Path

import igraph
import networkx as nx
import pandas as pd
from floor import KINDS


def read_links(events: Path) -> pd.DataFrame:
    """Distinct links of accounts: account_id and entity, the kind before it."""
    columns = ["account_id", *KINDS]
    rows = pd.concat(pd.read_parquet(path, columns=columns).drop_duplicates() for path in sorted(events.glob("*")))
    links = [rows[["account_id", kind]].dropna().drop_duplicates().set_axis(["account_id", "entity"], axis=1)
             for kind in KINDS]  # fmt: skip
    named = [of_kind.assign(entity=f"{kind}:" + of_kind["entity"]) for kind, of_kind in zip(KINDS, links, strict=True)]
    return pd.concat(named, ignore_index=True)


def join_with_networkx(links: pd.DataFrame) -> list[int]:
    """Connected components; how many accounts each holds."""
    graph = nx.from_pandas_edgelist(links, "account_id", "entity")
    accounts = set(links["account_id"])
    return [len(accounts & found) for found in nx.connected_components(graph)]


def louvain_with_networkx(links: pd.DataFrame) -> list[int]:
    """Louvain on the bipartite graph."""
    graph = nx.from_pandas_edgelist(links, "account_id", "entity")
    accounts = set(links["account_id"])
    return [len(accounts & found) for found in nx.community.louvain_communities(graph, seed=0)]


def louvain_with_igraph(links: pd.DataFrame) -> list[int]:
    """Louvain on the bipartite graph."""
    account, accounts = pd.factorize(links["account_id"])
    entity, entities = pd.factorize(links["entity"])
    graph = igraph.Graph(n=len(accounts) + len(entities), edges=list(zip(account, entity + len(accounts), strict=True)))
    membership = pd.Series(graph.community_multilevel().membership[: len(accounts)])
    return membership.value_counts().to_list()


METHODS = {
    "components-networkx": join_with_networkx,
    "louvain-networkx": louvain_with_networkx,
    "louvain-igraph": louvain_with_igraph,
}


def main(method: str, events: Path) -> None:
    """Print how many groups of two accounts or more there are, and how large the largest is."""
    sizes = [size for size in METHODS[method](read_links(events)) if size > 1]
    print(f"{len(sizes):,} groups, the largest of {max(sizes, default=0):,} accounts")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
