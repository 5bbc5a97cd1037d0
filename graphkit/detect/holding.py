"""What holds a member in its cluster: its strongest pair, and likeness that makes up what that lacks of a link."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from graphkit.link.links import Integers, Numbers
from graphkit.snapshot import Snapshot

ROUNDING = 1e-9
"""Bits by which a weight that is computed again may miss its threshold."""


def read_thresholds(snapshot: Snapshot) -> tuple[float, float]:
    """Bits that link a pair, and bits from which one is weak: these are the same where links alone decide."""
    resolved: Mapping[str, float] = snapshot.content["resolved"]
    link = float(resolved["threshold_bits"])
    return link, float(resolved.get("weak_threshold_bits", link))


def bits_to_hold(likeness: npt.ArrayLike, *, link: float, weak: float) -> Numbers:
    """Bits that the strongest pair of a member must have to hold it, its likeness to the others held as it is.

    Parameters
    ----------
    likeness
        As in the table ``accounts``; nan counts as 0.
    link, weak
        As of ``read_thresholds``.
    """
    made_up = np.maximum(np.nan_to_num(np.asarray(likeness, dtype=float)), 0)
    needed: Numbers = np.maximum(weak, link - made_up)
    return needed


def is_weak(members: pd.DataFrame) -> pd.Series[bool]:
    """Tell which rows of the table ``accounts`` have no linked pair inside their cluster that was sampled."""
    return members["reasons"].map(lambda reasons: "weak_links" in reasons).astype(bool)


def reaches(bits: Numbers, least: float) -> npt.NDArray[np.bool_]:
    """Tell which pairs share anything that weighs and have so many bits, given by kind as of ``weigh_sharing``."""
    enough = np.maximum(bits, 0).sum(axis=1) >= least - ROUNDING
    reached: npt.NDArray[np.bool_] = enough & (bits.max(axis=1, initial=-1) >= 0)
    return reached


def tell_held(a: Integers, b: Integers, bits: Numbers, *, weak: float, needed: Numbers) -> npt.NDArray[np.bool_]:
    """Tell which pairs still hold their accounts, when members whose strongest pair is too weak leave.

    Parameters
    ----------
    a, b
        Places of the accounts in ``needed``.
    bits
        Of each pair by kind, as of ``weigh_sharing``.
    weak
        Bits from which a pair counts.
    needed
        Bits that the strongest pair of each account must have.
    """
    held, weight = reaches(bits, weak), np.maximum(bits, 0).sum(axis=1)
    while True:
        strongest = np.full(len(needed), -np.inf)
        for ends in (a[held], b[held]):
            np.maximum.at(strongest, ends, weight[held])
        stays = strongest >= needed - ROUNDING
        left = held & stays[a] & stays[b]
        if (left == held).all():
            return left
        held = left
