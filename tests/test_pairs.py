"""Candidate pairs: exhaustive in small entities, a fair share in big ones, the same whatever the order."""

import numpy as np
import pytest

from graphkit.config import Config
from graphkit.link.pairs import sample_pairs
from tests.small import NO_CO_USES, links_of

KEY = b"a key for tests only"


def pairs_of(n_members: int, partners: int = 8, seed: int = 0) -> np.ndarray:
    links = links_of({f"a{n:04}": {"ip": "x"} for n in range(n_members)}, n_population=10**6)
    config = Config(kinds={"ip": {}}, partners=partners, seed=seed)
    return sample_pairs(links, co_uses=NO_CO_USES, config=config, key=KEY)


@pytest.mark.parametrize("n_members", [2, 3, 4, 16, 17])
def test_all_meet_up_to_seventeen(n_members):
    assert len(pairs_of(n_members)) == n_members * (n_members - 1) // 2


@pytest.mark.parametrize(("n_members", "partners"), [(18, 8), (100, 8), (100, 3), (7, 2)])
def test_each_meets_twice_the_partners_above(n_members, partners):
    met = np.bincount(np.concatenate(np.divmod(pairs_of(n_members, partners), n_members)))
    assert (met == 2 * partners).all()


def test_another_seed_or_key_meets_others():
    links = links_of({f"a{n:04}": {"ip": "x"} for n in range(100)}, n_population=10**6)
    config = Config(kinds={"ip": {}})
    one = sample_pairs(links, co_uses=NO_CO_USES, config=config, key=KEY)
    assert not np.array_equal(one, sample_pairs(links, co_uses=NO_CO_USES, config=config, key=KEY * 2))
    assert not np.array_equal(one, pairs_of(100, seed=1))
    assert np.array_equal(one, pairs_of(100))


def test_two_entities_with_the_same_members_order_them_differently():
    links = links_of({f"a{n:04}": {"ip": "x y"} for n in range(100)}, n_population=10**6)
    both = sample_pairs(links, co_uses=NO_CO_USES, config=Config(kinds={"ip": {}}), key=KEY)
    assert len(both) > 1.5 * len(pairs_of(100))


def test_common_entities_make_no_pairs():
    links = links_of({f"a{n:04}": {"ip": "x"} for n in range(10)}, n_population=159)
    config = Config(kinds={"ip": {}})
    assert len(sample_pairs(links, co_uses=NO_CO_USES, config=config, key=KEY)) == 0
    assert len(sample_pairs(links, co_uses=NO_CO_USES, config=Config(kinds={"ip": {}}, hub_bits=0), key=KEY)) == 45


@pytest.mark.parametrize(("prior", "n_pairs"), [(-7.0, 0), (-6.0, 45)])
def test_accounts_do_not_meet_where_less_than_half_of_the_bits_is_found(prior, n_pairs):
    links = links_of({f"a{n:04}": {"ip": "x"} for n in range(10)}, n_population=2**16)
    config = Config(kinds={"ip": {"prior": prior}}, reach=4)  # the address holds 12.7 bits, 12 count
    assert len(sample_pairs(links, co_uses=NO_CO_USES, config=config, key=KEY)) == n_pairs
