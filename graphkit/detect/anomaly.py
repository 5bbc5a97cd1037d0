"""The anomaly part: how unlike all other clusters one is, over the other parts; one voice among them, no judge."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from graphkit.detect.parts import Part, make_part, missing_part
from graphkit.link.links import Numbers

FEWEST = 10
"""Clusters among which one can stand out."""
_TREES = 100
_SAMPLE = 256


def anomaly(others: Sequence[Part], *, seed: int) -> Part:
    """Anomaly score of an Isolation Forest (Liu, Ting and Zhou 2008) over the effects of the other parts.

    It is from 0 to 1, where 1 is isolated at once and 0.5 tells nothing. A forest calls whatever is rare anomalous, the
    oddly harmless too. So it sees of each effect only what speaks for a farm: those below 0.5, and those that are
    missing, count as 0.5.
    """
    effects = np.column_stack([part.effect for part in others])
    if len(effects) < FEWEST:
        return missing_part("anomaly", len(effects), f"fewer than {FEWEST} clusters to compare with")
    value = isolate(np.fmax(effects, 0.5), seed=seed)
    return make_part("anomaly", value, float(np.median(value)), value)


def isolate(rows: Numbers, *, seed: int) -> Numbers:
    """Anomaly score of each row, 0 to 1; the same rows and seed, the same scores."""
    from sklearn.ensemble import IsolationForest  # takes a second to import, and only scoring needs it

    forest = IsolationForest(n_estimators=_TREES, max_samples=min(_SAMPLE, len(rows)), random_state=seed, n_jobs=1)
    scores: Numbers = -forest.fit(rows).score_samples(rows)
    return scores
