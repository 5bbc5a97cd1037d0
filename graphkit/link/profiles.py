"""Profiles: how much each account asks, for what and since when, as standard scores that tell one thing each.

The accounts of one operator run one workload. Hours and addresses are left out: they say where people
live, and so would count again what a shared address says already.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from scipy.special import ndtri
from scipy.stats import rankdata

from graphkit.engine import Engine, quote_name, quote_text
from graphkit.link.links import Links, Numbers

_COLUMNS = ("model", "capability")
_MOST_VALUES = 8
"""Values of a column that are told apart, the most common ones."""
_USUAL_EVENTS = 8
"""Events of the population's mix that each account is credited with, so that its first few say little."""
_RIDGE = 0.05
"""Added to the variances before scores are made independent, so that what is left of two like ones stays small."""


def measure_profiles(engine: Engine, links: Links) -> Numbers:
    """Measure the profiles of all accounts of the links.

    The features are the shares of the common models and capabilities, the number of events, and the time
    of creation, as far as the data has them. Each is ranked and turned into normal scores (mean 0,
    deviation 1); all are then made independent by the inverse root of their covariance (ZCA; Kessy and
    others 2018).

    Returns
    -------
    Shape (accounts of the links, features); no features where the events have neither models nor capabilities that
    differ: how many events an account makes, and since when, tells too little alone.
    """
    shares = [share for share in _measure_shares(engine) if _differs(share)]
    if not shares:
        return np.empty((len(links.accounts), 0))
    others = [links.accounts[name].to_numpy().astype(float) for name in ("n_events", "created_at")]
    features = [*shares, *(other for other in others if _differs(other))]
    return _make_independent(np.column_stack([_to_normal_scores(feature) for feature in features]))


def _measure_shares(engine: Engine) -> list[Numbers]:
    """Share of each common model and capability in each account's events, at the scale where chance varies alike.

    That of the most common one is left out: the others imply it.
    """
    usual = _find_common_values(engine)
    if not usual:
        return []
    counts = [
        f"count({quote_name(column)}) AS {column}"
        + "".join(
            f", count(*) FILTER ({quote_name(column)} = {quote_text(value)}) AS {column}_{number}"
            for number, value in enumerate(values)
        )
        for column, values in usual.items()
    ]
    table: pa.Table = engine.query(f"""
        SELECT {", ".join(counts)} FROM events JOIN account_ids USING (account_id) GROUP BY id ORDER BY id
    """)
    shares = []
    for column, values in usual.items():
        total, n_usual = table[column].to_numpy() + _USUAL_EVENTS, sum(values.values())
        for number, n in list(enumerate(values.values()))[1:]:
            counted = table[f"{column}_{number}"].to_numpy()
            shares.append(np.sqrt((counted + _USUAL_EVENTS * n / n_usual) / total))
    return shares


def _find_common_values(engine: Engine) -> dict[str, dict[str, int]]:
    """Events of each common value of each column that has two or more, the most common first."""
    names = {column: quote_name(column) for column in _COLUMNS}
    which = " ".join(f"WHEN GROUPING({name}) = 0 THEN {quote_text(column)}" for column, name in names.items())
    rows = engine.query(f"""
        SELECT CASE {which} END AS what, coalesce({", ".join(names.values())}) AS value, count(*) AS n
        FROM events GROUP BY GROUPING SETS ({", ".join(f"({name})" for name in names.values())})
        HAVING value IS NOT NULL
        QUALIFY row_number() OVER (PARTITION BY what ORDER BY n DESC, value) <= {_MOST_VALUES}
        ORDER BY what, n DESC, value
    """).to_pylist()
    common = {column: {row["value"]: row["n"] for row in rows if row["what"] == column} for column in _COLUMNS}
    return {column: values for column, values in common.items() if len(values) > 1}


def _differs(feature: Numbers) -> bool:
    known = feature[~np.isnan(feature)]
    return len(known) > 0 and bool(known.min() < known.max())


def _to_normal_scores(feature: Numbers) -> Numbers:
    """Ranks as quantiles of the normal distribution; 0, which tells nothing, where the feature is unknown."""
    known = ~np.isnan(feature)
    scores = np.zeros(len(feature))
    scores[known] = ndtri((rankdata(feature[known]) - 0.5) / known.sum())
    return scores


def _make_independent(scores: Numbers) -> Numbers:
    covariance = scores.T @ scores / len(scores)
    variances, directions = np.linalg.eigh(covariance)
    independent: Numbers = scores @ (directions / np.sqrt(np.maximum(variances, 0) + _RIDGE)) @ directions.T
    return independent
