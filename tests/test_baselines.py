"""Baselines, on links drawn by hand."""

import numpy as np
import pytest

from graphkit.errors import BudgetError, UsageError
from graphkit.lab import baselines
from graphkit.lab.baselines import (
    address_louvain,
    bipartite_leiden,
    bipartite_louvain,
    connected_components,
    newman_louvain,
    run_baselines,
)
from graphkit.lab.evaluate import link_events
from graphkit.lab.fraudar import find_dense_blocks
from tests.small import events_of, links_of

# two groups of four, each behind two addresses; d of the first also uses one address of the second
TWO_GROUPS = {
    **{name: {"ip": "p q"} for name in "abc"},
    "d": {"ip": "p q r"},
    **{name: {"ip": "r s"} for name in "efgh"},
}
# the same, and one agent that all of them and six more send
WITH_HUB = {name: {**kinds, "user_agent": "hub"} for name, kinds in TWO_GROUPS.items()} | {
    name: {"user_agent": "hub"} for name in "stuvwx"
}


def groups(found):
    """Members of each group as a word, all groups in order."""
    return sorted("".join(sorted(members)) for members in found.groupby("cluster_id")["account_id"].agg("".join))


@pytest.mark.parametrize(
    ("most_accounts", "expected"),
    [(14, ["abcdefghstuvwx"]), (13, ["abcdefgh"]), (4, ["abcd", "efgh"]), (3, [])],
)
def test_components_leave_common_entities_out(most_accounts, expected):
    found = connected_components(links_of(WITH_HUB, n_population=20), most_accounts=most_accounts)
    assert groups(found) == expected


def test_the_larger_group_comes_first():
    found = connected_components(links_of({**TWO_GROUPS, "i": {"ip": "s"}}, n_population=20), most_accounts=4)
    assert found.groupby("score")["account_id"].agg("".join).to_dict() == {4.0: "abcd"}
    found = connected_components(links_of(WITH_HUB, n_population=20))
    assert found["score"].tolist() == [14.0] * 14


@pytest.mark.parametrize("method", [address_louvain, newman_louvain, bipartite_louvain, bipartite_leiden])
def test_communities_part_where_little_is_shared(method):
    links = links_of(TWO_GROUPS, n_population=20)
    assert groups(method(links)) == ["abcd", "efgh"]
    assert method(links, seed=3).equals(method(links, seed=3))


def test_addresses_alone_count_for_accounts_and_addresses():
    assert groups(address_louvain(links_of(WITH_HUB, n_population=20))) == ["abcd", "efgh"]
    with pytest.raises(UsageError, match="no kind 'ip'"):
        address_louvain(links_of({name: {"card": "k"} for name in "ab"}, n_population=20))


def test_newman_s_weights_and_budget():
    links = links_of(WITH_HUB, n_population=20)
    # p, q and s make 6 pairs each, r makes 10, the hub 91
    assert groups(newman_louvain(links, most_pairs=119)) == ["abcd", "efgh", "stuvwx"]
    assert groups(newman_louvain(links, most_pairs=118)) == ["abcd", "efgh"]
    assert groups(newman_louvain(links, most_pairs=27)) == ["abcd", "efgh"]
    assert groups(newman_louvain(links, most_pairs=17)) == []


def test_the_densest_block_comes_first():
    """Five accounts share three cards; two shared addresses and a hub hold less weight for each node."""
    uses = {**WITH_HUB, **{name: {"card": "k l m"} for name in "ijkno"}}
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
    links = links_of(TWO_GROUPS, n_population=20)
    with pytest.raises(BudgetError, match="17 links are more than 16"):
        find_dense_blocks(links, most_links=16)


def test_all_in_a_row_and_what_is_skipped(monkeypatch):
    monkeypatch.setattr(baselines, "_MOST_LINKS", 3)
    outcomes = {outcome.method: outcome for outcome in run_baselines(links_of(TWO_GROUPS, n_population=20))}
    assert len(outcomes) == 6
    assert {name for name, outcome in outcomes.items() if outcome.found is None} == {
        "bipartite Louvain",
        "bipartite Leiden",
    }
    assert outcomes["bipartite Leiden"].skipped == "17 links are more than 3"
    assert groups(outcomes["account-IP Louvain"].found) == ["abcd", "efgh"]


def test_nothing_is_shared():
    events = events_of({"anna": {"ip": "10.9.9.9"}}, bystanders=5)
    for outcome in run_baselines(link_events(events)):
        assert outcome.found is not None, f"{outcome.method}: {outcome.skipped}"
        assert outcome.found.empty
