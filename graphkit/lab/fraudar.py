"""FRAUDAR: the blocks of accounts and entities that are densest after common entities are discounted.

Hooi, Song, Beutel, Shah, Shin and Faloutsos, "FRAUDAR: Bounding graph fraud in the face of camouflage", KDD 2016.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush

import numpy as np
import pandas as pd
from scipy import sparse

from graphkit.errors import BudgetError
from graphkit.link.links import Integers, Links

_DISCOUNT = 5.0
"""The paper's constant: a link to an entity of d accounts weighs 1 / log(d + 5)."""


def find_dense_blocks(links: Links, *, n_blocks: int = 20, most_links: int = 1_500_000) -> pd.DataFrame:
    """Peel off the densest block, drop its links, and again, ``n_blocks`` times.

    Returns
    -------
    A row is an account in a block: account_id, cluster_id (0 for the first block), score (the block's density: the
    weight of its links over its number of accounts and entities). An account in several blocks counts for the first.

    Raises
    ------
    BudgetError
        If there are more than ``most_links`` links.
    """
    if len(links.account) > most_links:
        raise BudgetError(f"{len(links.account):,} links are more than {most_links:,}")
    n_accounts = len(links.accounts)
    block, density = np.full(n_accounts, -1), np.zeros(n_blocks)
    account, entity = links.account, links.entity
    for number in range(n_blocks):
        if not len(account):
            break
        inside, density[number] = _peel(account, n_accounts + entity, n_accounts + len(links.entities))
        block[inside[:n_accounts] & (block < 0)] = number
        left = ~(inside[account] & inside[n_accounts + entity])
        account, entity = account[left], entity[left]
    found = np.flatnonzero(block >= 0)
    names = links.accounts["account_id"].take(found).to_pandas()
    return pd.DataFrame({"account_id": names, "cluster_id": block[found], "score": density[block[found]]})


def _peel(account: Integers, entity: Integers, n_nodes: int) -> tuple[np.ndarray, float]:
    """Remove the node of least weight again and again; the nodes that stood when density was greatest, and it."""
    weight = 1 / np.log(np.bincount(entity, minlength=n_nodes)[entity] + _DISCOUNT)
    shape = (n_nodes, n_nodes)
    one_way = sparse.csr_array((weight, (account, entity)), shape=shape)
    graph = sparse.csr_array(one_way + one_way.T)
    starts, neighbors, weights = graph.indptr.tolist(), graph.indices.tolist(), graph.data.tolist()
    held = np.asarray(graph.sum(axis=1), dtype=float).ravel().tolist()
    heap = [(share, node) for node, share in enumerate(held) if share > 0]
    n_left, total = len(heap), float(weight.sum())
    heapify(heap)
    best, best_left, order = total / n_left, n_left, []
    gone = [share == 0 for share in held]
    while n_left > 1:
        share, node = heappop(heap)
        if gone[node] or share != held[node]:
            continue
        gone[node] = True
        order.append(node)
        for place in range(starts[node], starts[node + 1]):
            other = neighbors[place]
            if not gone[other]:
                held[other] -= weights[place]
                heappush(heap, (held[other], other))
        n_left -= 1
        total -= share
        if total / n_left > best:
            best, best_left = total / n_left, n_left
    inside = np.asarray(graph.sum(axis=1)).ravel() > 0
    inside[order[: int(inside.sum()) - best_left]] = False
    return inside, best
