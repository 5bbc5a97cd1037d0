from collections import Counter

import numpy as np
import pytest

from graphkit.config import Config
from graphkit.errors import UsageError
from graphkit.lab.backdrop import Backdrop, deal_links
from graphkit.lab.planting import FarmGrade, draw_distinct, plant_farms
from tests.small import NO_CO_USES, links_of

CONFIG = Config(kinds={"ip": {}, "card": {}, "post": {"within": "60s"}})


@pytest.fixture(scope="module")
def backdrop():
    """Five accounts; e and f are linked to nobody."""
    uses = {"a": {"ip": "x y", "card": "c"}, "b": {"ip": "x y", "card": "c"}, "d": {"ip": "x", "post": "p"}}
    uses |= {"e": {"ip": "z", "post": "p"}, "f": {"ip": "z"}}
    links = links_of(uses, n_population=1000)
    return Backdrop(links, NO_CO_USES, np.array([False, False, False, True, True]), exact=True)


def plant(backdrop, *grades, seed=0):
    return plant_farms(backdrop, grades, config=CONFIG, seed=[seed])


def used(planted, kind):
    """For each planted account the names of the planted entities of a kind that it uses."""
    links = planted.links
    names, kinds = (links.entities[name].to_numpy() for name in ("entity", "kind"))
    chosen = (planted.farm[links.account] >= 0) & (kinds[links.entity] == kind)
    return [
        {names[e] for e in links.entity[chosen & (links.account == place)] if names[e].startswith("planted")}
        for place in np.flatnonzero(planted.farm >= 0)
    ]


@pytest.mark.parametrize(("each", "users", "n_entities"), [(1, 4, 10), (2, 10, 8), (4, 40, 4), (3, 40, 3), (2, 25, 4)])
def test_entities_dealt_evenly_have_as_many_accounts_each(backdrop, each, users, n_entities):
    sets = used(plant(backdrop, FarmGrade(("ip",), 40, each, users, evenly=True)), "ip")
    assert {len(names) for names in sets} == {each}
    sizes = Counter(name for names in sets for name in names)
    assert len(sizes) == n_entities
    assert set(sizes.values()) == {40 * each // n_entities}


@pytest.mark.parametrize(("each", "users", "n_entities"), [(1, 4, 10), (2, 10, 8), (4, 40, 4), (3, 40, 3), (2, 25, 3)])
def test_entities_drawn_have_so_many_accounts_on_average(backdrop, each, users, n_entities):
    sets = used(plant(backdrop, FarmGrade(("ip",), 40, each, users)), "ip")
    assert {len(names) for names in sets} <= {each, each - 1}, "what one account alone uses is no link"
    assert np.mean([len(names) for names in sets]) > each - 0.2
    assert len(set.union(*sets)) <= n_entities


def test_what_one_account_alone_uses_is_no_link(backdrop):
    assert used(plant(backdrop, FarmGrade(("ip",), 9, 2, 1, evenly=True)), "ip") == [set()] * 9


def test_mixtures_share_each_kind_on_its_own(backdrop):
    planted = plant(backdrop, FarmGrade(("ip", "card"), 40, 1, 10))
    ips, cards = ([min(names) for names in used(planted, kind) if names] for kind in ("ip", "card"))
    assert len(set(ips)) == len(set(cards)) == 4
    assert len(set(zip(ips, cards, strict=True))) > 4


@pytest.mark.parametrize("evenly", [True, False])
def test_entities_an_account_may_be_an_average(backdrop, evenly):
    sizes = [len(names) for names in used(plant(backdrop, FarmGrade(("ip",), 400, 1.5, 40, evenly=evenly)), "ip")]
    assert set(sizes) == {1, 2}
    assert np.mean(sizes) == pytest.approx(1.5, abs=0.1)


def test_other_links_are_those_of_accounts_that_are_linked_to_nobody(backdrop):
    planted = plant(backdrop, FarmGrade(("card",), 50, 1, 50))
    links = planted.links
    names = links.entities["entity"].to_pylist()
    others = {names[e] for e in links.entity[planted.farm[links.account] == 0]} - set(used(planted, "card")[0])
    assert others == {"z", "p"}


def test_counts_hold_together(backdrop):
    planted = plant(backdrop, FarmGrade(("ip",), 12, 2, 4), FarmGrade(("card",), 20, 1, 4))
    links = planted.links
    counted = np.bincount(links.entity, minlength=len(links.entities))
    assert np.array_equal(np.maximum(counted, 1), links.entities["n_accounts"].to_numpy())
    assert links.n_population == 1032
    assert np.bincount(planted.farm + 1).tolist() == [5, 12, 20]
    key = links.account * len(links.entities) + links.entity
    assert (np.diff(key) > 0).all()


def test_who_shares_a_timed_entity_uses_it_together(backdrop):
    planted = plant(backdrop, FarmGrade(("post",), 6, 1, 6))
    n = len(planted.links.accounts)
    assert [divmod(pair, n) for pair in planted.co_uses.pair.tolist()] == [
        (a, b) for a in range(5, 11) for b in range(a + 1, 11)
    ]
    assert not plant(backdrop, FarmGrade(("ip",), 6, 1, 6)).co_uses.pair.size
    assert not plant(backdrop, FarmGrade(("post",), 90, 1, 90)).co_uses.pair.size, "too common to link"


def test_a_seed_is_a_planting(backdrop):
    grade = FarmGrade(("ip",), 40, 2, 10)
    one, same, other = (plant(backdrop, grade, seed=seed).links for seed in (1, 1, 2))
    assert one.entities.equals(same.entities)
    assert np.array_equal(one.entity, same.entity)
    assert not np.array_equal(one.entity, other.entity)


@pytest.mark.parametrize("n_choices", [3, 12, 13, 1000])
def test_draws_differ_in_each_row(n_choices):
    drawn = draw_distinct(np.random.default_rng(0), (500, 3), n_choices=n_choices)
    assert drawn.shape == (500, 3)
    assert all(len(set(row)) == 3 for row in drawn.tolist())
    assert np.bincount(drawn.ravel(), minlength=n_choices).max() < 3 * 1500 / n_choices + 12


def test_dealt_links_differ():
    account, entity = deal_links(np.random.default_rng(0), np.array([3, 0, 5]), n_accounts=50)
    assert len(set(zip(account.tolist(), entity.tolist(), strict=True))) == len(account)
    assert np.bincount(entity, minlength=3).tolist()[1] == 0
    assert deal_links(np.random.default_rng(0), np.array([3]), n_accounts=0)[0].size == 0


@pytest.mark.parametrize("grade", [((), 9, 1, 3), (("ip",), 9, 0, 3), (("ip",), 9, 1, 10), (("ip",), 9, 1, 0.5)])
def test_what_cannot_be_is_refused(grade):
    with pytest.raises(UsageError, match="cannot be"):
        FarmGrade(*grade)
