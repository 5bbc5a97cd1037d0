"""Hand-made grades of planted farms for tests."""

import pandas as pd

_SHARES = {"found": 0.0, "whole": 0.0, "recall": 0.25, "best_share": 0.25, "best_purity": 1.0}


def grades_of(kinds, *, sizes=(20,), alike=None, **shares):
    """Grades of 1 and 2 entities an account by 4 and 20 accounts an entity; ``alike``: shares of those alike."""
    grid = {"n_farms": 3, "n_population": 1000, "exact": False} | _SHARES | shares
    behaviors = [grid | {"alike": False}, *([] if alike is None else [grid | alike | {"alike": True}])]
    return pd.DataFrame(
        {"kinds": kind, "n_accounts": size, "entities_per_account": each, "accounts_per_entity": users, **behavior}
        for size in sizes
        for kind in kinds
        for each in (1, 2)
        for users in (4, 20)
        for behavior in behaviors
    )
