"""The monotone fit against scikit-learn's, and on cases whose fit is known."""

import numpy as np
import pandas as pd
import pytest
from constructed import RELIABILITY
from courses import course, random_accuracies, tables
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from minarch.analysis.epochs import course_of
from minarch.analysis.trend import isotonic, trend_table

FEW = settings(max_examples=25, deadline=None)
POINTS = st.lists(st.tuples(st.floats(0, 1), st.integers(1, 60)), min_size=2, max_size=30)


@given(POINTS)
def test_the_fit_is_scikit_learns_on_log_parameters(points: list[tuple[float, int]]) -> None:
    values, weights = np.array(points).T
    log_parameters = np.log(np.geomspace(100, 1e6, len(values)))
    expected = IsotonicRegression().fit(log_parameters, values, sample_weight=weights).predict(log_parameters)
    fitted, piece = isotonic(values, weights)
    np.testing.assert_allclose(fitted, expected, atol=1e-12)
    for level in np.unique(fitted):
        assert piece[fitted == level] == pytest.approx(weights[fitted == level].sum())


def test_a_level_piece_weighs_what_its_points_weigh() -> None:
    fitted, piece = isotonic(np.array([0.1, 0.6, 0.3, 0.9]), np.array([5.0, 1.0, 2.0, 5.0]))
    np.testing.assert_allclose(fitted, [0.1, 0.4, 0.4, 0.9])
    assert piece.tolist() == [5, 3, 3, 5]


def test_equal_counts_are_one_point_of_all_their_runs() -> None:
    trend = trend_table(course({("a", 1, 10): [[0.2], [0.4]], ("b", 2, 10): [[0.6]] * 4, ("c", 1, 20): [[0.3], [0.2]]}))
    assert trend[["epoch", "parameters", "sizes"]].to_numpy().tolist() == [[1, 10, 2], [1, 20, 1]]
    np.testing.assert_allclose(trend["validation_mean"], [0.5, 0.25])
    np.testing.assert_allclose(trend["fitted"], [(6 * 0.5 + 2 * 0.25) / 8] * 2)


def test_every_epoch_has_its_own_fit_and_a_diverged_repeat_counts_as_chance() -> None:
    trend = trend_table(course({("a", 1, 10): [[0.4, None]], ("b", 1, 20): [[0.3, 0.9]]}))
    np.testing.assert_allclose(trend["validation_mean"], [0.4, 0.3, 0.1, 0.9])
    np.testing.assert_allclose(trend["fitted"], [0.35, 0.35, 0.1, 0.9])


@FEW
@given(st.integers(0, 5), st.randoms(use_true_random=False))
def test_order_and_names_change_nothing(seed: int, random) -> None:
    accuracies = random_accuracies(seed)
    names = [f"other-{i}" for i in range(len(accuracies))]
    random.shuffle(names)
    renamed = {
        (name, *rest): random.sample(repeats, len(repeats))
        for name, ((_, *rest), repeats) in zip(names, accuracies.items(), strict=True)
    }
    runs, curves = (table.sample(frac=1, random_state=seed) for table in tables(renamed))
    pd.testing.assert_frame_equal(
        trend_table(course_of(runs, curves, RELIABILITY)), trend_table(course(accuracies)), check_exact=True
    )
