"""FRAUDAR's blocks, on links drawn by hand and against a plain rendering of the algorithm."""

import numpy as np
import pytest

from graphkit.errors import BudgetError
from graphkit.lab.fraudar import find_dense_blocks
from tests.small import links_of

# two groups of four behind two addresses each, and an agent that they and six more send
CROWD = {
    **{name: {"ip": "p q", "user_agent": "hub"} for name in "abcd"},
    **{name: {"ip": "r s", "user_agent": "hub"} for name in "efgh"},
    **{name: {"user_agent": "hub"} for name in "stuvwx"},
}


def groups(found):
    """Members of each block as a word, in the order of the blocks."""
    return ["".join(sorted(members)) for members in found.groupby("cluster_id")["account_id"].agg("".join)]


def test_the_densest_block_comes_first():
    """Five accounts share three cards; two shared addresses and a hub hold less weight for each node."""
    uses = {**CROWD, **{name: {"card": "k l m"} for name in "ijkno"}}
    found = find_dense_blocks(links_of(uses, n_population=30), n_blocks=1)
    assert groups(found) == ["ijkno"]
    assert found["score"].tolist() == pytest.approx([15 / np.log(5 + 5) / 8] * 5)
    more = find_dense_blocks(links_of(uses, n_population=30), n_blocks=3)
    assert "ijkno" in groups(more)
    assert more.groupby("cluster_id")["score"].first().is_monotonic_decreasing
    assert set("abcdefgh") <= set(more["account_id"])


def peel_plainly(links):
    """The densest set of nodes on the way of always removing the one of least weight, step by step."""
    edges = list(zip(links.account.tolist(), (-1 - links.entity).tolist(), strict=True))
    weights = [1 / np.log(sum(entity == e for _, e in edges) + 5) for _, entity in edges]
    nodes, best = {node for edge in edges for node in edge}, (0.0, set())
    while nodes:
        kept = [(a, e, w) for (a, e), w in zip(edges, weights, strict=True) if a in nodes and e in nodes]
        best = max(best, (sum(w for _, _, w in kept) / len(nodes), nodes), key=lambda pair: pair[0])
        held = {node: sum(w for a, e, w in kept if node in {a, e}) for node in nodes}
        nodes = nodes - {min(held, key=held.get)}
    return best[0], {node for node in best[1] if node >= 0}


@pytest.mark.parametrize("seed", range(5))
def test_peeling_is_greedy(seed):
    """The heap gives what plain removal gives."""
    random = np.random.default_rng(seed)
    uses = {f"a{n:02}": {"ip": " ".join({f"e{min(e, 9)}" for e in random.geometric(0.2, 4)})} for n in range(20)}
    links = links_of(uses, n_population=30)
    density, accounts = peel_plainly(links)
    found = find_dense_blocks(links, n_blocks=1)
    assert found["score"].iloc[0] == pytest.approx(density)
    assert set(found["account_id"]) == {f"a{n:02}" for n in accounts}


def test_limits():
    links = links_of(CROWD, n_population=20)
    with pytest.raises(BudgetError, match="30 links are more than 29"):
        find_dense_blocks(links, most_links=29)
