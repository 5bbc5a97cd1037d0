"""Evidence: what is too common to link is tested for enrichment inside clusters, and told apart from what links."""

from math import comb

import pytest

import graphkit as gk
from tests.small import events_of

FARM = {f"farm{n}": {"ip": "198.51.100.7", "prompt_template": "t", "user_agent": "fashion"} for n in range(6)}
OFFICE = {f"office{n}": {"ip": "198.51.100.8", "prompt_template": "u", "user_agent": f"own{n}"} for n in range(6)}
CROWD = {f"u{n:03}": {"ip": f"10.0.1.{n}", "user_agent": "fashion" if n < 14 else f"other{n}"} for n in range(148)}


@pytest.fixture(scope="module")
def evidence():
    """Rows of the farm's cluster by entity."""
    found = gk.analyze(events_of(FARM | OFFICE | CROWD), config=gk.Config(margin=-4))
    farm = found.accounts.set_index("account_id").loc["farm0", "cluster_id"]
    return found.evidence[found.evidence["cluster_id"] == farm].set_index("entity")


def test_a_common_entity_is_tested(evidence):
    n, used, size = 160, 20, 6
    tail = comb(used, size) * comb(n - used, 0) / comb(n, size)
    assert evidence.loc["fashion", "n_inside"] == 6
    assert evidence.loc["fashion", "enrichment"] == pytest.approx(tail)


def test_what_links_is_not_tested(evidence):
    assert evidence.drop("fashion")["enrichment"].isna().all()
