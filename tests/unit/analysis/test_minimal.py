"""Step-shaped sweeps whose minimal sizes are known by construction."""

from dataclasses import replace

import numpy as np
import pytest
from constructed import CONVERGENCE, size

from minarch.analysis.minimal import BY_GAIN, BY_POINTS, Bootstrap, Minimum, both_rules, minimum, smallest, statistics
from minarch.analysis.regimes import Thresholds
from minarch.analysis.sizes import Size, as_measured

THRESHOLDS = Thresholds.of(CONVERGENCE)
BOOTSTRAP = Bootstrap(resamples=200, confidence=0.95, seed=0)
NOISE = np.array([0.0, 0.002, -0.002, 0.001, -0.001])


def sweep(means: dict[int, float]) -> list[Size]:
    return [size(parameters, mean, mean + 0.01, spread=NOISE) for parameters, mean in means.items()]


def find(depths: list[list[Size]]) -> Minimum:
    return minimum(
        [statistics(sizes, BOOTSTRAP, i) for i, sizes in enumerate(depths)], THRESHOLDS, BOOTSTRAP.confidence
    )


def test_a_step_has_its_minimum_at_the_step() -> None:
    minimal = find([sweep({10: 0.1, 100: 0.3, 1000: 0.9, 2000: 0.945, 4000: 0.95})])
    assert (minimal.p_min.value, minimal.p_min.low, minimal.p_min.high) == (1000, 1000, 1000)
    assert minimal.p_near_best.value == 2000
    assert minimal.best_validation == pytest.approx(0.95)


def test_monotone_from_above_a_late_failure_moves_the_minimum() -> None:
    sizes = sweep({100: 0.9, 1000: 0.94, 4000: 0.95})
    sizes[1] = size(1000, 0.94, 0.95, spread=NOISE, failed=1)
    minimal = find([sizes])
    assert minimal.p_min.value == 4000
    assert minimal.p_min.low == 100  # some resamples do not draw the failed repeat


def test_equal_parameter_counts_must_all_be_stable() -> None:
    sizes = [*sweep({100: 0.9}), size(100, 0.4, 0.4, spread=NOISE), *sweep({1000: 0.95})]
    assert find([sizes]).p_min.value == 1000


def test_nothing_learns_reliably_up_to_the_largest() -> None:
    sizes = [*sweep({100: 0.9}), size(1000, 0.95, 0.96, spread=NOISE, failed=5)]
    minimal = find([sizes])
    assert np.isinf(minimal.p_min.value) and np.isinf(minimal.p_near_best.value)


def test_a_poor_depth_does_not_give_the_family_its_minimum() -> None:
    good, poor = sweep({1000: 0.9, 2000: 0.95}), sweep({50: 0.52, 100: 0.55})
    assert find([poor]).p_min.value == 50
    assert find([good, poor]).p_min.value == 1000


def test_the_family_is_the_smallest_of_its_depths() -> None:
    depths = [sweep({1000: 0.9, 2000: 0.95}), sweep({800: 0.9, 1500: 0.948})]
    minimal = find(depths)
    assert (minimal.p_min.value, minimal.p_near_best.value) == (800, 1500)


def test_the_interval_is_seeded_and_grows_with_noise() -> None:
    noisy = [
        size(p, m, m, spread=[0.03, -0.03, 0.02, -0.02, 0.0])
        for p, m in [(100, 0.84), (200, 0.85), (400, 0.86), (800, 0.95)]
    ]
    first, again = find([noisy]), find([noisy])
    assert first == again
    assert first.p_min.low < first.p_min.high


def test_statistics_start_with_the_data_as_measured() -> None:
    sizes = sweep({10: 0.1, 100: 0.9})
    samples = statistics(sizes, BOOTSTRAP, 0)
    assert samples.mean.shape == (201, 2)
    np.testing.assert_allclose(samples.mean[0], [s.validation.mean() for s in sizes])
    np.testing.assert_allclose(samples.std[0], [s.validation.std(ddof=1) for s in sizes])


def test_smallest_of_nothing_is_beyond_the_grid() -> None:
    chosen = np.array([[False, True, True], [False, False, False]])
    assert smallest(np.array([1, 2, 3]), chosen).tolist() == [2.0, np.inf]


def repeated(parameters: int, mean: float, repeats: int, failed: int = 0) -> Size:
    return size(parameters, mean, mean + 0.01, spread=np.resize(NOISE, repeats), failed=failed)


def test_a_size_with_too_few_trainings_is_no_minimum_but_can_be_unstable() -> None:
    sizes = [repeated(100, 0.94, 1), repeated(200, 0.945, 10), repeated(400, 0.95, 2)]
    of_three = [statistics(sizes, BOOTSTRAP, 0, trainings=trainings) for trainings in (1, 2, 10, 11)]
    found = [minimum([of_all], THRESHOLDS, 0.95).p_min.value for of_all in of_three]
    assert found == [100, 200, 200, np.inf]
    sizes[2] = repeated(400, 0.95, 2, failed=1)
    assert np.isinf(minimum([statistics(sizes, BOOTSTRAP, 0, trainings=10)], THRESHOLDS, 0.95).p_min.value)


def test_sizes_of_one_training_say_nothing_of_the_usual_spread() -> None:
    wide = np.array([0.0, 0.03, -0.03, 0.02, -0.02])  # more than spread_points, and usual among the large sizes
    alone = [size(1000 * i, 0.95, 0.96, spread=np.zeros(1)) for i in range(3, 8)]
    sizes = [size(100, 0.94, 0.95, spread=wide), *(size(p, 0.95, 0.96, spread=wide) for p in (2000, 8000, 9000))]
    everything = sorted([*sizes, *alone], key=lambda size: size.parameters)
    assert find([everything]).p_min.value == find([sizes]).p_min.value == 100


def test_ten_points_are_laxer_where_the_best_gains_less() -> None:
    """As on a hard data set: 10 points below 0.4 is two thirds of what it gains over chance."""
    hard, easy = sweep({100: 0.31, 1000: 0.38, 2000: 0.4}), sweep({100: 0.86, 1000: 0.93, 2000: 0.95})
    for sizes, by_gain, by_points in ((hard, 1000, 100), (easy, 1000, 100)):
        found = both_rules([as_measured(sizes)], THRESHOLDS, 0.95)
        assert (found[BY_GAIN].value, found[BY_POINTS].value) == (by_gain, by_points)
    assert find([hard]).p_min.value == 1000  # the share of the gain is the default


def test_both_rules_together_are_the_stricter_and_neither_is_any() -> None:
    measured = as_measured(sweep({100: 0.5, 200: 0.862, 300: 0.88, 400: 0.95}))
    cases = [(0.9, None, 300), (None, 10.0, 200), (0.9, 10.0, 300), (0.9, 5.0, 400), (None, None, 100)]
    for share, points, expected in cases:
        thresholds = replace(THRESHOLDS, gain_share=share, below_best_points=points)
        assert minimum([measured], thresholds, 0.95).p_min.value == expected
