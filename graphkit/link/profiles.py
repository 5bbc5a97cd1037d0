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
    shares = [share for column in _COLUMNS for share in _measure_shares(engine, column) if _differs(share)]
    if not shares:
        return np.empty((len(links.accounts), 0))
    others = [links.accounts[name].to_numpy().astype(float) for name in ("n_events", "created_at")]
    features = [*shares, *(other for other in others if _differs(other))]
    return _make_independent(np.column_stack([_to_normal_scores(feature) for feature in features]))


def _measure_shares(engine: Engine, column: str) -> list[Numbers]:
    """Share of each common value of a column in each account's events, at the scale where chance varies alike.

    That of the most common one is left out: the others imply it.
    """
    name = quote_name(column)
    usual = engine.query(f"""
        SELECT {name} AS value, count(*) AS n FROM events WHERE value IS NOT NULL
        GROUP BY value ORDER BY n DESC, value LIMIT {_MOST_VALUES}
    """)
    if len(usual) < 2:
        return []
    counts = ", ".join(
        f"count(*) FILTER ({name} = {quote_text(value)}) AS value_{number}"
        for number, value in enumerate(usual["value"].to_pylist())
    )
    table: pa.Table = engine.query(f"""
        SELECT count({name}) AS n_all, {counts}
        FROM events JOIN account_ids USING (account_id) GROUP BY id ORDER BY id
    """)
    shares = usual["n"].to_numpy() / usual["n"].to_numpy().sum()
    total = table["n_all"].to_numpy() + _USUAL_EVENTS
    return [
        np.sqrt((table[f"value_{number}"].to_numpy() + _USUAL_EVENTS * share) / total)
        for number, share in enumerate(shares)
        if number
    ]


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
