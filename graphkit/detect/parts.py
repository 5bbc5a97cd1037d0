"""Parts of the score that come from links: how strongly a cluster is bound, by what, and who else uses it.

A part measures one thing about a cluster that a person can check, beside the population's value of the same. Its effect
lies from 0 to 1 and never falls as the cluster looks more like a farm; 0.5 is what tells nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from graphkit.config import Config
from graphkit.detect.members import Bonds, Grouping
from graphkit.detect.uses import Uses
from graphkit.link.links import Integers, Links, Numbers
from graphkit.link.weights import link_threshold


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
    bonds: Bonds
    links: Links
    uses: Uses
    config: Config
    population: pd.DataFrame
    """n_events and created_at (epoch seconds, nullable) of all accounts."""
    activity: pa.Table
    usage: pa.Table

    @property
    def n(self) -> int:
        """Number of clusters."""
        return len(self.grouping.names)

    @cached_property
    def place(self) -> Integers:
        """Cluster of each member."""
        return self.members["cluster"].to_numpy(dtype=np.int64)

    @cached_property
    def size(self) -> Numbers:
        """Accounts of each cluster."""
        return np.bincount(self.place, minlength=self.n).astype(float)

    @cached_property
    def pairing(self) -> tuple[Integers, Numbers]:
        """The rows of ``uses`` that make pairs, and what sharing each is worth: its bits and its kind's prior."""
        rows = np.flatnonzero(self.links.makes_pairs(self.config)[self.uses.entity])
        prior = np.array([self.config.kinds[kind].prior for kind in self.links.kinds])
        bits = np.maximum(self.links.bits(self.config) + prior[self.links.entity_kind()], 0)
        return rows, bits[self.uses.entity[rows]]

    def mean(self, values: npt.ArrayLike) -> Numbers:
        """Mean over a cluster's members of a value a member."""
        mean: Numbers = np.bincount(self.place, weights=np.asarray(values, dtype=float), minlength=self.n) / self.size
        return mean


def linking_strength(clusters: Clusters) -> Part:
    """Mean match weight of the pairs inside, linked or weak, in bits, beside the weight that links a pair."""
    threshold = link_threshold(clusters.config, clusters.links.n_population)
    n_pairs, bits = clusters.bonds.n_pairs, clusters.bonds.weight
    value = np.divide(bits, n_pairs, out=np.full(clusters.n, np.nan), where=n_pairs > 0)
    return make_part("linking_strength", value, threshold, 1 - np.exp2(-np.maximum(value - threshold, 0) / 8))


def accounts(clusters: Clusters) -> Part:
    """Number of accounts: 1,000 and more count as much as can be."""
    return make_part("accounts", clusters.size, 1, np.clip(np.log2(clusters.size) / np.log2(1000), 0, 1))


def kinds_that_corroborate(clusters: Clusters) -> Part:
    """Share of the members that two kinds or more link, beside that of all accounts in clusters."""
    several = (clusters.members["kinds"].list.len() > 1).to_numpy(dtype=float)
    value = clusters.mean(several)
    return make_part("kinds_that_corroborate", value, float(several.mean()) if clusters.n else np.nan, value)


def exclusive_infrastructure(clusters: Clusters) -> Part:
    """Of the other users of what a member uses, the share that are members too, by bits; beside that of all clusters.

    A farm owns its addresses and cards; the customers of a VPN seller share theirs with strangers.
    """
    rows, bits = clusters.pairing
    cluster, n_inside, n_users = (getattr(clusters.uses, name)[rows] for name in ("cluster", "n_inside", "n_users"))
    share, weight = (n_inside - 1) / (n_users - 1), bits * n_inside
    value = _weighted_mean(cluster, share, weight, n=clusters.n)
    return make_part("exclusive_infrastructure", value, _mean(share, weight), value)


def common_to_all(clusters: Clusters) -> Part:
    """Of the other members, the share that use what a member shares, by bits; beside that of all clusters.

    Those who sit in one office, classroom or house share one address, one card, one prompt, and all of them do. An
    operator deals out many, so that no one of them leads to all accounts.
    """
    rows, bits = clusters.pairing
    cluster, n_inside = clusters.uses.cluster[rows], clusters.uses.n_inside[rows]
    share = (n_inside - 1) / (clusters.size[cluster] - 1)
    weight = np.where(n_inside > 1, bits * n_inside, 0.0)
    value = _weighted_mean(cluster, share, weight, n=clusters.n)
    return make_part("common_to_all", value, _mean(share, weight), 1 - value, "its members share nothing rare")


def make_part(name: str, value: Numbers, population: float, effect: Numbers, missing: str = "") -> Part:
    """A part whose population has one value for all clusters."""
    return Part(name, value, np.full(len(value), float(population)), effect, missing)


def missing_part(name: str, n: int, reason: str) -> Part:
    """A part of which none of ``n`` clusters has a value."""
    nothing = np.full(n, np.nan)
    return Part(name, nothing, nothing, nothing, reason)


def around(value: Numbers, usual: float | Numbers, *, below: float = 1.0) -> Numbers:
    """Effect of a share: 0.5 at the usual one, 1 at 1, 0 at ``below`` under the usual one."""
    above = (value - usual) / np.maximum(1 - np.asarray(usual), 1e-9)
    under = (value - usual) / max(below, 1e-9)
    effect: Numbers = np.clip(0.5 + 0.5 * np.where(value >= usual, above, under), 0, 1)
    return np.where(np.isnan(value), np.nan, effect)


def _weighted_mean(cluster: Integers, value: Numbers, weight: Numbers, *, n: int) -> Numbers:
    """Weighted mean by cluster; nan where nothing weighs."""
    total = np.bincount(cluster, weights=weight, minlength=n)
    summed = np.bincount(cluster, weights=value * weight, minlength=n)
    mean: Numbers = np.divide(summed, total, out=np.full(n, np.nan), where=total > 0)
    return mean


def _mean(value: Numbers, weight: Numbers) -> float:
    return float(np.average(value, weights=weight)) if weight.sum() > 0 else np.nan
