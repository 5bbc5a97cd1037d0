"""Baselines: what one would use instead of graphkit, on the same links.

Each takes links and gives a frame whose row is an account in a group of two or more: account_id, cluster_id, and
the group's score. A partition says nothing of which group to look at first; the larger is taken to come first, so the
score is the number of its accounts. Each has a limit that bounds memory and time, above which it raises a BudgetError
or, where that is the custom, leaves the most common entities out.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import igraph
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from graphkit.errors import BudgetError, GraphkitError, UsageError
from graphkit.lab.fraudar import find_dense_blocks
from graphkit.link.links import Integers, Links, Numbers

_MOST_LINKS = 20_000_000
_MOST_PAIRS = 5_000_000


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a baseline found."""

    method: str
    found: pd.DataFrame | None
    """A row is an account in a group: account_id, cluster_id, score (the group's); None if it was skipped."""
    seconds: float
    """From links to groups."""
    skipped: str = ""
    """Why it was skipped, if it was."""


def run_baselines(links: Links, *, seed: int = 0) -> list[Outcome]:
    """Run every baseline on the links, one after the other."""
    methods: dict[str, Callable[[Links], pd.DataFrame]] = {
        "connected components": connected_components,
        "account-IP Louvain": partial(address_louvain, seed=seed),
        "bipartite Louvain": partial(bipartite_louvain, seed=seed),
        "bipartite Leiden": partial(bipartite_leiden, seed=seed),
        "Newman Louvain": partial(newman_louvain, seed=seed),
        "FRAUDAR": find_dense_blocks,
    }
    outcomes = []
    for name, method in methods.items():
        start = time.perf_counter()
        try:
            found, skipped = method(links), ""
        except GraphkitError as error:
            found, skipped = None, str(error)
        outcomes.append(Outcome(name, found, time.perf_counter() - start, skipped))
    return outcomes


def connected_components(links: Links, *, most_accounts: int = 50) -> pd.DataFrame:
    """Join all accounts that share an entity of at most ``most_accounts`` accounts."""
    n_accounts, n_entities = len(links.accounts), len(links.entities)
    kept = (_degree(links) <= most_accounts)[links.entity]
    shape = (n_accounts + n_entities,) * 2
    graph = sparse.coo_array((np.ones(kept.sum()), (links.account[kept], n_accounts + links.entity[kept])), shape=shape)
    _, component = sparse.csgraph.connected_components(graph, directed=False)
    return _group(component[:n_accounts].astype(np.int64), links)


def address_louvain(links: Links, *, seed: int = 0, most_pairs: int = _MOST_PAIRS) -> pd.DataFrame:
    """Louvain on accounts joined by the number of addresses they share.

    This is EvilCohort's recipe (Stringhini, Mourlanne, Jacob, Egele, Kruegel and Vigna, USENIX Security 2015). The
    most common addresses are left out until at most ``most_pairs`` pairs remain.
    """
    if "ip" not in links.kinds:
        raise UsageError("there is no kind 'ip'")
    addresses = links.entity_kind() == links.kinds.index("ip")
    return _louvain_on_pairs(links, np.where(addresses, 1.0, 0.0), seed=seed, most_pairs=most_pairs)


def newman_louvain(links: Links, *, seed: int = 0, most_pairs: int = _MOST_PAIRS) -> pd.DataFrame:
    """Louvain on accounts joined by all they share, an entity of d accounts counting 1 / (d - 1) (Newman 2001).

    The most common entities are left out until at most ``most_pairs`` pairs remain.
    """
    return _louvain_on_pairs(links, 1 / np.maximum(_degree(links) - 1, 1), seed=seed, most_pairs=most_pairs)


def bipartite_louvain(links: Links, *, seed: int = 0) -> pd.DataFrame:
    """Louvain (modularity) on the graph of accounts and entities (Blondel and others 2008)."""
    return _group(_louvain(_bipartite(links), seed=seed)[: len(links.accounts)], links)


def bipartite_leiden(links: Links, *, seed: int = 0) -> pd.DataFrame:
    """Leiden (modularity) on the graph of accounts and entities, until it is stable (Traag and others 2019)."""
    graph = _bipartite(links)
    _seed_igraph(seed)
    partition = graph.community_leiden(objective_function="modularity", n_iterations=-1)
    _unseed_igraph()
    return _group(np.asarray(partition.membership, dtype=np.int64)[: len(links.accounts)], links)


def _louvain_on_pairs(links: Links, weight: Numbers, *, seed: int, most_pairs: int) -> pd.DataFrame:
    """Louvain on the projection to accounts: a pair weighs the sum over what it shares."""
    chosen = _fit_budget(_degree(links), weight > 0, most_pairs=most_pairs)[links.entity]
    account, entity = links.account[chosen], links.entity[chosen]
    shape = (len(links.accounts), len(links.entities))
    uses = sparse.csr_array((np.sqrt(weight)[entity], (account, entity)), shape=shape)
    pairs = sparse.triu(uses @ uses.T, k=1).tocoo()
    graph = igraph.Graph(n=shape[0], edges=np.column_stack([pairs.row, pairs.col]))
    return _group(_louvain(graph, seed=seed, weights=pairs.data), links)


def _fit_budget(degree: Integers, wanted: npt.NDArray[np.bool_], *, most_pairs: int) -> npt.NDArray[np.bool_]:
    """Of the wanted entities, those up to the number of accounts at which they together make ``most_pairs`` pairs."""
    n_pairs = np.bincount(degree[wanted], weights=(degree * (degree - 1) / 2)[wanted], minlength=1)
    fits = np.flatnonzero(np.cumsum(n_pairs) <= most_pairs)
    kept: npt.NDArray[np.bool_] = wanted & (degree <= fits[-1])
    return kept


def _bipartite(links: Links) -> igraph.Graph:
    if len(links.account) > _MOST_LINKS:
        raise BudgetError(f"{len(links.account):,} links are more than {_MOST_LINKS:,}")
    n_accounts = len(links.accounts)
    edges = np.column_stack([links.account, n_accounts + links.entity])
    return igraph.Graph(n=n_accounts + len(links.entities), edges=edges)


def _louvain(graph: igraph.Graph, *, seed: int, weights: Numbers | None = None) -> Integers:
    _seed_igraph(seed)
    membership = graph.community_multilevel(weights=weights).membership
    _unseed_igraph()
    return np.asarray(membership, dtype=np.int64)


def _degree(links: Links) -> Integers:
    return np.asarray(links.entities["n_accounts"].to_numpy(), dtype=np.int64)


def _seed_igraph(seed: int) -> None:
    igraph.set_random_number_generator(random.Random(seed))  # noqa: S311  # not for secrets


def _unseed_igraph() -> None:
    igraph.set_random_number_generator(random)


def _group(membership: Integers, links: Links) -> pd.DataFrame:
    """Rows of accounts in groups of two or more."""
    size = np.bincount(membership, minlength=1)[membership]
    names = links.accounts["account_id"].to_pandas()
    chosen = np.flatnonzero(size > 1)
    return pd.DataFrame(
        {"account_id": names.iloc[chosen].array, "cluster_id": membership[chosen], "score": size[chosen].astype(float)}
    )
