"""Parts of the score that come from the hours of the week: how evenly they are used, and how alike by the members."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc
from scipy.special import gammaln

from graphkit.detect.parts import Clusters, Part, make_part
from graphkit.link.links import Numbers
from graphkit.naming import place_names

_HOURS = 168
_CHUNK = 1 << 18
"""Rows that are counted at once."""
_FEW_EVENTS = 4096
"""Up to here the evenness that chance gives is added up; beyond, its first-order bias is exact enough."""


@dataclass(frozen=True)
class Hours:
    """Events by hour of the week (0 = Monday 00 UTC)."""

    population: Numbers
    """Shape (168,)."""
    halves: Numbers
    """Of every other member, in their order, and of the others: shape (2, clusters, 168)."""


def count_hours(clusters: Clusters) -> Hours:
    """Count the events of the population and of two halves of each cluster."""
    activity, members = clusters.activity, clusters.members
    everyone = activity.filter(pc.is_null(activity["account_id"]))
    population = np.bincount(everyone["hour_of_week"], weights=everyone["n_events"], minlength=_HOURS)
    member = place_names(activity["account_id"], members["account_id"])
    half = members.groupby("cluster").cumcount().to_numpy() % 2
    line = (half * clusters.n + clusters.place) * _HOURS
    halves, start = np.zeros(2 * clusters.n * _HOURS), 0
    for batch in activity.select(["hour_of_week", "n_events"]).to_batches(max_chunksize=_CHUNK):
        hour, n_events = (column.to_numpy() for column in batch.columns)
        some = member[start : start + len(hour)]
        inside, start = some >= 0, start + len(hour)
        np.add.at(halves, line[some[inside]] + hour[inside], n_events[inside].astype(float))
    return Hours(population.astype(float), halves.reshape(2, clusters.n, _HOURS))


def hour_flatness(hours: Hours) -> Part:
    """Evenness of the events over the hours of the week (1 = flat), beside the population's at as many events.

    Of few events even flat ones look uneven, so both the population's and a flat clock's value are those that as many
    events, drawn at random, give on average.
    """
    counts = hours.halves.sum(axis=0)
    n = counts.sum(axis=1)
    value = _evenness(counts)
    usual, flat = (_expect_evenness(of, n) for of in (hours.population, np.ones(_HOURS)))
    # few events look flat by chance
    reach = np.maximum(flat - usual, 0) + 1 / (np.sqrt(np.maximum(n, 1)) * np.log2(_HOURS))
    effect = np.clip(0.5 + 0.5 * np.where(value > usual, (value - usual) / reach, (value - usual) / 0.1), 0, 1)
    return Part("hour_flatness", value, usual, effect)


def synchrony(hours: Hours) -> Part:
    """Correlation of two halves of the members, hour by hour, beyond the rhythm of day and week that a place has.

    Whoever runs accounts by one schedule makes them rise and fall in the same hours of certain days. Colleagues share a
    rhythm as well, but theirs is one of hours times one of weekdays, and that is taken out.
    """
    a, b = (_beyond_rhythm(half, hours.population) for half in hours.halves)
    size = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    value = np.divide((a * b).sum(axis=1), size, out=np.zeros(len(a)), where=size > 0)
    return make_part("synchrony", value, 0, 0.5 + 0.5 * np.clip(value, 0, 1))


def _beyond_rhythm(counts: Numbers, population: Numbers) -> Numbers:
    """Events beyond those that an hour of the day and a day of the week lead one to expect, in standard deviations."""

    def expect(rows: Numbers) -> Numbers:
        weeks = rows.reshape(-1, 7, 24)
        total = np.maximum(weeks.sum(axis=(1, 2)), 1)[:, None]
        of_day, of_hour = weeks.sum(axis=2), weeks.sum(axis=1)
        product: Numbers = np.einsum("nd,nh->ndh", of_day, of_hour / total).reshape(-1, _HOURS)
        return product

    odd = np.divide(population, expect(population)[0], out=np.ones(_HOURS), where=population > 0)
    expected = expect(counts) * odd
    beyond: Numbers = np.divide(counts - expected, np.sqrt(expected), out=np.zeros_like(expected), where=expected > 0)
    return beyond


def _evenness(counts: Numbers) -> Numbers:
    """Entropy of each row over its greatest possible value."""
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    bits = -(share * np.log2(share, out=np.zeros_like(share), where=share > 0)).sum(axis=1)
    evenness: Numbers = bits / np.log2(_HOURS)
    return evenness


def _expect_evenness(weights: Numbers, n: Numbers) -> Numbers:
    """Mean evenness of ``n`` events drawn at random from hours of such weights."""
    share = weights / max(weights.sum(), 1)
    sizes = np.unique(np.geomspace(1, _FEW_EVENTS, 49).round())
    table = [_add_up_evenness(share, size) for size in sizes]
    limit = _evenness(share[None, :])[0]
    bias = (np.count_nonzero(share) - 1) / (2 * np.log(2) * np.maximum(n, 1)) / np.log2(_HOURS)  # Miller 1955
    few = np.interp(np.log(np.maximum(n, 1)), np.log(sizes), table)
    return np.where(n <= _FEW_EVENTS, few, limit - bias)


def _add_up_evenness(share: Numbers, n: float) -> float:
    """Mean evenness of ``n`` events, an hour's number of events taken as Poisson."""
    mean = n * share[share > 0][:, None]
    number = np.arange(1, int(mean.max(initial=0) + 10 * np.sqrt(mean.max(initial=0))) + 12)
    chance = np.exp(number * np.log(mean) - mean - gammaln(number + 1))
    return float(-(chance * (number / n) * np.log2(number / n)).sum() / np.log2(_HOURS))
