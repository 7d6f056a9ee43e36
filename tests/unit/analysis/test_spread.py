"""Shapes whose effect in points is known, below P_min and above."""

import numpy as np
import pandas as pd
import pytest

from minarch.analysis.minimal import Bootstrap
from minarch.analysis.spread import ABOVE, BELOW, NEAR, range_of, spreads

BOOTSTRAP = Bootstrap(resamples=200, confidence=0.95, seed=0)
COUNTS = np.repeat([100, 200, 400, 800, 1600, 3200, 6400], 3)  # three shapes of each
SIZES = np.repeat([0.2, 0.5, 0.85, 0.9, 0.93, 0.94, 0.945], 3)
SHAPE = np.tile([-1.0, 0.0, 1.0], 7)  # a standard deviation of 1


def table(effect: np.ndarray, noise: float, seed: int, repeats: int = 20, p_min: float = 400) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    accuracies = [m + generator.normal(0, noise, repeats) for m in SIZES + effect * SHAPE / 100]
    return pd.DataFrame(spreads(COUNTS, accuracies, p_min, BOOTSTRAP)).set_index("range")


def test_counts_are_parted_at_p_min_and_four_times_it() -> None:
    assert range_of(np.array([399, 400, 1600, 1601]), 400).tolist() == [BELOW, NEAR, NEAR, ABOVE]
    assert range_of(np.array([1, 10**9]), np.nan).tolist() == [BELOW, BELOW]


def test_each_range_has_its_own_effect() -> None:
    rows = table(np.repeat([8.0, 5.0, 0.5], [6, 9, 6]), 0.002, 0)
    assert rows["spread_points"].to_dict() == pytest.approx({BELOW: 8, NEAR: 5, ABOVE: 0.5}, rel=0.15)
    assert rows["architectures"].tolist() == [6, 9, 6] and rows["runs"].tolist() == [120, 180, 120]


def test_no_effect_of_shape_is_told_as_none_and_an_effect_is_found() -> None:
    """Over 200 studies: the interval leaves 0 at most at the nominal rate, and with 0.7 points in 80 % or more."""
    none = [table(np.zeros(21), 0.01, seed).loc[ABOVE, "spread_points_low"] for seed in range(200)]
    some = [table(np.full(21, 0.7), 0.01, seed).loc[ABOVE, "spread_points_low"] for seed in range(200)]
    assert np.mean(np.array(none) > 0) <= 0.05
    assert np.mean(np.array(some) > 0) >= 0.8


def test_sizes_that_are_each_alone_say_nothing_of_shape() -> None:
    accuracies = [np.array([m, m + 0.001]) for m in (0.2, 0.5, 0.9)]
    (below, near) = spreads(np.array([10, 20, 30]), accuracies, 30, BOOTSTRAP)
    assert np.isnan(below["spread_points"]) and np.isnan(near["spread_points_low"])


def test_order_changes_nothing() -> None:
    generator = np.random.default_rng(0)
    accuracies = [m + generator.normal(0, 0.01, 5) for m in SIZES]
    turned = spreads(COUNTS[::-1], [values[::-1] for values in accuracies[::-1]], 400, BOOTSTRAP)
    assert turned == spreads(COUNTS, accuracies, 400, BOOTSTRAP)
