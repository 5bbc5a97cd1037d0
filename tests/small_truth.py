"""A truth small enough to count by hand, and clusters in few words."""

import pandas as pd

# farm A: a0..a9; farm B: b0..b4; an office: o0..o3; solitary: s0..s9
TRUTH = pd.DataFrame(
    [(f"a{i}", "A", "A", "rotating") for i in range(10)]
    + [(f"b{i}", "B", "B", "dedicated") for i in range(5)]
    + [(f"o{i}", None, "enterprise-01", None) for i in range(4)]
    + [(f"s{i}", None, "ordinary", None) for i in range(10)],
    columns=["account_id", "farm", "group", "style"],
)


def assign(**clusters):
    """Clusters as words of account ids."""
    rows = [(account, name) for name, accounts in clusters.items() for account in accounts.split()]
    return pd.DataFrame(rows, columns=["account_id", "cluster_id"])


def span(letter, first, last):
    return " ".join(f"{letter}{i}" for i in range(first, last + 1))
