"""What if: links weighed again as if some of the evidence were known to be innocent."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd

from graphkit.detect.holding import reaches
from graphkit.detect.sharing import Sharing, weigh_sharing
from graphkit.link.links import Integers, Numbers

MOST_ENTITIES = 20
"""Entities that are set aside one at a time."""
MOST_TOGETHER = 10
"""Entities that are set aside together."""

Left = dict[str, object]
Measure = Callable[[Numbers], Left]


def set_aside(sharing: Sharing, *, least: float, measure: Measure, undone: Callable[[Left], bool]) -> pd.DataFrame:
    """Measure pairs of accounts without each kind, each of the strongest entities, and more and more of these together.

    Parameters
    ----------
    least
        Bits from which a pair counts; the entities that are set aside are those that such pairs share.
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
    order = _strongest(sharing, reaches(bits, least))[:MOST_ENTITIES]
    rows = [_name(sharing, "entity", [place]) | measure(weigh_sharing(sharing, without=[place])) for place in order]
    for kind in np.unique(sharing.kind[order]):
        places = np.flatnonzero(sharing.kind == kind).tolist()
        rows.append(_name(sharing, "kind", places) | measure(weigh_sharing(sharing, without=places)))
    together: list[int] = []
    while len(together) < MOST_TOGETHER and len(left := _strongest(sharing, reaches(bits, least), without=together)):
        together.append(int(left[0]))
        bits = weigh_sharing(sharing, without=together)
        row = _name(sharing, "together", together[-1:]) | measure(bits)
        rows.append(row)
        if undone(row):
            break
    return pd.DataFrame(rows, columns=["set_aside", "kind", "entity", "n_accounts", *measure(bits)])


def _strongest(sharing: Sharing, counting: npt.NDArray[np.bool_], *, without: list[int] | None = None) -> Integers:
    """Entities that counting pairs share, those that add most bits over all of them first."""
    rows = counting[sharing.pair]
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
