"""Detached parts: what keeps nearly all its strength to itself is a community of its own.

Weak pairs let sparse farms show, and chance makes some of them too. At the resolution that keeps a sparse
farm whole they glue groups together that have nothing in common. Found again at a finer resolution, such a
group still holds nine tenths of its strength, and leaves; a piece of a farm does not, and stays.
"""

from __future__ import annotations

import numpy as np

from graphkit.link.arrays import Edges
from graphkit.link.links import Integers, Numbers

_INSIDE_SHARE = 0.9
"""Share of its strength that a part must keep inside to leave its community."""


def split_off_detached(membership: Integers, edges: Edges, strength: Numbers, *, parts: Integers) -> Integers:
    """Make detached parts communities of their own.

    Parameters
    ----------
    membership
        Community of each vertex, numbered from 0.
    edges
        Ends of the edges, shape (edges, 2).
    strength
        Weight of each edge, above 0.
    parts
        Community of each vertex at a finer resolution, numbered from 0.

    Returns
    -------
    The finer membership.
    """
    _, part = np.unique(membership * (int(parts.max(initial=-1)) + 1) + parts, return_inverse=True)
    n_parts = int(part.max(initial=-1)) + 1
    a, b = part.astype(np.int32)[edges.T]
    strength = strength * (membership[edges[:, 0]] == membership[edges[:, 1]])
    # an edge inside a part holds both its ends
    kept = 2 * np.bincount(a, weights=strength * (a == b), minlength=n_parts)
    all_ends = sum(np.bincount(ends, weights=strength, minlength=n_parts) for ends in (a, b))
    leaves = (kept > 0) & (kept >= _INSIDE_SHARE * all_ends)
    numbered = int(membership.max(initial=-1)) + 1 + part
    return np.where(leaves[part], numbered, membership)
