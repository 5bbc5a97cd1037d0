"""What the members of clusters use: the entities of each cluster, and how many of its accounts use each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from graphkit.detect.members import Grouping
from graphkit.link.links import Integers, Links


@dataclass(frozen=True)
class Uses:
    """The entities that members of a cluster use: a row for each of each cluster, by cluster, then entity."""

    cluster: Integers
    """Place in the names of the grouping."""
    entity: Integers
    """Place in the links' entities."""
    n_inside: Integers
    """Members that use it."""
    n_users: Integers
    """All accounts that use it."""
    link: Integers
    """Place of each link of a member among the links, in their order."""
    row: Integers
    """The row that each of these links belongs to."""


def list_uses(grouping: Grouping, links: Links) -> Uses:
    """List what the members of each cluster use, hubs included."""
    cluster, n_entities = grouping.cluster[links.account], max(len(links.entities), 1)
    link = np.flatnonzero(cluster >= 0)
    key = cluster[link] * n_entities + links.entity[link]
    distinct, row, n_inside = np.unique(key, return_inverse=True, return_counts=True)
    cluster, entity = np.divmod(distinct, n_entities)
    return Uses(cluster, entity, n_inside, links.entities["n_accounts"].to_numpy()[entity], link, row)
