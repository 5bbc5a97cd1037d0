"""What members use: each entity of each cluster once, with its users inside and the links that say so."""

import numpy as np
import pytest

from graphkit.detect.evidence import say_what_binds
from graphkit.detect.members import Grouping
from graphkit.detect.uses import list_uses
from tests.small import links_of

# anna, ben and fred are one cluster, cleo and dora another, eve is in none
LINKS = links_of(
    {
        "anna": {"ip": "i1 i2", "payment": "p"},
        "ben": {"ip": "i1"},
        "cleo": {"ip": "i2", "payment": "p"},
        "dora": {"ip": "i2 i3", "payment": "p"},
        "eve": {"ip": "i1 i3"},
        "fred": {"ip": "i3"},
    },
    n_population=1000,
)
GROUPING = Grouping(("C-1", "C-2"), np.array([0, 0, 1, 1, -1, 0]), np.array([], dtype=bool))


def test_the_entities_of_each_cluster():
    uses = list_uses(GROUPING, LINKS)
    names = LINKS.entities["entity"].to_pylist()
    rows = zip(uses.cluster, uses.entity, uses.n_inside, uses.n_users, strict=True)
    assert [(int(cluster), names[entity], int(n), int(d)) for cluster, entity, n, d in rows] == [
        (0, "i1", 2, 3),
        (0, "i2", 1, 3),
        (0, "i3", 1, 3),
        (0, "p", 1, 3),
        (1, "i2", 2, 3),
        (1, "i3", 1, 3),
        (1, "p", 2, 3),
    ]


def test_each_link_of_a_member_knows_its_row():
    uses = list_uses(GROUPING, LINKS)
    assert uses.link.tolist() == [place for place, account in enumerate(LINKS.account) if account != 4]
    assert (uses.entity[uses.row] == LINKS.entity[uses.link]).all()
    assert (uses.cluster[uses.row] == GROUPING.cluster[LINKS.account[uses.link]]).all()


@pytest.mark.parametrize(
    ("linking", "sentences"),
    [
        ({"i1", "i2", "i3", "p"}, ["67% share 1 IP address", "All share 1 payment; all share 1 IP address"]),
        ({"i1"}, ["67% share 1 IP address", "Nothing that two accounts share weighs anything"]),
    ],
)
def test_only_what_links_binds(linking, sentences):
    makes_pairs = np.array([name in linking for name in LINKS.entities["entity"].to_pylist()])
    shares = np.array([[1.0, 0.0], [0.4, 0.6]])  # by kind: ip, payment
    uses = list_uses(GROUPING, LINKS)
    assert say_what_binds(uses, GROUPING, LINKS, shares=shares, makes_pairs=makes_pairs) == sentences


def test_without_clusters_nothing_is_used():
    uses = list_uses(Grouping((), np.full(6, -1), np.array([], dtype=bool)), LINKS)
    assert not len(uses.cluster)
    assert not len(uses.link)
