"""Corroborated cores: what several kinds bind is a community of its own within a crowd that one kind binds.

One resolution serves no whole graph. At the resolution that keeps a large, sparse farm whole, a farm
that hides behind the exits of a VPN seller drowns among the seller's customers: each of them meets
some of its members by chance. What tells it from the crowd is that its pairs agree in several kinds.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from graphkit.link.links import Integers, Numbers

CORROBORATED_BITS = 6.0
"""Bits that a pair must hold besides its strongest kind to count as corroborated."""

_INSIDE_SHARE = 0.6
"""Share of its strength that each side must keep inside for a core to leave its crowd."""
_CONTRAST = 4.0
"""How many times the crowd's share of corroborated strength the core's must be."""

Partition = Callable[[Integers, Numbers], Integers]
"""Finds communities: edges and their weights to the community of each vertex of the graph."""


def split_off_cores(
    membership: Integers, edges: Integers, strength: Numbers, *, spare_bits: Numbers, partition: Partition, least: int
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
    spare_bits
        Bits of each edge's pair besides its strongest kind.
    partition
        Finds communities of the same vertices.
    least
        Vertices in the smallest core.

    Returns
    -------
    The finer membership.
    """
    inside = membership[edges[:, 0]] == membership[edges[:, 1]]
    corroborated = inside & (spare_bits >= CORROBORATED_BITS)
    core = partition(edges[corroborated], strength[corroborated])
    stands = _stands_apart(core, membership, edges[inside], strength[inside], corroborated[inside])
    leaves = stands & (np.bincount(core) >= least)
    numbered = int(membership.max(initial=-1)) + 1 + core
    return np.where(leaves[core], numbered, membership)


def _stands_apart(
    core: Integers,
    membership: Integers,
    edges: Integers,
    strength: Numbers,
    corroborated: npt.NDArray[np.bool_],
) -> npt.NDArray[np.bool_]:
    """Tell which cores keep to themselves, leave a crowd that does too, and are corroborated where it is not."""
    community = np.zeros(int(core.max(initial=-1)) + 1, dtype=np.int64)
    community[core] = membership
    a, b = core[edges[:, 0]], core[edges[:, 1]]
    own = a == b

    def add_up(weights: Numbers) -> tuple[Numbers, Numbers, Numbers]:
        """Sum of weights inside each core, between it and the rest of its community, and inside that rest."""
        n = len(community)
        within = np.bincount(a[own], weights=weights[own], minlength=n)
        ends = np.concatenate([a[~own], b[~own]])
        across = np.bincount(ends, weights=np.tile(weights[~own], 2), minlength=n)
        whole = np.bincount(membership[edges[:, 0]], weights=weights, minlength=int(membership.max(initial=-1)) + 1)
        rest = np.maximum(whole[community] - within - across, 0)
        return within.astype(float), across.astype(float), rest

    within, across, rest = add_up(strength)
    sure_within, _, sure_rest = add_up(strength * corroborated)
    keeps = (2 * within >= _INSIDE_SHARE * (2 * within + across)) & (2 * rest >= _INSIDE_SHARE * (2 * rest + across))
    contrast = sure_within * rest >= _CONTRAST * sure_rest * within
    stands: npt.NDArray[np.bool_] = keeps & contrast & (across > 0)
    return stands
