"""Profiles: how much each account asks, for what and since when, as standard scores that tell one thing each.

The accounts of one operator run one workload. Hours and addresses are left out: they say where people
live, and so would count again what a shared address says already.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtri

from graphkit.engine import Engine, quote_name, quote_text
from graphkit.link.ahead import map_ahead
from graphkit.link.links import Links, Numbers

_COLUMNS = ("model", "capability")
_MOST_VALUES = 8
"""Values of a column that are told apart, the most common ones."""
_USUAL_EVENTS = 8
"""Events of the population's mix that each account is credited with, so that its first few say little."""
_RIDGE = 0.05
"""Added to the variances before scores are made independent, so that what is left of two like ones stays small."""
_LEAST_OWN = 0.2
"""Share of a feature's variance that those before it must leave to tell."""


@dataclass(frozen=True)
class Trait:
    """A common value of a column, whose events are counted for each account."""

    column: str
    code: int
    """What stands for the value in the engine."""
    n_events: int
    """Events of everybody that have it."""
    name: str
    """What the count is called in the table ``population``."""


def find_traits(engine: Engine) -> tuple[Trait, ...]:
    """Find the common models and capabilities, of each those of most events first; none of a column of one value."""
    names = {column: quote_name(column) for column in _COLUMNS}
    counted = f"SELECT {', '.join(names.values())}, count(*) AS n FROM events GROUP BY {', '.join(names.values())}"
    named = " UNION ALL ".join(
        f"SELECT {quote_text(column)} AS what, code, min(name) AS value, min(n) AS n "
        f"FROM (SELECT {name} AS code, sum(n)::BIGINT AS n FROM counted GROUP BY {name}) "
        f"JOIN {quote_name(f'names_{column}')} USING (code) GROUP BY code"
        for column, name in names.items()
    )
    rows = engine.query(f"""
        WITH counted AS ({counted}) SELECT * FROM ({named})
        QUALIFY row_number() OVER (PARTITION BY what ORDER BY n DESC, value) <= {_MOST_VALUES}
        ORDER BY what, n DESC, value
    """).to_pylist()
    by_column = {column: [row for row in rows if row["what"] == column] for column in _COLUMNS}
    return tuple(
        Trait(column, row["code"], row["n"], f"{column}_{number}")
        for column, found in by_column.items()
        if len(found) > 1
        for number, row in enumerate(found)
    )


def count_traits(traits: Sequence[Trait]) -> list[str]:
    """SQL that counts an account's events of each trait."""
    return [f"count(*) FILTER ({quote_name(trait.column)} = {trait.code}) AS {trait.name}" for trait in traits] + [
        f"count({quote_name(column)}) AS {column}_known" for column in sorted({trait.column for trait in traits})
    ]


def measure_profiles(engine: Engine, links: Links, traits: Sequence[Trait]) -> Numbers:
    """Measure the profiles of all accounts of the links.

    The features are the shares of the common models and capabilities, the number of events, and the time
    of creation, as far as the data has them. Each is ranked and turned into normal scores (mean 0,
    deviation 1); those that others imply are left out, and the rest is made independent by the inverse root of
    its covariance (ZCA; Kessy and others 2018).

    Parameters
    ----------
    traits
        Those that the table ``population`` has counts of; it loses them.

    Returns
    -------
    Shape (accounts of the links, features); no features where the events have neither models nor capabilities that
    differ: how many events an account makes, and since when, tells too little alone.
    """
    shares = [share for share in _measure_shares(engine, traits) if _differs(share)]
    _forget_traits(engine, traits)
    if not shares:
        return np.empty((len(links.accounts), 0))
    others = [links.accounts[name].to_numpy().astype(float) for name in ("n_events", "created_at")]
    features = [*shares, *(other for other in others if _differs(other))]
    return _make_independent(np.column_stack(list(map_ahead(_to_normal_scores, features))))


def _forget_traits(engine: Engine, traits: Sequence[Trait]) -> None:
    """Free the memory of the counts in the table ``population``."""
    for name in [*(trait.name for trait in traits), *sorted({f"{trait.column}_known" for trait in traits})]:
        engine.run(f"ALTER TABLE population DROP COLUMN {name}")
    engine.release()


def _measure_shares(engine: Engine, traits: Sequence[Trait]) -> Iterator[Numbers]:
    """Share of each common model and capability in each account's events, at the scale where chance varies alike.

    That of the most common one is left out: the others imply it.
    """
    for column in sorted({trait.column for trait in traits}, reverse=True):
        of_column = [trait for trait in traits if trait.column == column]
        names = ", ".join([f"{column}_known", *(trait.name for trait in of_column)])
        table = engine.query(f"SELECT {names} FROM account_ids JOIN population ON account = code ORDER BY id")
        total, n_usual = table[f"{column}_known"].to_numpy() + _USUAL_EVENTS, sum(trait.n_events for trait in of_column)
        for trait in of_column[1:]:
            counted = table[trait.name].to_numpy()
            yield np.sqrt((counted + _USUAL_EVENTS * trait.n_events / n_usual) / total)


def _differs(feature: Numbers) -> bool:
    known = feature[~np.isnan(feature)]
    return len(known) > 0 and bool(known.min() < known.max())


def _to_normal_scores(feature: Numbers) -> Numbers:
    """Ranks, means of tied ones, as quantiles of the normal distribution; 0, which tells nothing, where it is unknown.

    Many accounts have one of few values, so the values are ranked, not the accounts.
    """
    place, values = pd.factorize(feature)  # place -1: unknown
    n_of = np.bincount(place[place >= 0], minlength=len(values))
    rising = np.argsort(values)
    rank = np.empty(len(values))
    rank[rising] = np.cumsum(n_of[rising]) - (n_of[rising] - 1) / 2
    return np.where(place < 0, 0.0, ndtri((rank - 0.5) / n_of.sum())[place])


def _make_independent(scores: Numbers) -> Numbers:
    # by einsum and not by @: what BLAS gives depends on the number of its threads
    covariance = np.einsum("ni,nj->ij", scores, scores) / len(scores)
    kept = _find_own(covariance)
    variances, directions = np.linalg.eigh(covariance[np.ix_(kept, kept)])
    inverse_root = np.zeros((len(covariance), len(kept)))
    inverse_root[kept] = directions / np.sqrt(np.maximum(variances, 0) + _RIDGE) @ directions.T
    independent: Numbers = np.einsum("ni,ij->nj", scores, inverse_root)
    return independent


def _find_own(covariance: Numbers) -> list[int]:
    """Find the features that those before them do not imply: what is told twice would make anybody look alike."""
    kept: list[int] = []
    for place, variance in enumerate(np.diag(covariance)):
        shared = covariance[kept, place]
        left = variance - shared @ np.linalg.solve(covariance[np.ix_(kept, kept)], shared)
        if left >= _LEAST_OWN * variance:
            kept.append(place)
    return kept
