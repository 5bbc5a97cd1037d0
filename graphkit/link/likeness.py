"""Likeness: bits that say that accounts behave as one operator's do, not as accounts drawn at random.

A group's likeness is a Bayes factor in bits, feature by feature: members vary about a middle of their own,
with a correlation of 0, 0.1, 0.3 or 0.6 inside the group (equally likely), against members that vary as
everybody does (a correlation of 0). So it does not matter in what accounts are alike, only that chance does
not make them so.
"""

from __future__ import annotations

from functools import reduce

import numpy as np
import numpy.typing as npt

from graphkit.link.links import Integers, Numbers

_CORRELATIONS = (0.1, 0.3, 0.6)
_PAIR_CORRELATION = 0.3
_CHUNK = 1 << 16


def pair_likeness(profiles: Numbers, a: npt.NDArray[np.integer], b: npt.NDArray[np.integer]) -> Numbers:
    """Likeness of pairs of accounts, in bits; below 0 where two differ more than chance has it.

    Parameters
    ----------
    profiles
        As ``measure_profiles`` gives them.
    a, b
        Places of the accounts in the profiles.
    """
    likeness = np.zeros(len(a))
    if not profiles.size:
        return likeness
    for start in range(0, len(a), _CHUNK):
        one, other = (profiles.take(end[start : start + _CHUNK], axis=0) for end in (a, b))
        likeness[start : start + _CHUNK] = _bits(
            2.0,
            _add_squares(one + other),
            _add_squares(one) + _add_squares(other),
            _PAIR_CORRELATION,
            n_features=profiles.shape[1],
        )
    return likeness


def member_likeness(profiles: Numbers, membership: Integers, chosen: npt.NDArray[np.bool_]) -> Numbers:
    """Bits by which each chosen account adds to the likeness of its community.

    Parameters
    ----------
    membership
        Community of each account; -1 for none.
    chosen
        Accounts to tell of, all in a community.

    Returns
    -------
    A value an account; nan for those not chosen.
    """
    if not profiles.size:
        return np.where(chosen, 0.0, np.nan)
    asked = np.isin(membership, membership[chosen])
    size, total, squares = _add_up(profiles, np.where(asked, membership, -1))
    whole = group_likeness(size, total, squares)
    likeness = np.full(len(membership), np.nan)
    places = np.flatnonzero(chosen)
    for part in np.split(places, range(_CHUNK, len(places), _CHUNK)):
        community, profile = membership[part], profiles[part]
        others = group_likeness(size[community] - 1, total[community] - profile, squares[community] - profile**2)
        likeness[part] = whole[community] - others
    return likeness


def group_likeness(size: Numbers, total: Numbers, squares: Numbers) -> Numbers:
    """Likeness of groups of accounts, in bits.

    Parameters
    ----------
    size
        Accounts of each group, shape (groups, 1).
    total, squares
        Sums of the members' profiles and of their squares, shape (groups, features).
    """
    alternatives = [_bits(size, total**2, squares, correlation) for correlation in _CORRELATIONS]
    n_hypotheses = len(_CORRELATIONS) + 1
    likeness: Numbers = (_add_bits([*alternatives, np.zeros_like(total)]) - np.log2(n_hypotheses)).sum(axis=1)
    return likeness


def _bits(
    size: Numbers | float, squared_total: Numbers, squares: Numbers, correlation: float, *, n_features: int = 1
) -> Numbers:
    """Log2 likelihood of standard normal values with a correlation inside the group, against none.

    Of one feature, or of several whose sums were added up.
    """
    between = squared_total / np.maximum(size, 1)
    within = squares - between
    inflated = 1 + (size - 1) * correlation
    nats = n_features * ((size - 1) * np.log1p(-correlation) + np.log(inflated))
    nats = nats + within * (1 / (1 - correlation) - 1) + between * (1 / inflated - 1)
    bits: Numbers = -nats / (2 * np.log(2))
    return bits


def _add_squares(profiles: Numbers) -> Numbers:
    """Sum of the squares of each row."""
    squares: Numbers = np.einsum("ij,ij->i", profiles, profiles)
    return squares


def _add_bits(bits: list[Numbers]) -> Numbers:
    """Log2 of a sum of powers of two."""
    total: Numbers = reduce(np.logaddexp2, bits)
    return total


def _add_up(profiles: Numbers, membership: Integers) -> tuple[Numbers, Numbers, Numbers]:
    """Size of each community, and sums of its members' profiles and of their squares."""
    inside = membership >= 0
    community, n = membership[inside], int(membership.max(initial=-1)) + 1
    size = np.bincount(community, minlength=n).astype(float)[:, None]
    shape = (n, profiles.shape[1])
    total, squares = np.empty(shape), np.empty(shape)
    for place, feature in enumerate(profiles[inside].T):
        total[:, place] = np.bincount(community, weights=feature, minlength=n)
        squares[:, place] = np.bincount(community, weights=feature**2, minlength=n)
    return size, total, squares
