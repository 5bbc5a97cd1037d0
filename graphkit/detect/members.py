"""Members of clusters: how strongly, to how many and by which kinds each is linked, and how sure that is."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterable
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from graphkit.link.likeness import member_likeness
from graphkit.link.links import Integers, Links, Numbers
from graphkit.link.weights import Weighted

STEADY = 0.8
"""Share of the runs in which a core account stays with its cluster."""

TIER_RULES = (
    ("review", ("weak_links",)),
    ("review", ("one_kind",)),
    ("likely", ("kinds_of_different_partners",)),
    ("likely", ("two_kinds", "one_partner")),
    ("likely", ("two_kinds", "strays")),
    ("core", ("two_kinds",)),
)
"""Tiers and reason codes, the first that fits: weak pairs or one kind alone are never above review."""

_CHUNK = 1 << 18
"""Pairs that are looked at at once."""
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_SHORTEST_NAME = 5


@dataclass(frozen=True)
class Grouping:
    """Which accounts are in which cluster, and the pairs that stay inside one."""

    names: tuple[str, ...]
    """Cluster ids, largest cluster first."""
    cluster: Integers
    """For each account of the links its place in ``names``; -1 for none."""
    inside: npt.NDArray[np.bool_]
    """For each pair whether both ends are in one cluster."""

    def sizes(self) -> Integers:
        """Accounts of each cluster."""
        return np.bincount(self.cluster[self.cluster >= 0], minlength=len(self.names))


def group_accounts(membership: Integers, pairs: Weighted, links: Links) -> Grouping:
    """Name the communities and tell which pairs stay inside."""
    return Grouping(_name_clusters(membership, links), membership, pairs.inside(membership))


def describe_members(
    grouping: Grouping,
    pairs: Weighted,
    links: Links,
    *,
    threshold: float,
    stability: Numbers,
    breaks_without: npt.NDArray[np.bool_],
) -> pd.DataFrame:
    """Describe the accounts in clusters.

    Parameters
    ----------
    threshold
        Bits that link a pair; pairs of fewer bits count towards no tier.
    stability
        Share of the runs in which each account of the links stays with its cluster; nan where there were none.
    breaks_without
        Shape (kinds, accounts of the links): the account leaves its cluster when the kind is left out.

    Returns
    -------
    Rows of the table ``accounts``, and ``account`` (place in the links) and ``cluster`` (place in
    the grouping's names) to join by.
    """
    n_accounts = len(links.accounts)
    inverse = 1 / pairs.probability
    of_a, of_b = (np.bincount(end, weights=inverse, minlength=n_accounts) for end in (pairs.a, pairs.b))
    account = np.flatnonzero(grouping.cluster >= 0)
    held = _add_up_pairs(grouping, pairs, account, threshold=threshold)

    frame: pd.DataFrame = links.accounts.take(account).to_pandas()
    for column in ("first_seen", "last_seen", "created_at"):
        frame[column] = pd.to_datetime(frame[column], unit="s", utc=True)
    steady = np.nan_to_num(stability[account], nan=1.0) >= STEADY
    rule = _find_rule(np.count_nonzero(held.links_by, axis=0), held.by_two_kinds, held.n_linked, steady)
    reasons_of = [list(reasons) for _, reasons in TIER_RULES]
    reasons = [reasons_of[number] for number in rule]
    for place in np.flatnonzero(breaks_without[:, account].any(axis=0)):
        needs = zip(links.kinds, breaks_without[:, account[place]], strict=True)
        reasons[place] = reasons[place] + [f"breaks_without_{kind}" for kind, breaks in needs if breaks]
    kinds = list_kinds(held.bits.T, held.bits.T > 0, links.kinds).cast(pa.list_(pa.string()))
    return frame.assign(
        account=account,
        cluster=grouping.cluster[account],
        cluster_id=np.array(grouping.names, dtype=object)[grouping.cluster[account]],
        tier=np.array([tier for tier, _ in TIER_RULES], dtype=object)[rule],
        strength=held.strength,
        likeness=member_likeness(links.profiles, grouping.cluster, grouping.cluster >= 0)[account],
        n_partners=(of_a + of_b)[account],
        kinds=pd.Series(kinds, dtype=pd.ArrowDtype(kinds.type)),
        stability=stability[account],
        reasons=pd.Series(reasons, dtype=object),
    )


def list_kinds(
    bits: npt.NDArray[np.floating], chosen: npt.NDArray[np.bool_], kinds: tuple[str, ...]
) -> pa.ChunkedArray:
    """List in each row of ``bits``, shape (rows, kinds), the names of the chosen kinds, most bits first."""
    names, listed = pa.array(kinds, pa.string()), []
    for start in range(0, len(bits), _CHUNK):
        value, some = (np.ascontiguousarray(each[start : start + _CHUNK].T) for each in (bits, chosen))
        rank = np.zeros(some.shape, np.int16)
        for one, other in combinations(range(len(kinds)), 2):
            ahead = value[one] >= value[other]
            rank[other] += ahead & some[one]
            rank[one] += ~ahead & some[other]
        offsets = np.concatenate([[0], np.cumsum(np.count_nonzero(some, axis=0))]).astype(np.int32)
        places = np.empty(offsets[-1], np.int16)
        for kind in range(len(kinds)):
            rows = np.flatnonzero(some[kind])
            places[offsets[rows] + rank[kind, rows]] = kind
        listed.append(pa.ListArray.from_arrays(offsets, pa.DictionaryArray.from_arrays(places, names)))
    return pa.chunked_array(listed, pa.list_(pa.dictionary(pa.int16(), pa.string())))


def _find_rule(
    n_kinds: Integers, by_two_kinds: npt.NDArray[np.bool_], n_met: Numbers, steady: npt.NDArray[np.bool_]
) -> Integers:
    """Place in ``TIER_RULES`` of the first rule that fits each member."""
    fits = [n_met < 1, n_kinds < 2, ~by_two_kinds, n_met < 2, ~steady, np.ones(len(n_met), dtype=bool)]
    rule: Integers = np.argmax(np.column_stack(fits), axis=1)
    return rule


@dataclass(frozen=True)
class Bonds:
    """What the pairs inside each cluster add up to, those not sampled by estimate."""

    n_pairs: Numbers
    weight: Numbers
    """Bits of all of them."""
    bits: Numbers
    """Bits by kind, shape (kinds, clusters)."""

    def shares(self) -> Numbers:
        """Share of each kind in the bits that hold a cluster together, shape (clusters, kinds)."""
        total = np.ascontiguousarray(self.bits.T)
        shares: Numbers = total / np.maximum(total.sum(axis=1, keepdims=True), np.finfo(float).tiny)
        return shares


def add_up_bonds(grouping: Grouping, pairs: Weighted) -> Bonds:
    """Add up the pairs inside clusters for each cluster."""
    n = len(grouping.names)
    n_pairs, weight, bits = np.zeros(n + 1), np.zeros(n + 1), np.zeros((pairs.bits.shape[1], n + 1))
    for start in range(0, len(pairs.a), _CHUNK):
        some = slice(start, start + _CHUNK)
        cluster = np.where(grouping.inside[some], grouping.cluster[pairs.a[some]], n)
        inverse = 1 / pairs.probability[some]
        np.add.at(n_pairs, cluster, inverse)
        np.add.at(weight, cluster, pairs.weight[some] * inverse)
        for kind, of_kind in enumerate(np.maximum(pairs.bits[some].T, 0, dtype=float, order="C")):
            np.add.at(bits[kind], cluster, of_kind * inverse)
    return Bonds(n_pairs[:n], weight[:n], bits[:, :n])


@dataclass(frozen=True)
class _Held:
    """What the pairs inside clusters add up to for each account in a cluster."""

    bits: Numbers
    """By kind, shape (kinds, accounts)."""
    links_by: npt.NDArray[np.bool_]
    """Shape (kinds, accounts): the kind weighs in a pair that is a link."""
    n_linked: Numbers
    """Pairs that are links."""
    by_two_kinds: npt.NDArray[np.bool_]
    """Two kinds or more weigh in one of them."""
    strength: Numbers
    """Bits of the strongest pair; 0 for none."""


def _add_up_pairs(grouping: Grouping, pairs: Weighted, account: Integers, *, threshold: float) -> _Held:
    """Add up the pairs inside clusters for each of their two accounts; those in clusters are given, in order."""
    n, n_kinds = len(account), pairs.bits.shape[1]
    place = np.full(len(grouping.cluster), n)
    place[account] = np.arange(n)
    bits, n_linked, strength = np.zeros((n_kinds, n + 1)), np.zeros(n + 1), np.zeros(n + 1)
    links_by, by_two_kinds = np.zeros((n_kinds, n + 1), dtype=bool), np.zeros(n + 1, dtype=bool)
    for start in range(0, len(pairs.a), _CHUNK):
        some = slice(start, start + _CHUNK)
        ends = [np.where(grouping.inside[some], place[end[some]], n) for end in (pairs.a, pairs.b)]
        linked = pairs.weight[some] >= threshold
        n_weigh = np.zeros(len(linked), np.int16)
        for kind, of_kind in enumerate(np.maximum(pairs.bits[some].T, 0, dtype=float, order="C")):
            weighs = linked & (of_kind > 0)
            n_weigh += weighs
            weighing = np.flatnonzero(weighs)
            for end in ends:
                np.add.at(bits[kind], end, of_kind)
                links_by[kind, end[weighing]] = True
        for end in ends:
            np.add.at(n_linked, end, linked.astype(float))
            by_two_kinds[end[n_weigh >= 2]] = True
            np.maximum.at(strength, end, pairs.weight[some])
    return _Held(bits[:, :n], links_by[:, :n], n_linked[:n], by_two_kinds[:n], strength[:n])


def _name_clusters(membership: Integers, links: Links) -> tuple[str, ...]:
    """Readable ids made from the members: the same members, the same id."""
    order = np.argsort(membership, kind="stable")
    order = order[np.count_nonzero(membership < 0) :]
    ids = links.accounts["account_id"].take(order).to_pylist()
    ends = np.searchsorted(membership[order], np.arange(membership.max(initial=-1) + 2))
    names: dict[str, None] = {}
    for start, end in pairwise(ends):
        names[make_id(ids[start:end], taken=names)] = None
    return tuple(names)


def make_id(members: Iterable[str], *, taken: Container[str]) -> str:
    """A readable id made from the members, in the order given, that is none of those taken."""
    number = int.from_bytes(hashlib.sha256("\0".join(members).encode()).digest())
    letters = "".join(_CROCKFORD[number >> shift & 31] for shift in range(250, -1, -5))
    length = _SHORTEST_NAME
    while f"C-{letters[:length]}" in taken:
        length += 1
    return f"C-{letters[:length]}"
