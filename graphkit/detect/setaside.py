"""What if: links weighed again as if some of the evidence were known to be innocent."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd

from graphkit.detect.sharing import Sharing, weigh_sharing
from graphkit.link.links import Integers, Numbers

MOST_ENTITIES = 20
"""Entities that are set aside one at a time."""
MOST_TOGETHER = 10
"""Entities that are set aside together."""

_ROUNDING = 1e-9

Left = dict[str, object]
Measure = Callable[[Numbers], Left]


def is_linked(bits: Numbers, threshold: float) -> npt.NDArray[np.bool_]:
    """Tell which pairs are linked, by their bits of each kind as ``weigh_sharing`` gives them."""
    enough = np.maximum(bits, 0).sum(axis=1) >= threshold - _ROUNDING
    linked: npt.NDArray[np.bool_] = enough & (bits.max(axis=1, initial=-1) >= 0)
    return linked


def set_aside(sharing: Sharing, *, threshold: float, measure: Measure, undone: Callable[[Left], bool]) -> pd.DataFrame:
    """Measure pairs of accounts without each kind, each of the strongest entities, and more and more of these together.

    Parameters
    ----------
    threshold
        Bits that link a pair.
    measure
        What is left, from the bits of each pair by kind.
    undone
        Whether what is left, as ``measure`` gives it, is so little that nothing more need be set aside.

    Returns
    -------
    A row per trial: set_aside ("entity", "kind", or "together": this entity and those of the rows of that name
    before it, of which the first is the strongest entity), kind, entity (null for a kind), n_accounts (that use
    the entity), and what ``measure`` gives.
    """
    bits = weigh_sharing(sharing)
    order = _strongest(sharing, is_linked(bits, threshold))[:MOST_ENTITIES]
    rows = [_name(sharing, "entity", [place]) | measure(weigh_sharing(sharing, without=[place])) for place in order]
    for kind in np.unique(sharing.kind[order]):
        places = np.flatnonzero(sharing.kind == kind).tolist()
        rows.append(_name(sharing, "kind", places) | measure(weigh_sharing(sharing, without=places)))
    together: list[int] = []
    while len(together) < MOST_TOGETHER and len(
        left := _strongest(sharing, is_linked(bits, threshold), without=together)
    ):
        together.append(int(left[0]))
        bits = weigh_sharing(sharing, without=together)
        row = _name(sharing, "together", together[-1:]) | measure(bits)
        rows.append(row)
        if undone(row):
            break
    return pd.DataFrame(rows, columns=["set_aside", "kind", "entity", "n_accounts", *measure(bits)])


def _strongest(sharing: Sharing, linked: npt.NDArray[np.bool_], *, without: list[int] | None = None) -> Integers:
    """Entities that linked pairs share, those that add most bits over all pairs first."""
    rows = linked[sharing.pair]
    worth = np.bincount(
        sharing.entity[rows], weights=sharing.bits[sharing.entity[rows]] + 1, minlength=len(sharing.bits)
    )
    worth[without or []] = 0
    order = np.argsort(-worth, kind="stable")
    return order[worth[order] > 0]


def _name(sharing: Sharing, what: str, places: npt.ArrayLike) -> dict[str, object]:
    entity = sharing.entities.iloc[int(np.atleast_1d(places)[0])]
    whole = what == "kind"
    return {
        "set_aside": what,
        "kind": entity["kind"],
        "entity": None if whole else entity["entity"],
        "n_accounts": pd.NA if whole else int(entity["n_accounts"]),
    }
