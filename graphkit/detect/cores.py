"""Corroborated cores: what several kinds bind is a community of its own within a crowd that one kind binds.

One resolution serves no whole graph. At the resolution that keeps a large, sparse farm whole, a farm
that hides behind the exits of a VPN seller drowns among the seller's customers: each of them meets
some of its members by chance. What tells it from the crowd is that its pairs agree in several kinds.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from graphkit.link.arrays import Edges
from graphkit.link.links import Integers, Numbers

CORROBORATED_BITS = 6.0
"""Bits that a pair must hold besides its strongest kind to count as corroborated."""

_INSIDE_SHARE = 0.6
"""Share of its strength that each side must keep inside for a core to leave its crowd."""
_CONTRAST = 4.0
"""How many times the crowd's share of corroborated strength the core's must be."""


def split_off_cores(
    membership: Integers,
    edges: Edges,
    strength: Numbers,
    *,
    corroborated: npt.NDArray[np.bool_],
    cores: Integers,
    least: int,
) -> Integers:
    """Make corroborated cores communities of their own.

    Parameters
    ----------
    membership
        Community of each vertex, numbered from 0.
    edges
        Ends of the edges, shape (edges, 2).
    strength
        Weight of each edge, above 0.
    corroborated
        Edges whose pairs hold ``CORROBORATED_BITS`` or more besides their strongest kind.
    cores
        Community of each vertex by these edges alone, numbered from 0.
    least
        Vertices in the smallest core.

    Returns
    -------
    The finer membership.
    """
    _, core = np.unique(membership * (int(cores.max(initial=-1)) + 1) + cores, return_inverse=True)
    stands = _stands_apart(core, membership, edges, strength, corroborated)
    leaves = stands & (np.bincount(core) >= least)
    numbered = int(membership.max(initial=-1)) + 1 + core
    return np.where(leaves[core], numbered, membership)


def _stands_apart(
    core: Integers,
    membership: Integers,
    edges: Edges,
    strength: Numbers,
    corroborated: npt.NDArray[np.bool_],
) -> npt.NDArray[np.bool_]:
    """Tell which cores keep to themselves, leave a crowd that does too, and are corroborated where it is not."""
    community = np.zeros(int(core.max(initial=-1)) + 1, dtype=np.int32)
    community[core] = membership
    a, b = core.astype(np.int32)[edges.T]
    own, inside = a == b, community[a] == community[b]
    left = np.flatnonzero(inside & ~own)
    ends, crowd = np.concatenate([a[left], b[left]]), community[a]

    def add_up(weights: Numbers) -> tuple[Numbers, Numbers, Numbers]:
        """Sum of weights inside each core, between it and the rest of its community, and inside that rest."""
        n = len(community)
        within = np.bincount(a, weights=weights * own, minlength=n)
        across = np.bincount(ends, weights=np.tile(weights[left], 2), minlength=n)
        whole = np.bincount(crowd, weights=weights * inside, minlength=int(community.max(initial=-1)) + 1)
        rest = np.maximum(whole[community] - within - across, 0)
        return within.astype(float), across.astype(float), rest

    within, across, rest = add_up(strength)
    sure_within, _, sure_rest = add_up(strength * corroborated)
    keeps = (2 * within >= _INSIDE_SHARE * (2 * within + across)) & (2 * rest >= _INSIDE_SHARE * (2 * rest + across))
    contrast = sure_within * rest >= _CONTRAST * sure_rest * within
    stands: npt.NDArray[np.bool_] = keeps & contrast & (across > 0)
    return stands
