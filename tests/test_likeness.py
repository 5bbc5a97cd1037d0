"""Likeness: bits for groups that behave alike, against groups drawn at random; by hand where a hand can."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from graphkit.link.likeness import group_likeness, member_likeness, pair_likeness

CORRELATIONS = (0.1, 0.3, 0.6)
EVERYBODY = np.random.default_rng(0).standard_normal((4_000, 6))


def of_group(profiles):
    profiles = np.asarray(profiles, dtype=float)
    size = np.array([[float(len(profiles))]])
    return group_likeness(size, profiles.sum(axis=0)[None], (profiles**2).sum(axis=0)[None])[0]


def density(values, correlation):
    n = len(values)
    covariance = correlation * np.ones((n, n)) + (1 - correlation) * np.eye(n)
    return multivariate_normal(np.zeros(n), covariance).pdf(values)


@given(st.lists(st.floats(-3, 3), min_size=2, max_size=6))
@settings(max_examples=40, deadline=None)
def test_a_group_is_weighed_as_the_normal_distribution_says(values):
    by_hand = np.mean([density(values, correlation) for correlation in (0.0, *CORRELATIONS)]) / density(values, 0.0)
    assert of_group(np.array(values)[:, None]) == pytest.approx(math.log2(by_hand), abs=1e-9)


@given(st.floats(-3, 3), st.floats(-3, 3))
@settings(max_examples=40, deadline=None)
def test_a_pair_is_weighed_as_the_normal_distribution_says(one, other):
    likeness = pair_likeness(np.array([[one], [other]]), np.array([0]), np.array([1]))
    assert likeness[0] == pytest.approx(math.log2(density([one, other], 0.3) / density([one, other], 0.0)), abs=1e-9)


@pytest.mark.parametrize("middle", [1.5, -1.5, 0.0])
def test_it_does_not_matter_in_what_accounts_are_alike(middle):
    rng = np.random.default_rng(1)
    assert of_group(middle + 0.3 * rng.standard_normal((30, 6))) > 50


def test_groups_drawn_at_random_are_not_alike():
    groups = EVERYBODY.reshape(-1, 8, 6)
    bits = np.array([of_group(group) for group in groups])
    assert np.mean(bits >= 4) < 1 / 2**4
    assert np.median(bits) < 0


def test_members_are_told_apart_and_only_those_asked_for():
    alike = 1.2 + 0.2 * np.random.default_rng(2).standard_normal((10, 6))
    profiles = np.concatenate([alike, [[-2.0] * 6], EVERYBODY[:5]])
    membership = np.array([0] * 11 + [-1] * 5)
    chosen = np.array([True] * 2 + [False] * 8 + [True] + [False] * 5)
    likeness = member_likeness(profiles, membership, chosen)
    assert np.isnan(likeness[~chosen]).all()
    assert likeness[:2].min() > 5
    assert likeness[10] < -5
    whole, without = of_group(profiles[:11]), of_group(np.delete(profiles[:11], 10, axis=0))
    assert likeness[10] == pytest.approx(whole - without)


def test_unknown_behavior_says_nothing():
    nothing = np.empty((4, 0))
    assert pair_likeness(nothing, np.array([0, 1]), np.array([2, 3])).tolist() == [0, 0]
    assert member_likeness(nothing, np.zeros(4, dtype=int), np.array([True, True, False, False]))[:2].tolist() == [0, 0]


def test_chunks_change_nothing(monkeypatch):
    a, b = np.arange(0, 200, 2), np.arange(1, 200, 2)
    membership, chosen = np.arange(4_000) // 9, np.ones(4_000, dtype=bool)
    whole = pair_likeness(EVERYBODY, a, b), member_likeness(EVERYBODY, membership, chosen)
    monkeypatch.setattr("graphkit.link.likeness._CHUNK", 7)
    parts = pair_likeness(EVERYBODY, a, b), member_likeness(EVERYBODY, membership, chosen)
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_array_equal(one, other)
