"""Evidence: the entities that a cluster shares, and a sentence that says what binds it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import false_discovery_control, hypergeom

from graphkit.detect.members import Grouping
from graphkit.link.arrays import is_among, sort_distinct
from graphkit.link.links import Links, Numbers
from graphkit.wording import kind_name, percent, plural

_KINDS_TOLD = 3


def gather_evidence(grouping: Grouping, links: Links, *, makes_pairs: npt.NDArray[np.bool_]) -> pd.DataFrame:
    """Gather the entities that two or more accounts of a cluster share, common ones included.

    Entities that do not link, too common or by their tag, are tested for enrichment: the hypergeometric tail,
    adjusted for all such tests together (Benjamini and Hochberg 1995).

    Parameters
    ----------
    makes_pairs
        For each entity of the links whether it links.

    Returns
    -------
    Rows of the table ``evidence``, and ``cluster`` (place in the grouping's names) and ``entity_place`` (in the links)
    to join by.
    """
    cluster = grouping.cluster[links.account]
    linked = cluster >= 0
    key = cluster[linked] * len(links.entities) + links.entity[linked]
    pair, n_inside = np.unique(key, return_counts=True)
    pair, n_inside = pair[n_inside > 1], n_inside[n_inside > 1]
    cluster, entity = np.divmod(pair, max(len(links.entities), 1))
    size = np.bincount(grouping.cluster[grouping.cluster >= 0], minlength=len(grouping.names))
    n_all = links.entities["n_accounts"].to_numpy()[entity]
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
            "cluster": cluster,
            "entity_place": entity,
        }
    )


def say_what_binds(
    grouping: Grouping, evidence: pd.DataFrame, links: Links, *, shares: Numbers, makes_pairs: np.ndarray
) -> list[str]:
    """Say in plain words what binds each cluster: counts and kinds only, never an identifier."""
    binding = evidence[makes_pairs[evidence["entity_place"]]]
    slot = binding["cluster"].to_numpy() * len(links.kinds) + links.entity_kind()[binding["entity_place"]]
    own = (binding["n_outside"] == 0).to_numpy()
    n, n_own = (np.bincount(each, minlength=shares.size).reshape(shares.shape) for each in (slot, slot[own]))
    reach = _accounts_reached(grouping, binding, links)
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


def _accounts_reached(grouping: Grouping, binding: pd.DataFrame, links: Links) -> Numbers:
    """Share of a cluster's accounts that use some binding entity of a kind, shape (clusters, kinds)."""
    n_clusters, n_entities, n_kinds = len(grouping.names), max(len(links.entities), 1), len(links.kinds)
    keys = binding["cluster"].to_numpy() * n_entities + binding["entity_place"].to_numpy()
    cluster = grouping.cluster[links.account]
    bound = np.flatnonzero(cluster >= 0)
    bound = bound[is_among(cluster[bound] * n_entities + links.entity[bound], keys)]
    slots = sort_distinct(links.account[bound] * n_kinds + links.entity_kind()[links.entity[bound]])
    account, kind = np.divmod(slots, n_kinds)
    reached = np.bincount(grouping.cluster[account] * n_kinds + kind, minlength=n_clusters * n_kinds)
    size = np.bincount(grouping.cluster[grouping.cluster >= 0], minlength=n_clusters)
    share: Numbers = reached.reshape(n_clusters, n_kinds) / size[:, None]
    return share
