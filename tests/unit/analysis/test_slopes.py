"""Slopes within cells and between data sets: closed forms, exact permutations, and how often they err."""

from itertools import permutations

import numpy as np
import pytest
from scipy import stats

from minarch.analysis.slopes import FEWEST_DATASETS, at_equal_size, between, within

CONFIDENCE = 0.95
STUDIES = 4000


def wrong(slopes):
    """How often an outcome without a slope is given one."""
    assert np.array_equal(slopes.p <= 1 - CONFIDENCE, (slopes.low > 0) | (slopes.high < 0))
    return np.mean(slopes.p <= 1 - CONFIDENCE)


def cells(datasets, models):
    return np.repeat(np.arange(datasets), models)


def test_one_cell_is_a_regression_with_robust_errors() -> None:
    """HC3 by its definition, with the hat matrix."""
    generator = np.random.default_rng(0)
    x, y = generator.normal(3, 1, 9), generator.normal(0, 1, 9)
    slopes = within(x, np.zeros(9, int), np.zeros(9, int), y[:, None], CONFIDENCE)
    design = np.column_stack([np.ones(9), x])
    inverse = np.linalg.inv(design.T @ design)
    residuals = y - design @ (inverse @ design.T @ y)
    weights = (residuals / (1 - np.diag(design @ inverse @ design.T))) ** 2
    error = np.sqrt((inverse @ (design.T * weights) @ design @ inverse)[1, 1])
    expected = stats.linregress(x, y).slope
    assert slopes.coefficient == pytest.approx(expected) and (slopes.over, slopes.models) == ("models", 9)
    assert slopes.high - slopes.low == pytest.approx(2 * stats.t.ppf(0.975, 7) * error)
    assert slopes.p == pytest.approx(2 * stats.t.sf(abs(expected) / error, 7))


def test_with_many_data_sets_it_is_a_t_test_of_their_slopes() -> None:
    generator = np.random.default_rng(1)
    x, y = generator.normal(0, 1, (6, 4)), generator.normal(0, 1, (6, 4))
    slopes = within(x.ravel(), cells(6, 4), cells(6, 4), y.reshape(-1, 1), CONFIDENCE)
    each = [stats.linregress(*pair).slope for pair in zip(x, y, strict=True)]
    test = stats.ttest_1samp(each, 0)
    assert (slopes.over, slopes.datasets, slopes.models) == ("data sets", 6, 24)
    assert slopes.coefficient == pytest.approx(np.mean(each)) and slopes.p == pytest.approx(test.pvalue)
    assert [slopes.low[0], slopes.high[0]] == pytest.approx(list(test.confidence_interval()))


@pytest.mark.parametrize("datasets", [3, 6])
def test_levels_of_cells_change_nothing(datasets) -> None:
    generator = np.random.default_rng(2)
    x, y = generator.normal(0, 1, 5 * datasets), generator.normal(0, 1, (5 * datasets, 3))
    names = cells(datasets, 5)
    plain = within(x, names, names, y, CONFIDENCE)
    moved = within(x + 5 * names, names, names, y + generator.normal(0, 50, datasets)[names, None], CONFIDENCE)
    for name in ("coefficient", "low", "high", "p"):
        assert getattr(moved, name) == pytest.approx(getattr(plain, name))


def test_what_cannot_tell_says_so() -> None:
    y = np.arange(6.0)[:, None]
    alone = within(np.arange(6.0), np.arange(6), np.arange(6), y, CONFIDENCE)  # one model in every cell
    equal = within(np.ones(6), cells(2, 3), cells(2, 3), y, CONFIDENCE)
    pairs = within(np.arange(4.0), cells(2, 2), cells(2, 2), y[:4], CONFIDENCE)  # one degree of freedom
    lever = within(np.array([0, 1, 2, 2, 2, 2.0]), cells(3, 2), cells(3, 2), y, CONFIDENCE)  # one cell has all the say
    for slopes in (alone, equal, pairs, lever):
        assert np.isnan([slopes.low, slopes.high, slopes.p]).all()
    assert (alone.models, equal.models, equal.datasets) == (0, 0, 0) and np.isnan(equal.coefficient).all()
    assert pairs.coefficient == pytest.approx(1)


def test_a_line_is_sure_and_a_constant_is_no_sign() -> None:
    x, names = np.tile(np.arange(4.0), 3), cells(3, 4)
    slopes = within(x, names, names, np.column_stack([-3 * x, 0 * x]), CONFIDENCE)
    assert slopes.coefficient == pytest.approx([-3, 0]) and slopes.p == pytest.approx([0, 1])
    assert slopes.low == pytest.approx(slopes.high)


@pytest.mark.parametrize("datasets", [1, 3, FEWEST_DATASETS, 6])
@pytest.mark.parametrize("uneven", [False, True])
def test_without_a_slope_within_it_errs_at_most_at_the_nominal_rate(datasets, uneven) -> None:
    """Three families whose sizes and losses differ; small models that vary much more than large ones, if uneven."""
    generator = np.random.default_rng(datasets)
    family, dataset, size = (index.ravel() for index in np.indices((3, datasets, 6)))
    x = 2 + 0.4 * size + 0.7 * family + 0.1 * dataset
    noise = np.exp(-0.6 * (x - x.mean()) * uneven)[:, None] * generator.normal(0, 1, (len(x), STUDIES))
    outcomes = (
        noise + 5 * family[:, None] + generator.normal(0, 5, (3 * datasets, STUDIES))[family * datasets + dataset]
    )
    for of in (family == 0, family == 2, family >= 0):
        names = (family * datasets + dataset)[of]
        assert wrong(within(x[of], names, dataset[of], outcomes[of], CONFIDENCE)) < 0.06


def test_slopes_that_differ_between_data_sets_are_no_slope_of_others() -> None:
    generator = np.random.default_rng(3)
    x, names = np.tile(np.arange(6.0), 6), cells(6, 6)
    outcomes = generator.normal(0, 3, (6, STUDIES))[names] * x[:, None] + generator.normal(0, 1, (36, STUDIES))
    assert wrong(within(x, names, names, outcomes, CONFIDENCE)) < 0.06


def permuted(x, y):
    """Two-sided p of a slope over all orders, by counting."""
    slopes = [np.polyfit(x, y[list(order)], 1)[0] for order in permutations(range(len(x)))]
    return min(1, 2 * min(np.mean(slopes >= slopes[0] - 1e-9), np.mean(slopes <= slopes[0] + 1e-9)))


@pytest.mark.parametrize("datasets", [3, 4, 5, 6])
def test_between_data_sets_p_is_the_share_of_orders(datasets) -> None:
    generator = np.random.default_rng(datasets)
    x, y = generator.normal(10, 5, datasets), generator.normal(0, 1, (datasets, 4))
    slopes = between(x, y, CONFIDENCE, models=20)
    assert slopes.coefficient == pytest.approx(np.polyfit(x, y, 1)[0])
    assert slopes.p == pytest.approx([permuted(x, column) for column in y.T])
    assert np.isnan(slopes.low).all() == (datasets < FEWEST_DATASETS)
    if datasets >= FEWEST_DATASETS:
        for value in (slopes.low - 1e-6, slopes.high + 1e-6):  # just outside the test rejects, just inside it does not
            assert (between(x, y - x[:, None] * value, CONFIDENCE, 20).p <= 0.05).all()
        for value in (slopes.low + 1e-6, slopes.high - 1e-6):
            assert (between(x, y - x[:, None] * value, CONFIDENCE, 20).p > 0.05).all()


def test_of_three_data_sets_one_order_in_six_is_in_line() -> None:
    slopes = between(np.arange(3.0), np.arange(3.0)[:, None], CONFIDENCE, models=9)
    assert slopes.p == pytest.approx(2 / 6)


def test_data_sets_that_are_equally_hard_change_places_freely() -> None:
    slopes = between(np.array([1.0, 1, 1, 1, 1, 2]), np.array([0.0, 0, 0, 0, 0, 5])[:, None], CONFIDENCE, models=9)
    assert slopes.p == pytest.approx(2 / 6) and np.isnan(slopes.low).all()
    assert np.isnan(between(np.ones(6), np.arange(6.0)[:, None], CONFIDENCE, models=9).p).all()


@pytest.mark.parametrize("datasets", [FEWEST_DATASETS, 6, 9])
def test_without_a_slope_between_it_errs_at_most_at_the_nominal_rate(datasets) -> None:
    """Of a law with heavy tails, too: nothing is taken to be normal."""
    generator = np.random.default_rng(datasets)
    for law in (generator.normal, generator.standard_cauchy):
        outcomes = law(size=(datasets, 1000))
        assert wrong(between(generator.normal(0, 10, datasets), outcomes, CONFIDENCE, models=9)) < 0.065


def test_data_sets_are_compared_at_equal_size_and_of_equal_families() -> None:
    """Harder data have larger models here, and more of one family."""
    family = np.array([0, 0, 1, 0, 1, 1, 0, 1, 1])
    dataset = np.repeat([0, 1, 2], 3)
    x = np.array([1, 2, 2, 3, 4, 3.5, 5, 6, 7])
    level = np.array([3.0, 1.0, 2.0])
    outcome = level[dataset] + 4 * family - 2 * x
    assert np.diff(at_equal_size(x, family, dataset, outcome[:, None])[:, 0]) == pytest.approx(np.diff(level))
    assert np.isnan(at_equal_size(1.0 * dataset, family, dataset, outcome[:, None])).all()  # size is the data set
