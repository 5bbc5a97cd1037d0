"""Members of clusters: how strongly, to how many and by which kinds each is linked, and how sure that is."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterable
from dataclasses import dataclass
from itertools import pairwise

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
"""Rows whose kinds are ordered at once."""
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
    held = _add_up_pairs(pairs, grouping.inside, n_accounts, threshold=threshold)

    account = np.flatnonzero(grouping.cluster >= 0)
    frame: pd.DataFrame = links.accounts.take(account).to_pandas()
    for column in ("first_seen", "last_seen", "created_at"):
        frame[column] = pd.to_datetime(frame[column], unit="s", utc=True)
    n_used = np.count_nonzero(held.links_by[:, account], axis=0)
    steady = np.nan_to_num(stability[account], nan=1.0) >= STEADY
    rule = _find_rule(n_used, held.n_two_kinds[account], held.n_linked[account], steady)
    reasons_of = [list(reasons) for _, reasons in TIER_RULES]
    reasons = [reasons_of[number] for number in rule]
    for place in np.flatnonzero(breaks_without[:, account].any(axis=0)):
        needs = zip(links.kinds, breaks_without[:, account[place]], strict=True)
        reasons[place] = reasons[place] + [f"breaks_without_{kind}" for kind, breaks in needs if breaks]
    bits = held.bits[:, account].T
    kinds = list_kinds(bits, bits > 0, links.kinds).cast(pa.list_(pa.string()))
    return frame.assign(
        account=account,
        cluster=grouping.cluster[account],
        cluster_id=np.array(grouping.names, dtype=object)[grouping.cluster[account]],
        tier=np.array([tier for tier, _ in TIER_RULES], dtype=object)[rule],
        strength=pairs.strongest_inside(grouping.cluster)[account],
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
        some = chosen[start : start + _CHUNK]
        order = np.argsort(np.where(some, -bits[start : start + _CHUNK], np.inf), axis=1, kind="stable")
        places = order[np.take_along_axis(some, order, axis=1)].astype(np.int16)
        offsets = np.concatenate([[0], np.cumsum(np.count_nonzero(some, axis=1))]).astype(np.int32)
        listed.append(pa.ListArray.from_arrays(offsets, pa.DictionaryArray.from_arrays(places, names)))
    return pa.chunked_array(listed, pa.list_(pa.dictionary(pa.int16(), pa.string())))


def _find_rule(
    n_kinds: Integers, n_two_kind_pairs: Integers, n_met: Integers, steady: npt.NDArray[np.bool_]
) -> Integers:
    """Place in ``TIER_RULES`` of the first rule that fits each member."""
    fits = [n_met < 1, n_kinds < 2, n_two_kind_pairs < 1, n_met < 2, ~steady, np.ones(len(n_met), dtype=bool)]
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
    n_clusters = len(grouping.names)
    bonds = Bonds(np.zeros(n_clusters), np.zeros(n_clusters), np.zeros((pairs.bits.shape[1], n_clusters)))
    for start in range(0, len(pairs.a), _CHUNK):
        some = start + np.flatnonzero(grouping.inside[start : start + _CHUNK])
        cluster, inverse = grouping.cluster[pairs.a[some]], 1 / pairs.probability[some]
        np.add.at(bonds.n_pairs, cluster, inverse)
        np.add.at(bonds.weight, cluster, pairs.weight[some] * inverse)
        for total, bits in zip(bonds.bits, pairs.bits[some].T, strict=True):
            np.add.at(total, cluster, np.maximum(bits, 0) * inverse)
    return bonds


@dataclass(frozen=True)
class _Held:
    """What the pairs inside clusters add up to for each account of the links."""

    bits: Numbers
    """By kind, shape (kinds, accounts)."""
    links_by: npt.NDArray[np.bool_]
    """Shape (kinds, accounts): the kind weighs in a pair that is a link."""
    n_linked: Integers
    """Pairs that are links."""
    n_two_kinds: Integers
    """Those of them in which two kinds or more weigh."""


def _add_up_pairs(pairs: Weighted, inside: npt.NDArray[np.bool_], n_accounts: int, *, threshold: float) -> _Held:
    """Add up the pairs inside clusters for each of their two accounts."""
    shape = (pairs.bits.shape[1], n_accounts)
    held = _Held(np.zeros(shape), np.zeros(shape, bool), *np.zeros((2, n_accounts), np.int64))
    for start in range(0, len(pairs.a), _CHUNK):
        some = slice(start, start + _CHUNK)
        bits = np.where(inside[some], np.maximum(pairs.bits[some].T, 0), 0).astype(float)
        linked = inside[some] & (pairs.weight[some] >= threshold)
        weighs = linked & (bits > 0)
        several = np.count_nonzero(weighs, axis=0) >= 2
        for end in (pairs.a[some], pairs.b[some]):
            np.add.at(held.n_linked, end[linked], 1)
            np.add.at(held.n_two_kinds, end[several], 1)
            for kind in range(len(bits)):
                np.add.at(held.bits[kind], end, bits[kind])
                held.links_by[kind, end[weighs[kind]]] = True
    return held


def _name_clusters(membership: Integers, links: Links) -> tuple[str, ...]:
    """Readable ids made from the members: the same members, the same id."""
    order = np.argsort(membership, kind="stable")
    ids = links.accounts["account_id"].to_pylist()
    ends = np.searchsorted(membership[order], np.arange(membership.max(initial=-1) + 2))
    names: dict[str, None] = {}
    for start, end in pairwise(ends):
        names[make_id((ids[place] for place in order[start:end]), taken=names)] = None
    return tuple(names)


def make_id(members: Iterable[str], *, taken: Container[str]) -> str:
    """A readable id made from the members, in the order given, that is none of those taken."""
    number = int.from_bytes(hashlib.sha256("\0".join(members).encode()).digest())
    letters = "".join(_CROCKFORD[number >> shift & 31] for shift in range(250, -1, -5))
    length = _SHORTEST_NAME
    while f"C-{letters[:length]}" in taken:
        length += 1
    return f"C-{letters[:length]}"
