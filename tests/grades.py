"""Hand-made grades of planted farms for tests."""

import pandas as pd

_SHARES = {"found": 0.0, "whole": 0.0, "recall": 0.25, "best_share": 0.25, "best_purity": 1.0}


def grades_of(kinds, *, sizes=(20,), **shares):
    """Grades of 1 and 2 entities an account by 4 and 20 accounts an entity."""
    grid = {"n_farms": 3, "n_population": 1000, "exact": False} | _SHARES | shares
    return pd.DataFrame(
        {"kinds": kind, "n_accounts": size, "entities_per_account": each, "accounts_per_entity": users, **grid}
        for size in sizes
        for kind in kinds
        for each in (1, 2)
        for users in (4, 20)
    )
