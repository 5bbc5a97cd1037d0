"""Scores: named parts, each an effect that a person can check, and one documented combination.

Every part turns its value into an effect from 0 to 1, never falling as the value grows; the score
is the mean of the effects of the parts that the data has, weighted by ``WEIGHTS``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from graphkit.detect.members import Grouping
from graphkit.link.links import Links, Numbers
from graphkit.link.weights import Weighted

WEIGHTS = {
    "linking_strength": 2.0,
    "kinds_that_corroborate": 3.0,
    "exclusive_infrastructure": 2.0,
    "accounts": 2.0,
    "creation_burst": 1.0,
    "hour_flatness": 1.0,
    "capability_concentration": 1.0,
    "template_share": 1.0,
    "volume": 1.0,
}
"""Weights of the parts in the score."""

_BURST_DAYS = 7
_HOURS = 168


@dataclass(frozen=True)
class Part:
    """A part of the score: a value and an effect by cluster (nan where it has none), and the population's value."""

    name: str
    value: Numbers
    population: float
    effect: Numbers
    missing: str = ""
    """Why the part has no value, where it has none."""


def score_clusters(  # noqa: PLR0913  # one argument a source of evidence
    grouping: Grouping,
    members: pd.DataFrame,
    pairs: Weighted,
    links: Links,
    *,
    population: pd.DataFrame,
    activity: pa.Table,
    usage: pa.Table,
    threshold: float,
    makes_pairs: np.ndarray,
) -> tuple[Numbers, pa.Table]:
    """Score the clusters.

    Parameters
    ----------
    population
        n_events and created_at (epoch seconds, nullable) of all accounts.

    Returns
    -------
    The score of each cluster, and rows of the table ``score_parts``.
    """
    n = len(grouping.names)
    size = np.bincount(members["cluster"], minlength=n).astype(float)
    parts = [
        _linking_strength(grouping, pairs, n, threshold),
        _corroboration(members, n, size),
        _exclusive_infrastructure(grouping, links, n, makes_pairs),
        Part("accounts", size, 1.0, np.clip(np.log2(size) / np.log2(1000), 0, 1)),
        _creation_burst(members, n, population),
        _hour_flatness(members, n, activity),
        _capability_concentration(grouping, usage),
        _template_share(grouping, links, n, makes_pairs),
        _volume(members, n, size, population),
    ]
    weights = np.array([WEIGHTS[part.name] for part in parts])[:, None]
    effects = np.array([part.effect for part in parts])
    present = ~np.isnan(effects)
    shares = weights * present / (weights * present).sum(axis=0)
    contributions = shares * np.nan_to_num(effects)
    rows = [_rows(part, added, grouping) for part, added in zip(parts, contributions, strict=True)]
    return contributions.sum(axis=0), pa.concat_tables(rows)


def _rows(part: Part, contribution: Numbers, grouping: Grouping) -> pa.Table:
    n = len(grouping.names)
    return pa.table(
        {
            "cluster_id": pa.array(grouping.names, pa.string()),
            "part": pa.array([part.name] * n, pa.string()),
            "value": pa.array(part.value, from_pandas=True),
            "population": pa.array(np.full(n, part.population), from_pandas=True),
            "contribution": contribution,
            "missing": pa.array([part.missing if gone else None for gone in np.isnan(part.value)], pa.string()),
        }
    )


def _missing(name: str, n: int, reason: str) -> Part:
    return Part(name, np.full(n, np.nan), np.nan, np.full(n, np.nan), reason)


def _above(value: Numbers, population: float) -> Numbers:
    """Effect of a share: how far it goes from the population's to 1."""
    effect: Numbers = np.clip((value - population) / max(1 - population, 1e-9), 0, 1)
    return effect


def _linking_strength(grouping: Grouping, pairs: Weighted, n: int, threshold: float) -> Part:
    """Mean match weight of the linked pairs inside, beside the weight that links a pair."""
    inside = pairs.take(grouping.inside)
    cluster = grouping.cluster[inside.a]
    share = 1 / inside.probability
    total = np.bincount(cluster, weights=inside.weight * share, minlength=n)
    value = total / np.maximum(np.bincount(cluster, weights=share, minlength=n), np.finfo(float).tiny)
    return Part("linking_strength", value, threshold, 1 - np.exp2(-np.maximum(value - threshold, 0) / 8))


def _corroboration(members: pd.DataFrame, n: int, size: Numbers) -> Part:
    """Share of members that two kinds or more link, beside that of all clustered accounts."""
    several = (members["kinds"].map(len) > 1).to_numpy(dtype=float)
    value = np.bincount(members["cluster"], weights=several, minlength=n) / size
    return Part("kinds_that_corroborate", value, float(several.mean()) if n else np.nan, value)


def _exclusive_infrastructure(grouping: Grouping, links: Links, n: int, makes_pairs: np.ndarray) -> Part:
    """Share of the members' links to binding entities that no outsider uses, beside that of all linked accounts."""
    cluster = grouping.cluster[links.account]
    chosen = (cluster >= 0) & makes_pairs[links.entity]
    key, place, n_inside = np.unique(
        cluster[chosen] * max(len(links.entities), 1) + links.entity[chosen], return_inverse=True, return_counts=True
    )
    entity = key % max(len(links.entities), 1)
    own = (n_inside == links.entities["n_accounts"].to_numpy()[entity])[place]
    value = _share(cluster[chosen], own, n)
    return Part("exclusive_infrastructure", value, float(own.mean()) if len(own) else np.nan, value)


def _share(cluster: np.ndarray, yes: np.ndarray, n: int) -> Numbers:
    """Share of yes by cluster; nan where a cluster has no rows."""
    rows = np.bincount(cluster, minlength=n).astype(float)
    rows[rows == 0] = np.nan
    share: Numbers = np.bincount(cluster, weights=yes.astype(float), minlength=n) / rows
    return share


def _creation_burst(members: pd.DataFrame, n: int, population: pd.DataFrame) -> Part:
    """Largest share of members created within seven days, beside that of all accounts."""
    everyone = population["created_at"].dropna().to_numpy(dtype=np.int64)
    if not len(everyone):
        return _missing("creation_burst", n, "no created_at: give an accounts file that has it")
    value = np.full(n, np.nan)
    known = members.dropna(subset=["created_at"])
    seconds = known["created_at"].to_numpy(dtype="datetime64[s]").astype(np.int64)
    clusters = known["cluster"].to_numpy()
    for cluster in np.unique(clusters):
        value[cluster] = _densest_share(seconds[clusters == cluster])
    usual = _densest_share(everyone)
    return Part("creation_burst", value, usual, _above(value, usual), "no created_at for its accounts")


def _densest_share(seconds: np.ndarray) -> float:
    """Largest share of the times that one window of seven days holds."""
    seconds = np.sort(seconds)
    ends = np.searchsorted(seconds, seconds + _BURST_DAYS * 86_400)
    return float((ends - np.arange(len(seconds))).max() / len(seconds))


def _hour_flatness(members: pd.DataFrame, n: int, activity: pa.Table) -> Part:
    """Evenness of the events over the hours of the week (entropy, 1 = flat), beside the population's."""
    frame = activity.to_pandas()
    everyone = np.bincount(*_weighted(frame[frame["account_id"].isna()], "hour_of_week"), minlength=_HOURS)
    inside = frame.merge(members[["account_id", "cluster"]], on="account_id")
    hours = np.bincount(
        inside["cluster"] * _HOURS + inside["hour_of_week"], weights=inside["n_events"], minlength=n * _HOURS
    ).reshape(n, _HOURS)
    usual = float(_evenness(everyone[None, :])[0])
    value = _evenness(hours)
    return Part("hour_flatness", value, usual, _above(value, usual))


def _weighted(frame: pd.DataFrame, column: str) -> tuple[np.ndarray, np.ndarray]:
    return frame[column].to_numpy(), frame["n_events"].to_numpy(dtype=float)


def _evenness(counts: npt.NDArray[np.number]) -> Numbers:
    """Entropy of each row over its greatest possible value, given as many events as it has."""
    total = np.maximum(counts.sum(axis=1, keepdims=True), 1)
    share = counts / total
    bits = -(share * np.log2(share, out=np.zeros_like(share), where=share > 0)).sum(axis=1)
    evenness: Numbers = bits / np.log2(np.clip(total[:, 0], 2, counts.shape[1]))
    return evenness


def _capability_concentration(grouping: Grouping, usage: pa.Table) -> Part:
    """Divergence (Jensen-Shannon, bits) of the mix of models and capabilities from the population's."""
    n = len(grouping.names)
    frame = usage.to_pandas()
    if frame["model"].isna().all() and frame["capability"].isna().all():
        return _missing("capability_concentration", n, "the events have neither model nor capability")
    what = frame["model"].fillna("") + "\0" + frame["capability"].fillna("")
    mix = frame.assign(what=what).pivot_table(
        index=frame["cluster_id"].fillna(""), columns="what", values="n_events", aggfunc="sum", fill_value=0
    )
    shares = mix.div(mix.sum(axis=1), axis=0)
    usual = shares.loc[""].to_numpy(dtype=float)
    value = _divergence(shares.reindex(list(grouping.names)).to_numpy(dtype=float), usual)
    return Part("capability_concentration", value, 0.0, np.sqrt(value))


def _divergence(rows: Numbers, usual: Numbers) -> Numbers:
    """Jensen-Shannon divergence of each row from the usual shares, 0 to 1 bits."""
    middle = (rows + usual) / 2

    def relative(shares: Numbers) -> Numbers:
        ratio = np.divide(shares, middle, out=np.ones_like(middle), where=shares > 0)
        total: Numbers = (np.broadcast_to(shares, middle.shape) * np.log2(ratio)).sum(axis=1)
        return total

    divergence: Numbers = np.clip((relative(rows) + relative(np.broadcast_to(usual, rows.shape))) / 2, 0, 1)
    return divergence


def _template_share(grouping: Grouping, links: Links, n: int, makes_pairs: np.ndarray) -> Part:
    """Share of the members' events made from a shared, uncommon prompt template, beside all linking accounts'."""
    if "prompt_template" not in links.kinds:
        return _missing("template_share", n, "the events have no prompt templates")
    chosen = makes_pairs & (links.entity_kind() == links.kinds.index("prompt_template"))
    templated = np.bincount(links.account, weights=links.n_events * chosen[links.entity], minlength=len(links.accounts))
    events = links.accounts["n_events"].to_numpy().astype(float)
    usual = float(templated.sum() / events.sum()) if len(events) else np.nan
    member = grouping.cluster >= 0
    cluster = grouping.cluster[member]
    value = np.bincount(cluster, weights=templated[member], minlength=n) / np.bincount(
        cluster, weights=events[member], minlength=n
    )
    return Part("template_share", value, usual, _above(value, usual))


def _volume(members: pd.DataFrame, n: int, size: Numbers, population: pd.DataFrame) -> Part:
    """Events an account, beside the population's mean."""
    value = np.bincount(members["cluster"], weights=members["n_events"], minlength=n) / size
    usual = float(population["n_events"].mean())
    return Part("volume", value, usual, np.clip(np.log2(value / usual) / 6, 0, 1))
