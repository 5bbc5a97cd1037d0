"""Stability: what hangs on one kind or one entity breaks without it, what is bound twice holds."""

import numpy as np
import pytest

import graphkit as gk
from graphkit.detect.members import Grouping
from graphkit.detect.stability import STRONGEST_ENTITY, _all_but_strongest, _bound, _compare
from graphkit.link.weights import Weighted
from tests.small import events_of, links_of

USES = (
    {f"twice{n}": {"ip": "198.51.100.1 198.51.100.2", "prompt_template": "t1 t2"} for n in range(8)}
    | {f"once{n}": {"ip": "198.51.100.8 198.51.100.9"} for n in range(8)}
    | {f"hub{n}": {"payment_instrument": "c", "user_agent": "rare"} for n in range(8)}
)
EVENTS = events_of(USES, bystanders=3_000)


@pytest.fixture(scope="module")
def snapshot() -> gk.Snapshot:
    return gk.analyze(EVENTS)


@pytest.fixture(scope="module")
def together(snapshot):
    """Values of ``together`` by perturbation, columns named by the groups."""
    first = snapshot.accounts.groupby("cluster_id")["account_id"].first().str.rstrip("0123456789")
    table = snapshot.stability
    return table.assign(group=table["cluster_id"].map(first)).pivot_table("together", "perturbation", "group")


def test_every_kind_and_the_strongest_entity_are_left_out_once(together):
    without = {f"without {kind}" for kind in ("ip", "payment_instrument", "prompt_template", "user_agent")}
    assert without | {STRONGEST_ENTITY} < set(together.index)


def test_seeds_resolutions_and_draws_leave_clear_clusters(snapshot):
    assert snapshot.clusters["stability"].min() > 0.9
    assert snapshot.accounts["stability"].min() > 0.8


def test_what_two_kinds_bind_holds_without_either(together):
    assert together.loc["without ip", "twice"] == 1
    assert together.loc["without prompt_template", "twice"] == 1


def test_what_one_kind_binds_breaks_without_it(together):
    assert together.loc["without ip", "once"] == 0
    assert together.loc["without prompt_template", "once"] == 1


def test_what_hangs_on_one_entity_breaks_without_it(together):
    assert together.loc[STRONGEST_ENTITY, "hub"] == 0
    assert together.loc[STRONGEST_ENTITY, "twice"] == 1


def test_what_is_too_common_to_link_is_not_the_strongest_entity():
    """All eight use one agent, which adds nothing; each two pay with a card."""
    links = links_of({f"a{n}": {"card": f"c{n // 2}", "agent": "common"} for n in range(8)}, n_population=100)
    kept = _all_but_strongest(
        Grouping(("C",), np.zeros(8, np.int64), np.empty(0, dtype=bool)),
        links,
        gk.Config(kinds={"card": {}, "agent": {}}),
    )
    left_out = links.take(~kept)
    assert links.entities["entity"].take(left_out.entity).to_pylist() == ["c0", "c0"]


def test_reasons_name_the_kind_that_a_member_needs(snapshot):
    reasons = snapshot.accounts.set_index("account_id")["reasons"].map(set)
    assert reasons["once0"] == {"one_kind", "breaks_without_ip"}
    assert reasons["twice0"] == {"two_kinds"}
    assert snapshot.accounts.set_index("account_id").loc["once0", "tier"] == "review"


def test_off_leaves_no_runs_and_no_values():
    found = gk.analyze(EVENTS, config=gk.Config(stability=False))
    assert len(found.stability) == 0
    assert found.clusters["stability"].isna().all()
    assert set(found.accounts["tier"]) == {"core", "review"}


def test_of_clusters_too_many_to_test_nothing_is_told(snapshot, monkeypatch):
    """Of three clusters of eight, 28 pairs each, two are tested."""
    monkeypatch.setattr("graphkit.detect.stability.MOST_PAIRS", 60)
    found = gk.analyze(EVENTS)
    clusters, accounts = (getattr(found, name).set_index("cluster_id") for name in ("clusters", "accounts"))
    (left,) = clusters.index[clusters["stability"].isna()]
    assert left not in set(found.stability["cluster_id"])
    assert accounts.loc[left, "stability"].isna().all()
    assert not any("strays" in reasons or "breaks" in " ".join(reasons) for reasons in accounts.loc[left, "reasons"])
    assert "Stability was not tested" in " ".join(gk.explain_cluster(found, left).unknown)
    tested = snapshot.stability[snapshot.stability["cluster_id"] != left]
    assert found.stability.to_dict("records") == tested.to_dict("records")


def test_pairs_of_the_largest_clusters_stay_in_order(monkeypatch):
    """What hangs on their order: pairs between clusters would hide the strongest pairs inside."""
    monkeypatch.setattr("graphkit.detect.stability.MOST_PAIRS", 4)
    a, b, n = np.array([0, 0, 1, 2, 3]), np.array([1, 3, 2, 4, 4]), 5
    ones = np.ones(n)
    pairs = Weighted(a, b, ones, ones, np.ones((n, 1), np.float32))
    kept, tested = _bound(pairs, Grouping(("C", "D"), np.array([0, 0, 0, 1, 1]), np.empty(0, dtype=bool)))
    assert list(zip(kept.a, kept.b, strict=True)) == [(0, 1), (0, 3), (1, 2), (3, 4)]
    assert tested.all()


@pytest.mark.parametrize(
    ("after", "together", "n_parts", "largest", "stays"),
    [
        ([0, 0, 0, 0, 1, 1], 1, 1, 1, 4),
        ([0, 0, 1, 1, 2, 2], 2 / 6, 2, 0.5, 0),
        ([0, 0, 0, -1, 1, 1], 3 / 6, 1, 0.75, 3),
        ([-1, -1, -1, -1, 0, 0], 0, 0, 0.25, 0),
        ([0, 0, 0, 0, 0, 0], 6 / 10, 1, 1, 4),
    ],
)
def test_comparison_by_hand(after, together, n_parts, largest, stays):
    before = Grouping(("C",), np.array([0, 0, 0, 0, -1, -1]), np.empty(0, dtype=bool))
    stay, kept, parts, share = _compare(before, np.array(after))
    assert (kept[0], parts[0], share[0], stay.sum()) == pytest.approx((together, n_parts, largest, stays))
