"""Scores: named parts, each an effect that a person can check, and one documented combination.

The score is the logistic function of a sum: the intercept, and for each part its weight times its effect less 0.5. A
part that the data lacks adds nothing. So the score never falls as a part's effect grows, and what each part adds is
told in the same unit, the natural logarithm of the odds. ``Config.score`` holds intercept and weights.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from graphkit.config import Score
from graphkit.detect import behavior, hours, parts
from graphkit.detect.anomaly import anomaly
from graphkit.detect.parts import Clusters, Part
from graphkit.link.links import Numbers


def score_clusters(clusters: Clusters) -> tuple[Numbers, pa.Table]:
    """Score clusters by the weights of their config.

    Returns
    -------
    The score of each cluster, 0 to 1, and rows of the table ``score_parts``.
    """
    measured = measure_parts(clusters)
    score, added = combine_effects({part.name: part.effect for part in measured}, clusters.config.score)
    rows = [_rows(part, added[part.name], clusters) for part in measured]
    return score, pa.concat_tables(rows)


def measure_parts(clusters: Clusters) -> list[Part]:
    """Measure all parts, in the order of the settings."""
    counted = hours.count_hours(clusters)
    measured = [
        parts.linking_strength(clusters),
        parts.accounts(clusters),
        parts.kinds_that_corroborate(clusters),
        parts.exclusive_infrastructure(clusters),
        parts.common_to_all(clusters),
        behavior.creation_burst(clusters),
        hours.hour_flatness(counted),
        hours.synchrony(counted),
        behavior.workload_spread(clusters),
        behavior.private_share(clusters),
        behavior.capability_concentration(clusters),
        behavior.template_share(clusters),
        behavior.volume(clusters),
    ]
    return [*measured, anomaly(measured, seed=clusters.config.seed)]


def combine_effects(effects: dict[str, Numbers], score: Score) -> tuple[Numbers, dict[str, Numbers]]:
    """Combine effects by part, nan where missing, to a score.

    Returns
    -------
    The scores, 0 to 1, and by part what it adds to the log odds.
    """
    weights = score.weights
    added = {name: weights[name] * np.nan_to_num(effect - 0.5) for name, effect in effects.items()}
    return 1 / (1 + np.exp(-score.intercept - np.sum(list(added.values()), axis=0))), added


def _rows(part: Part, contribution: Numbers, clusters: Clusters) -> pa.Table:
    missing = [part.missing if gone else None for gone in np.isnan(part.value)]
    return pa.table(
        {
            "cluster_id": pa.array(clusters.grouping.names, pa.string()),
            "part": pa.array([part.name] * clusters.n, pa.string()),
            "value": pa.array(part.value, from_pandas=True),
            "population": pa.array(part.population, from_pandas=True),
            "effect": pa.array(part.effect, from_pandas=True),
            "contribution": contribution,
            "missing": pa.array(missing, pa.string()),
        }
    )
