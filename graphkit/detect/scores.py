"""Scores: named parts, each an effect that a person can check, and one documented combination.

The score is the logistic function of a sum: ``INTERCEPT``, and for each part its weight times its
effect less 0.5. A part that the data lacks adds nothing. So the score never falls as a part's effect
grows, and what each part adds is told in the same unit, the natural logarithm of the odds.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from graphkit.detect import parts
from graphkit.detect.parts import Clusters, Part
from graphkit.link.links import Numbers

INTERCEPT = -2.5
"""Log odds of a cluster of whose parts none tells anything."""

WEIGHTS = {
    "linking_strength": 0.5,
    "accounts": 2.5,
    "kinds_that_corroborate": 3.0,
    "exclusive_infrastructure": 3.0,
    "creation_burst": 1.0,
    "hour_flatness": 2.5,
    "workload_spread": 7.0,
    "private_share": 1.5,
    "capability_concentration": 2.5,
    "template_share": 1.0,
    "volume": 3.0,
}
"""Weights of the parts: log odds between their least and their greatest effect."""


def score_clusters(clusters: Clusters, *, threshold: float) -> tuple[Numbers, pa.Table]:
    """Score clusters.

    Parameters
    ----------
    threshold
        Bits that link a pair.

    Returns
    -------
    The score of each cluster, 0 to 1, and rows of the table ``score_parts``.
    """
    measured = [
        parts.linking_strength(clusters, threshold=threshold),
        parts.accounts(clusters),
        parts.kinds_that_corroborate(clusters),
        parts.exclusive_infrastructure(clusters),
        parts.creation_burst(clusters),
        parts.hour_flatness(clusters),
        parts.workload_spread(clusters),
        parts.private_share(clusters),
        parts.capability_concentration(clusters),
        parts.template_share(clusters),
        parts.volume(clusters),
    ]
    added = [WEIGHTS[part.name] * np.nan_to_num(part.effect - 0.5) for part in measured]
    score = 1 / (1 + np.exp(-INTERCEPT - np.sum(added, axis=0)))
    rows = [_rows(part, adds, clusters) for part, adds in zip(measured, added, strict=True)]
    return score, pa.concat_tables(rows)


def _rows(part: Part, contribution: Numbers, clusters: Clusters) -> pa.Table:
    missing = [part.missing if gone else None for gone in np.isnan(part.value)]
    return pa.table(
        {
            "cluster_id": pa.array(clusters.grouping.names, pa.string()),
            "part": pa.array([part.name] * clusters.n, pa.string()),
            "value": pa.array(part.value, from_pandas=True),
            "population": pa.array(part.population, from_pandas=True),
            "contribution": contribution,
            "missing": pa.array(missing, pa.string()),
        }
    )
