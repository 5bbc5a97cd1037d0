"""Explanations add up: bits by entity to the match weight, rows to what the two share."""

import pytest

import graphkit as gk
from tests.small import events_of

USES = {
    "anna": {"ip": "10.9.0.1 10.9.0.2 10.9.0.3", "payment_instrument": "c1", "user_agent": "rare"},
    "berta": {"ip": "10.9.0.1 10.9.0.2 10.9.0.4 10.9.0.5", "payment_instrument": "c1", "user_agent": "rare"},
    "carla": {"ip": "10.9.0.3 10.9.0.4 10.9.0.5", "payment_instrument": "c2", "user_agent": "rare"},
    "dora": {"ip": "10.9.0.9", "payment_instrument": "c2"},
}
EVENTS = events_of(USES, bystanders=1_000)


@pytest.fixture(scope="module")
def snapshot() -> gk.Snapshot:
    return gk.analyze(EVENTS, config=gk.Config(margin=-6))


def test_bits_add_up_to_the_match_weight_of_every_pair(snapshot):
    assert len(snapshot.pairs) >= 3
    for pair in snapshot.pairs.itertuples():
        for one, other in ((pair.account_a, pair.account_b), (pair.account_b, pair.account_a)):
            assert gk.explain_pair(snapshot, one, other)["bits"].sum() == pytest.approx(pair.match_weight)


def test_a_row_is_a_shared_entity(snapshot):
    rows = gk.explain_pair(snapshot, "anna", "berta")
    assert sorted(rows["kind"]) == ["ip", "ip", "payment_instrument", "user_agent"]
    assert rows["kind"][0] == "payment_instrument"
    card = rows.set_index("kind").loc["payment_instrument"]
    assert card["bits"] == pytest.approx(card["rarity_bits"] + 8)
    assert card["entity"] != "c1"


def test_an_account_without_links_is_named(snapshot):
    with pytest.raises(gk.UsageError, match="'nobody' is not linked"):
        gk.explain_pair(snapshot, "anna", "nobody")
    with pytest.raises(gk.UsageError, match="is one account"):
        gk.explain_pair(snapshot, "anna", "anna")


def test_common_entities_are_shown_and_weigh_nothing():
    crowd = {f"u{n:02}": {"ip": f"10.1.0.{n}", "user_agent": "common"} for n in range(200)}
    uses = {name: kinds | {"user_agent": "common"} for name, kinds in USES.items()} | crowd
    found = gk.analyze(events_of(uses, bystanders=1_000), config=gk.Config(margin=-6))
    agent = gk.explain_pair(found, "anna", "berta").set_index("kind").loc["user_agent"]
    assert (agent["weighs"], agent["bits"]) == (False, 0)


def test_what_everyone_shares_carries_the_prior():
    crowd = {f"u{n}": {"ip": "10.202.0.1 10.202.0.2"} for n in range(4)}
    kinds = {"ip": gk.Kind(prior=5)}
    found = gk.analyze(events_of(crowd), config=gk.Config(kinds=kinds, hub_bits=0, threshold_bits=0))
    rows = gk.explain_pair(found, "u0", "u1")
    assert rows[["rarity_bits", "bits"]].values.tolist() == [[0, 2.5], [0, 2.5]]
    assert found.pairs["match_weight"].tolist() == [5] * 6


def test_two_that_share_nothing_are_joined_by_the_strongest_path(snapshot):
    rows = gk.explain_pair(snapshot, "dora", "anna")
    weight = {frozenset(pair[:2]): pair[2] for pair in snapshot.pairs.itertuples(index=False)}
    steps = rows.groupby("step")
    assert list(zip(steps["account_a"].first(), steps["account_b"].first(), strict=True)) == [
        ("dora", "carla"),
        ("carla", "berta"),
        ("berta", "anna"),
    ]
    for _, step in steps:
        ends = frozenset(step[["account_a", "account_b"]].iloc[0])
        assert step["bits"].sum() == pytest.approx(weight[ends])
    assert gk.explain_path(snapshot, "dora", "anna").equals(rows)


def test_a_path_takes_a_step_more_only_where_it_pays():
    """Of a chain of three strong links and one of two weaker links the latter has the lower sum of 1 / bits."""
    weak = {"ip": "10.202.0.1 10.202.0.2"}
    uses = {
        "a": {"ip": "10.202.0.1 10.202.0.2", "payment_instrument": "c1", "user_agent": "one"},
        "b": {"payment_instrument": "c1 c2", "user_agent": "one two"},
        "c": {"payment_instrument": "c2 c3", "user_agent": "two three"},
        "d": {"ip": "10.202.0.3 10.202.0.4", "payment_instrument": "c3", "user_agent": "three"},
        "e": {"ip": f"{weak['ip']} 10.202.0.3 10.202.0.4"},
    }
    found = gk.analyze(events_of(uses, bystanders=1_000), config=gk.Config(margin=-2))
    rows = gk.explain_pair(found, "a", "d")
    assert rows["account_b"].unique().tolist() == ["e", "d"]
    assert gk.explain_path(found, "a", "c")["account_b"].unique().tolist() == ["b", "c"]


def test_two_of_unconnected_groups_get_no_rows():
    uses = {name: {"payment_instrument": name[0], "ip": "10.202.0.1"} for name in ("a1", "a2", "b1", "b2")}
    found = gk.analyze(events_of(uses, bystanders=40))
    assert len(gk.explain_path(found, "a1", "b1")) == 0
    rows = gk.explain_pair(found, "a1", "b1")
    assert rows[["kind", "weighs", "bits"]].values.tolist() == [["ip", False, 0]]


def test_an_unknown_account_gets_near_ids(snapshot):
    with pytest.raises(gk.UsageError, match="Near ids: 'anna'"):
        gk.explain_pair(snapshot, "Anna ", "berta")


def test_bipartite_graph_holds_links_both_ways(snapshot):
    graph = gk.bipartite_graph(snapshot)
    assert graph.is_bipartite()
    assert len(graph.es) == len(snapshot.links)
    assert set(graph.vs.attributes()) >= {"name", "kind", "type"}
    assert set(graph.es.attributes()) == {"n_events", "first_seen", "last_seen", "rarity"}
    anna = graph.vs.find(name="anna")
    assert sorted(vertex["kind"] for vertex in anna.neighbors()) == ["ip"] * 3 + ["payment_instrument", "user_agent"]


def test_bipartite_graph_of_a_cluster_and_of_accounts(snapshot):
    cluster_id = snapshot.clusters["cluster_id"][0]
    members = set(snapshot.accounts["account_id"][snapshot.accounts["cluster_id"] == cluster_id])
    graph = gk.bipartite_graph(snapshot, cluster_id)
    assert {vertex["name"] for vertex in graph.vs if not vertex["type"]} == members
    assert len(gk.bipartite_graph(snapshot, accounts=["anna"]).es) == 5
    with pytest.raises(gk.UsageError, match="no cluster 'C-NONE'"):
        gk.bipartite_graph(snapshot, "C-NONE")
    with pytest.raises(gk.UsageError, match="'nobody'"):
        gk.bipartite_graph(snapshot, accounts=["nobody", "anna"])


def test_networkx_gets_the_same_graph(snapshot):
    graph, converted = gk.bipartite_graph(snapshot), gk.to_networkx(snapshot)
    assert (len(converted), converted.number_of_edges()) == (len(graph.vs), len(graph.es))
    assert {name for name, side in converted.nodes(data="bipartite") if side == 0} == set(snapshot.links["account_id"])
    edge = graph.es[0]
    assert converted.edges[graph.vs[edge.source]["name"], graph.vs[edge.target]["name"]] == edge.attributes()


def test_an_account_cannot_pass_for_an_entity():
    uses = USES | {"user_agent:rare": USES["anna"]}
    snapshot = gk.analyze(events_of(uses, bystanders=1_000), config=gk.Config(margin=-6))
    graph = gk.to_networkx(snapshot)
    assert "user_agent:rare" in graph["user_agent::rare"]
    assert not any(graph.nodes[one]["bipartite"] == graph.nodes[other]["bipartite"] for one, other in graph.edges)
