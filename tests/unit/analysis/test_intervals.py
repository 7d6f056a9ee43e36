"""Our intervals against scipy's."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from minarch.analysis.intervals import ACCURACY, grid_interval, resample, with_intervals


def test_student_t_interval_is_scipys() -> None:
    values = np.array([0.91, 0.93, 0.90, 0.95, 0.92])
    row = with_intervals(pd.DataFrame({"k": 1, "v": values}), ["k"], ["v"], 0.9).iloc[0]
    low, high = stats.t.interval(0.9, 4, values.mean(), stats.sem(values))
    assert (row["v_mean"], row["v_low"], row["v_high"], row["n"]) == pytest.approx((values.mean(), low, high, 5))


def test_missing_values_are_left_out_and_one_value_has_no_interval() -> None:
    frame = pd.DataFrame({"k": [1, 1, 1, 2, 2], "v": [0.5, 0.7, None, 0.4, None], "w": [1.0, 2.0, 3.0, 4.0, 5.0]})
    table = with_intervals(frame, ["k"], ["v", "w"], 0.95).set_index("k")
    assert table.loc[1, "v_mean"] == pytest.approx(0.6)
    assert table["n"].tolist() == [2, 1]
    assert np.isnan(table.loc[2, "v_low"]) and np.isfinite(table.loc[2, "w_low"])


def test_accuracies_stay_between_zero_and_one() -> None:
    row = with_intervals(pd.DataFrame({"k": 1, "v": [0.99, 1.0, 1.0]}), ["k"], ["v"], 0.99, ACCURACY).iloc[0]
    assert row["v_high"] == 1.0 and row["v_low"] < row["v_mean"]


def test_bootstrap_of_the_mean_agrees_with_scipy() -> None:
    values = np.random.default_rng(3).normal(0.9, 0.02, size=30)
    samples = resample(values, 20_000, np.random.default_rng(0)).mean(axis=1)
    expected = stats.bootstrap((values,), np.mean, n_resamples=20_000, method="percentile", rng=1).confidence_interval
    assert grid_interval(samples, 0.95) == pytest.approx(tuple(expected), abs=2e-4)


def test_whole_repeats_are_drawn() -> None:
    values = np.arange(5)[:, None] * np.array([1, 10])  # columns of one repeat belong together
    samples = resample(values, 100, np.random.default_rng(0))
    assert samples.shape == (100, 5, 2)
    np.testing.assert_array_equal(samples[..., 1], 10 * samples[..., 0])


def test_a_grid_interval_only_takes_values_that_occurred() -> None:
    low, high = grid_interval(np.array([100.0] * 50 + [200.0] * 49 + [np.inf]), 0.98)
    assert (low, high) == (100.0, 200.0)
    assert grid_interval(np.array([100.0] * 90 + [np.inf] * 10), 0.95)[1] == np.inf
