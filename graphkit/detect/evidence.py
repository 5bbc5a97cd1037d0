"""Evidence: the entities that a cluster shares, and a sentence that says what binds it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import false_discovery_control, hypergeom

from graphkit.detect.members import Grouping
from graphkit.detect.uses import Uses
from graphkit.link.links import Integers, Links, Numbers
from graphkit.wording import kind_name, percent, plural

_KINDS_TOLD = 3


def gather_evidence(
    uses: Uses, grouping: Grouping, links: Links, *, makes_pairs: npt.NDArray[np.bool_]
) -> pd.DataFrame:
    """Gather the entities that two or more accounts of a cluster share, common ones included.

    Entities that do not link, too common or by their tag, are tested for enrichment: the hypergeometric tail,
    adjusted for all such tests together (Benjamini and Hochberg 1995).

    Parameters
    ----------
    makes_pairs
        For each entity of the links whether it links.

    Returns
    -------
    Rows of the table ``evidence``.
    """
    shared = np.flatnonzero(uses.n_inside > 1)
    cluster, entity, n_inside, n_all = (
        each[shared] for each in (uses.cluster, uses.entity, uses.n_inside, uses.n_users)
    )
    size = grouping.sizes()
    coverage = n_inside / size[cluster]
    names = links.entities.take(entity)
    excluded = ~makes_pairs[entity]
    enrichment = np.full(len(entity), np.nan)
    if excluded.any():
        tail = hypergeom.sf(n_inside[excluded] - 1, links.n_population, n_all[excluded], size[cluster[excluded]])
        enrichment[excluded] = false_discovery_control(np.clip(tail, 0, 1))
    return pd.DataFrame(
        {
            "cluster_id": np.array(grouping.names, dtype=object)[cluster],
            "kind": names["kind"].to_pandas(),
            "entity": names["entity"].to_pandas(),
            "n_inside": n_inside,
            "n_outside": n_all - n_inside,
            "coverage": coverage,
            "lift": coverage / (n_all / links.n_population),
            "enrichment": enrichment,
            "tag": names["tag"].to_pandas(),
        }
    )


def say_what_binds(
    uses: Uses, grouping: Grouping, links: Links, *, shares: Numbers, makes_pairs: npt.NDArray[np.bool_]
) -> list[str]:
    """Say in plain words what binds each cluster: counts and kinds only, never an identifier."""
    binds = (uses.n_inside > 1) & makes_pairs[uses.entity]
    slot = uses.cluster * len(links.kinds) + links.entity_kind()[uses.entity]
    n, n_own = (
        np.bincount(slot[chosen], minlength=shares.size).reshape(shares.shape)
        for chosen in (binds, binds & (uses.n_inside == uses.n_users))
    )
    reach = _count_reached(uses, binds, links, shares.shape) / grouping.sizes()[:, None]
    sentences = []
    for cluster, kinds in enumerate(np.argsort(-shares, axis=1, kind="stable")):
        strongest = [kind for kind in kinds[:_KINDS_TOLD] if shares[cluster, kind] > 0 and n[cluster, kind]]
        told = [
            _tell_sharing(links.kinds[kind], *(each[cluster, kind].item() for each in (n, n_own, reach)))
            for kind in strongest
        ]
        sentence = "; ".join(told) or "nothing that two accounts share weighs anything"
        sentences.append(sentence[0].upper() + sentence[1:])
    return sentences


def _tell_sharing(kind: str, n: int, n_own: int, reach: float) -> str:
    """What the accounts of a cluster share of a kind: entities, those of them that are its own, who uses one."""
    own = "" if n_own == 0 else " that no one else uses" if n_own == n else f" ({n_own:,} used by no one else)"
    return f"{'all' if reach == 1 else percent(reach)} share {plural(n, kind_name(kind))}{own}"


def _count_reached(uses: Uses, binds: npt.NDArray[np.bool_], links: Links, shape: tuple[int, ...]) -> Integers:
    """Count a cluster's accounts that use some binding entity of a kind, shape (clusters, kinds)."""
    bound = np.flatnonzero(binds[uses.row])
    link, cluster = uses.link[bound], uses.cluster[uses.row[bound]]
    n_clusters, n_kinds = shape
    kind = links.entity_kind()[links.entity[link]]
    # links are sorted by account and kind
    first = (np.diff(links.account[link], prepend=-1) > 0) | (np.diff(kind, prepend=-1) != 0)
    return np.bincount((cluster * n_kinds + kind)[first], minlength=n_clusters * n_kinds).reshape(shape)
