"""Baselines, on links drawn by hand."""

import pytest

from graphkit.errors import UsageError
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
