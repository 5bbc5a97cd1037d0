"""Parts of the score: each measures one thing about a cluster that a person can check, beside the population's value.

A part's effect lies from 0 to 1 and never falls as the value grows (for ``workload_spread`` and
``private_share``: as it shrinks); 0.5 is what tells nothing.
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

_BURST_DAYS = 7
_HOURS = 168
_DAY = 86_400


@dataclass(frozen=True)
class Part:
    """A part of the score; arrays have one value a cluster, nan where it has none."""

    name: str
    value: Numbers
    population: Numbers
    """The population's value of the same."""
    effect: Numbers
    missing: str = ""
    """Why a cluster has no value, where it has none."""


@dataclass(frozen=True)
class Clusters:
    """What the parts measure."""

    grouping: Grouping
    members: pd.DataFrame
    """As ``describe_members`` gives them."""
    pairs: Weighted
    links: Links
    makes_pairs: npt.NDArray[np.bool_]
    """For each entity of the links whether it is rare enough to weigh."""
    population: pd.DataFrame
    """n_events and created_at (epoch seconds, nullable) of all accounts."""
    activity: pa.Table
    usage: pa.Table

    @property
    def n(self) -> int:
        """Number of clusters."""
        return len(self.grouping.names)

    @property
    def place(self) -> npt.NDArray[np.int64]:
        """Cluster of each member."""
        return self.members["cluster"].to_numpy(dtype=np.int64)

    @property
    def size(self) -> Numbers:
        """Accounts of each cluster."""
        return np.bincount(self.place, minlength=self.n).astype(float)

    def mean(self, values: npt.ArrayLike) -> Numbers:
        """Mean over a cluster's members of a value a member."""
        mean: Numbers = np.bincount(self.place, weights=np.asarray(values, dtype=float), minlength=self.n) / self.size
        return mean


def linking_strength(clusters: Clusters, *, threshold: float) -> Part:
    """Mean match weight of the linked pairs inside, in bits, beside the weight that links a pair."""
    inside = clusters.pairs.take(clusters.grouping.inside)
    cluster = clusters.grouping.cluster[inside.a]
    share = 1 / inside.probability
    total = np.bincount(cluster, weights=inside.weight * share, minlength=clusters.n)
    value = total / np.maximum(np.bincount(cluster, weights=share, minlength=clusters.n), np.finfo(float).tiny)
    return _part("linking_strength", value, threshold, 1 - np.exp2(-np.maximum(value - threshold, 0) / 8))


def accounts(clusters: Clusters) -> Part:
    """Number of accounts: 1,000 and more count as much as can be."""
    return _part("accounts", clusters.size, 1, np.clip(np.log2(clusters.size) / np.log2(1000), 0, 1))


def kinds_that_corroborate(clusters: Clusters) -> Part:
    """Share of the members that two kinds or more link, beside that of all accounts in clusters."""
    several = (clusters.members["kinds"].map(len) > 1).to_numpy(dtype=float)
    value = clusters.mean(several)
    return _part("kinds_that_corroborate", value, float(several.mean()) if clusters.n else np.nan, value)


def exclusive_infrastructure(clusters: Clusters) -> Part:
    """Share of the members' links to rare entities that no outsider uses, beside that of all clusters."""
    links = clusters.links
    cluster = clusters.grouping.cluster[links.account]
    chosen = (cluster >= 0) & clusters.makes_pairs[links.entity]
    n_entities = max(len(links.entities), 1)
    key, place, n_inside = np.unique(
        cluster[chosen] * n_entities + links.entity[chosen], return_inverse=True, return_counts=True
    )
    own = (n_inside == links.entities["n_accounts"].to_numpy()[key % n_entities])[place]
    n_links = np.bincount(cluster[chosen], minlength=clusters.n).astype(float)
    n_links[n_links == 0] = np.nan
    value = np.bincount(cluster[chosen], weights=own, minlength=clusters.n) / n_links
    return _part("exclusive_infrastructure", value, float(own.mean()) if len(own) else np.nan, value)


def creation_burst(clusters: Clusters) -> Part:
    """Largest share of the members created within seven days, beside that of all accounts."""
    everyone = clusters.population["created_at"].dropna().to_numpy(dtype=np.int64)
    if not len(everyone):
        return _missing("creation_burst", clusters.n, "no created_at: give an accounts file that has it")
    value = np.full(clusters.n, np.nan)
    known = clusters.members.dropna(subset=["created_at"])
    seconds = known["created_at"].to_numpy(dtype="datetime64[s]").astype(np.int64)
    for cluster, rows in known.groupby("cluster").indices.items():
        value[int(str(cluster))] = _densest_share(seconds[rows])
    usual = _densest_share(everyone)
    chance = np.minimum(1, usual + 1 / np.sqrt(clusters.size))
    return _part("creation_burst", value, usual, _around(value, chance), "no created_at for its accounts")


def hour_flatness(clusters: Clusters) -> Part:
    """Evenness of the events over the hours of the week (1 = flat), beside the population's at as many events."""
    frame = clusters.activity.to_pandas()
    everyone = frame[frame["account_id"].isna()]
    usual = np.bincount(everyone["hour_of_week"], weights=everyone["n_events"], minlength=_HOURS)
    inside = frame.merge(clusters.members[["account_id", "cluster"]], on="account_id")
    slot = inside["cluster"].to_numpy() * _HOURS + inside["hour_of_week"].to_numpy()
    hours = np.bincount(slot, weights=inside["n_events"], minlength=clusters.n * _HOURS).reshape(-1, _HOURS)
    # of few events even flat ones look uneven: the first-order bias of the entropy (Miller 1955)
    bias = (_HOURS - 1) / (2 * np.log(2) * np.maximum(hours.sum(axis=1), 1)) / np.log2(_HOURS)
    expected = np.clip(_evenness(usual[None, :])[0] - bias, 0, 1)
    value = _evenness(hours)
    return Part("hour_flatness", value, expected, _around(np.minimum(value + bias, 1), expected + bias, below=0.1))


def workload_spread(clusters: Clusters) -> Part:
    """Spread of the members' numbers of events (standard deviation of their log2), beside the population's.

    An operator deals work out evenly; people differ. Small clusters are drawn to the population's value.
    """
    events = np.log2(clusters.members["n_events"].to_numpy(dtype=float))
    variance = np.maximum(clusters.mean(events**2) - clusters.mean(events) ** 2, 0) * clusters.size
    usual = float(np.log2(clusters.population["n_events"].to_numpy(dtype=float)).var())
    value = np.sqrt((variance + 3 * usual) / (clusters.size - 1 + 3))
    return _part("workload_spread", value, np.sqrt(usual), 1 - np.clip(value / (2 * max(np.sqrt(usual), 1e-9)), 0, 1))


def private_share(clusters: Clusters) -> Part:
    """Share of the members' events from addresses of their own, beside that of all accounts that share an address.

    People who share an office, a school or a house have other places too; a farm's account has none.
    """
    links = clusters.links
    if "ip" not in links.kinds:
        return _missing("private_share", clusters.n, "the events have no addresses")
    of_ips = links.entity_kind() == links.kinds.index("ip")
    shared = np.bincount(links.account, weights=links.n_events * of_ips[links.entity], minlength=len(links.accounts))
    private = np.clip(1 - shared / links.accounts["n_events"].to_numpy(), 0, 1)
    usual = float(private[shared > 0].mean()) if shared.any() else np.nan
    some = np.bincount(links.account, weights=of_ips[links.entity], minlength=len(links.accounts)) > 0
    member = clusters.members["account"].to_numpy()
    value = np.where(clusters.mean(some[member]) > 0, clusters.mean(private[member]), np.nan)
    return _part("private_share", value, usual, 1 - _around(value, usual, below=usual), "its accounts share no address")


def capability_concentration(clusters: Clusters) -> Part:
    """Divergence (Jensen-Shannon, bits) of the mix of models and capabilities from the population's."""
    frame = clusters.usage.to_pandas()
    if frame["model"].isna().all() and frame["capability"].isna().all():
        return _missing("capability_concentration", clusters.n, "the events have neither model nor capability")
    what = frame["model"].fillna("") + "\0" + frame["capability"].fillna("")
    mix = frame.assign(what=what).pivot_table(
        index=frame["cluster_id"].fillna(""), columns="what", values="n_events", aggfunc="sum", fill_value=0
    )
    shares = mix.div(mix.sum(axis=1), axis=0)
    value = _divergence(shares.reindex(clusters.grouping.names).to_numpy(dtype=float), shares.loc[""].to_numpy(float))
    sure = clusters.size / (clusters.size + 10)
    return _part("capability_concentration", value, 0, np.sqrt(value) * sure)


def template_share(clusters: Clusters) -> Part:
    """Share of the members' events from shared, uncommon prompt templates, beside that of all sharing accounts."""
    links = clusters.links
    if "prompt_template" not in links.kinds:
        return _missing("template_share", clusters.n, "the events have no prompt templates")
    chosen = clusters.makes_pairs & (links.entity_kind() == links.kinds.index("prompt_template"))
    made = np.bincount(links.account, weights=links.n_events * chosen[links.entity], minlength=len(links.accounts))
    share = np.clip(made / np.maximum(links.accounts["n_events"].to_numpy(), 1), 0, 1)
    value = clusters.mean(share[clusters.members["account"].to_numpy()])
    usual = float(share.mean()) if len(share) else np.nan
    return _part("template_share", value, usual, _around(value, usual, below=usual))


def volume(clusters: Clusters) -> Part:
    """Events an account (median), beside the population's."""
    value = clusters.members.groupby("cluster")["n_events"].median().to_numpy(dtype=float)
    usual = float(clusters.population["n_events"].median())
    return _part("volume", value, usual, np.clip(0.5 + np.log2(value / usual) / 8, 0, 1))


def _part(name: str, value: Numbers, population: float, effect: Numbers, missing: str = "") -> Part:
    return Part(name, value, np.full(len(value), float(population)), effect, missing)


def _missing(name: str, n: int, reason: str) -> Part:
    nothing = np.full(n, np.nan)
    return Part(name, nothing, nothing, nothing, reason)


def _around(value: Numbers, usual: float | Numbers, *, below: float = 1.0) -> Numbers:
    """Effect of a share: 0.5 at the usual one, 1 at 1, 0 at ``below`` under the usual one."""
    above = (value - usual) / np.maximum(1 - np.asarray(usual), 1e-9)
    under = (value - usual) / max(below, 1e-9)
    effect: Numbers = np.clip(0.5 + 0.5 * np.where(value >= usual, above, under), 0, 1)
    return np.where(np.isnan(value), np.nan, effect)


def _densest_share(seconds: npt.NDArray[np.int64]) -> float:
    """Largest share of the times that one window of seven days holds."""
    seconds = np.sort(seconds)
    ends = np.searchsorted(seconds, seconds + _BURST_DAYS * _DAY)
    return float((ends - np.arange(len(seconds))).max() / len(seconds))


def _evenness(counts: npt.NDArray[np.number]) -> Numbers:
    """Entropy of each row over its greatest possible value."""
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    bits = -(share * np.log2(share, out=np.zeros_like(share), where=share > 0)).sum(axis=1)
    evenness: Numbers = bits / np.log2(counts.shape[1])
    return evenness


def _divergence(rows: Numbers, usual: Numbers) -> Numbers:
    """Jensen-Shannon divergence of each row from the usual shares, 0 to 1 bits."""
    middle = (rows + usual) / 2

    def relative(shares: Numbers) -> Numbers:
        ratio = np.divide(shares, middle, out=np.ones_like(middle), where=shares > 0)
        total: Numbers = (shares * np.log2(ratio)).sum(axis=1)
        return total

    divergence: Numbers = np.clip((relative(rows) + relative(np.broadcast_to(usual, rows.shape))) / 2, 0, 1)
    return divergence
