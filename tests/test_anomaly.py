"""The anomaly part: one-sided, repeatable, silent where there is nothing to compare with."""

import numpy as np
import pytest

from graphkit.detect.anomaly import FEWEST, anomaly
from graphkit.detect.parts import Part


def parts_of(effects):
    """A part for each column of the effects."""
    usual = np.zeros(len(effects))
    return [Part(f"part {number}", column, usual, column) for number, column in enumerate(np.array(effects).T)]


def ordinary(n, *, n_parts=5):
    return np.random.default_rng(7).uniform(0.35, 0.6, (n, n_parts))


def test_a_farm_stands_out_and_the_oddly_harmless_does_not():
    farm, harmless = [1.0, 0.95, 1.0, 0.9, 1.0], [0.0, 0.05, 0.0, 0.1, 0.0]
    part = anomaly(parts_of([farm, harmless, *ordinary(200)]), seed=0)
    assert part.effect[0] == part.effect.max() > 0.7
    assert part.effect[1] <= np.median(part.effect)
    assert (part.population == np.median(part.value)).all()


def test_what_is_missing_tells_nothing():
    rows = ordinary(50)
    gone, told = rows.copy(), rows.copy()
    gone[3, 2], told[3, 2] = np.nan, 0.5
    assert (anomaly(parts_of(gone), seed=0).value == anomaly(parts_of(told), seed=0).value).all()


@pytest.mark.parametrize(("n", "has_value"), [(1, False), (FEWEST - 1, False), (FEWEST, True), (300, True)])
def test_few_clusters_have_no_value_and_are_told_why(n, has_value):
    part = anomaly(parts_of(ordinary(n)), seed=0)
    assert np.isfinite(part.value).all() == has_value
    assert (part.missing == "fewer than 10 clusters to compare with") != has_value


def test_the_same_seed_gives_the_same_bytes():
    rows = ordinary(400)
    first, again, other = (anomaly(parts_of(rows), seed=seed).value.tobytes() for seed in (3, 3, 4))
    assert first == again != other
