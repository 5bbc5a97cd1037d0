"""Members: the first rule that fits gives the tier, and every rule has its case."""

import numpy as np
import pytest

from graphkit.detect.members import TIER_RULES, _find_rule

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
