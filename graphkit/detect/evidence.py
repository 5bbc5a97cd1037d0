"""Evidence: the entities that a cluster shares, and a sentence that says what binds it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import false_discovery_control, hypergeom

from graphkit.detect.members import Grouping
from graphkit.link.arrays import is_among, sort_distinct
from graphkit.link.links import Links, Numbers
from graphkit.link.weights import Weighted
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
    Rows of the table ``evidence``, and ``entity_place`` (in the links) to join by.
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
            "entity_place": entity,
        }
    )


def share_bits(grouping: Grouping, pairs: Weighted) -> Numbers:
    """Share of each kind in the bits that hold a cluster together, shape (clusters, kinds)."""
    cluster = grouping.cluster[pairs.a[grouping.inside]]
    factor = 1 / pairs.probability[grouping.inside]
    columns = [
        np.bincount(cluster, weights=np.maximum(bits[grouping.inside], 0) * factor, minlength=len(grouping.names))
        for bits in pairs.bits.T
    ]
    total = np.column_stack(columns)
    share: Numbers = total / np.maximum(total.sum(axis=1, keepdims=True), np.finfo(float).tiny)
    return share


def say_what_binds(
    grouping: Grouping, evidence: pd.DataFrame, links: Links, *, shares: Numbers, makes_pairs: np.ndarray
) -> list[str]:
    """Say in plain words what binds each cluster: counts and kinds only, never an identifier."""
    binding = evidence[makes_pairs[evidence["entity_place"]]]
    counts = (
        binding.assign(own=binding["n_outside"] == 0)
        .groupby(["cluster_id", "kind"])
        .agg(n=("entity", "size"), n_own=("own", "sum"))
    )
    reach = _accounts_reached(grouping, binding, links)
    told: dict[tuple[str, str], str] = {}
    for (cluster_id, kind), n, n_own in counts.itertuples(name=None):
        own = "" if n_own == 0 else " that no one else uses" if n_own == n else f" ({n_own:,} used by no one else)"
        who = "all" if reach[cluster_id, kind] == 1 else percent(reach[cluster_id, kind])
        told[cluster_id, kind] = f"{who} share {plural(n, kind_name(kind))}{own}"
    sentences = []
    for name, share in zip(grouping.names, shares, strict=True):
        strongest = [links.kinds[kind] for kind in np.argsort(-share, kind="stable") if share[kind] > 0]
        parts = [told[name, kind] for kind in strongest[:_KINDS_TOLD] if (name, kind) in told]
        sentence = "; ".join(parts) or "nothing that two accounts share weighs anything"
        sentences.append(sentence[0].upper() + sentence[1:])
    return sentences


def _accounts_reached(grouping: Grouping, binding: pd.DataFrame, links: Links) -> dict[tuple[str, str], float]:
    """Share of a cluster's accounts that use some binding entity of a kind, by cluster id and kind."""
    place = {name: number for number, name in enumerate(grouping.names)}
    n_entities = max(len(links.entities), 1)
    keys = binding["cluster_id"].map(place).to_numpy(dtype=np.int64) * n_entities + binding["entity_place"].to_numpy()
    cluster = grouping.cluster[links.account]
    bound = np.flatnonzero(cluster >= 0)
    bound = bound[is_among(cluster[bound] * n_entities + links.entity[bound], sort_distinct(keys))]
    slots = sort_distinct(links.account[bound] * len(links.kinds) + links.entity_kind()[links.entity[bound]])
    account, kind = np.divmod(slots, len(links.kinds))
    reached = np.zeros((len(grouping.names), len(links.kinds)), dtype=np.int64)
    np.add.at(reached, (grouping.cluster[account], kind), 1)
    size = np.bincount(grouping.cluster[grouping.cluster >= 0], minlength=len(grouping.names))
    return {
        (name, kind): float(reached[number, slot] / size[number])
        for name, number in place.items()
        for slot, kind in enumerate(links.kinds)
    }
