"""Sorted integers as sets: several times as fast as numpy's own set functions, which do not know that they are."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]
Edges = npt.NDArray[np.integer]
"""Ends of edges, shape (edges, 2); four bytes each are enough."""


def is_among(values: Integers, known: Integers) -> npt.NDArray[np.bool_]:
    """Tell which values are among the known ones, which are sorted."""
    if not len(known):
        return np.zeros(len(values), dtype=bool)
    place = np.searchsorted(known, values)
    found: npt.NDArray[np.bool_] = known[np.minimum(place, len(known) - 1)] == values
    return found
