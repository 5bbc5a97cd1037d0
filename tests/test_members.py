"""Members: the first rule that fits gives the tier, and every rule has its case."""

import numpy as np
import pytest

from graphkit.detect.members import TIER_RULES, _find_rule, list_kinds

CASES = [
    (2, True, 0, True, "weak_links"),
    (1, False, 3, True, "one_kind"),
    (2, False, 3, True, "kinds_of_different_partners"),
    (2, True, 1, True, "one_partner"),
    (2, True, 2, False, "strays"),
    (3, True, 2, True, "two_kinds"),
]


@pytest.mark.parametrize(("n_kinds", "by_two_kinds", "n_met", "steady", "reason"), CASES)
def test_the_first_rule_that_fits_gives_the_tier(n_kinds, by_two_kinds, n_met, steady, reason):
    given = (np.array([value]) for value in (n_kinds, by_two_kinds, n_met, steady))
    (rule,) = _find_rule(*given)
    tier, reasons = TIER_RULES[rule]
    assert reasons[-1] == reason
    assert (tier == "core") == (n_kinds > 1 and by_two_kinds and n_met > 1 and steady)


def test_every_rule_has_a_case():
    assert [reason for *_, reason in CASES] == [reasons[-1] for _, reasons in TIER_RULES]


def test_kinds_are_listed_by_their_bits_of_equals_the_first():
    bits = np.array([[1, 3, 2], [2, 2, 2], [0, 5, 0], [0, 0, 0]], dtype=np.float32)
    listed = list_kinds(bits, bits > 0, ("ip", "payment", "agent"))
    assert listed.to_pylist() == [["payment", "agent", "ip"], ["ip", "payment", "agent"], ["payment"], []]


def test_kinds_that_are_not_chosen_take_no_place():
    bits = np.array([[9, 1, 0, 7]], dtype=float)
    chosen = np.array([[False, True, True, True]])
    assert list_kinds(bits, chosen, ("a", "b", "c", "d")).to_pylist() == [["d", "b", "c"]]
