"""A constructed pruning curve whose phases are known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from minarch.analysis.minimal import Bootstrap
from minarch.analysis.phases import find_phases, p_of_drops, p_of_share, surely_redundant

LEVELS = np.array([0, 0.2, 0.4, 0.6, 0.8, 0.9])
CURVE = np.array([0.95, 0.95, 0.945, 0.80, 0.185, 0.10])
BOOTSTRAP = Bootstrap(resamples=200, confidence=0.95, seed=0)


def test_plateau_degradation_collapse() -> None:
    phases = find_phases(LEVELS, np.tile(CURVE, (5, 1)), 0.1, BOOTSTRAP)
    assert phases.labels == ["plateau"] * 3 + ["degradation"] + ["collapse"] * 2
    assert (phases.redundancy.value, phases.redundancy.low, phases.redundancy.high) == (0.4, 0.4, 0.4)
    assert phases.collapse == 0.8  # 0.185 is exactly chance + 10 % of what lies above it


def test_the_plateau_ends_at_the_first_drop_even_if_accuracy_recovers() -> None:
    phases = find_phases(LEVELS, np.array([[0.95, 0.90, 0.95, 0.95, 0.94, 0.5]]), 0.1, BOOTSTRAP)
    assert phases.redundancy.value == 0
    assert phases.labels[1:] == ["degradation"] * 5
    assert np.isnan(phases.collapse)


def test_a_drop_of_exactly_one_point_is_inside() -> None:
    phases = find_phases(LEVELS, np.array([[0.95, 0.94, 0.9, 0.9, 0.9, 0.9]]), 0.1, BOOTSTRAP)
    assert phases.redundancy.value == 0.2


def test_repeats_that_disagree_widen_the_interval() -> None:
    late = np.array([0.95, 0.95, 0.95, 0.95, 0.94, 0.10])
    phases = find_phases(LEVELS, np.stack([CURVE, late, late, CURVE, late]), 0.1, BOOTSTRAP)
    assert phases.redundancy.low < phases.redundancy.high


def test_the_first_level_must_be_the_unpruned_network() -> None:
    with pytest.raises(ValueError, match="unpruned"):
        find_phases(LEVELS[1:], CURVE[None, 1:], 0.1, BOOTSTRAP)


@given(st.permutations(range(4)))
def test_order_of_repeats_changes_nothing(order: list[int]) -> None:
    curves = CURVE + np.random.default_rng(0).normal(0, 0.01, size=(4, 6))
    assert find_phases(LEVELS, curves[order], 0.1, BOOTSTRAP) == find_phases(LEVELS, curves, 0.1, BOOTSTRAP)


def measured(drops: list[float], seed: int, repeats: int = 5, images: int = 1000) -> np.ndarray:
    """Accuracies [repeats, 1 + levels] around 90 % less `drops` (points) of so many images; networks differ by half a
    point, and each level moves them by another quarter.
    """
    generator = np.random.default_rng(seed)
    base = 0.9 + generator.normal(0, 0.005, (repeats, 1))
    moved = base - np.array(drops) / 100 + generator.normal(0, 0.0025, (repeats, len(drops)))
    return np.round(np.concatenate([base, moved], axis=1) * images) / images


def test_the_p_value_of_a_drop_is_scipys_and_never_falls() -> None:
    accuracy = measured([0.1, 0.9, 0.3], seed=1)
    drops = 100 * (accuracy[:, :1] - accuracy[:, 1:])
    alone = stats.ttest_1samp(drops, 1.0, alternative="less").pvalue
    assert p_of_drops(accuracy) == pytest.approx([0.0, *np.maximum.accumulate(alone)])


def test_the_share_that_can_surely_go_is_the_last_level_before_one_that_does_not_pass() -> None:
    levels = np.array([0, 0.3, 0.6, 0.9])
    p = np.array([0.0, 0.01, 0.04, 0.2])
    assert (surely_redundant(levels, p, 0.95), surely_redundant(levels, p, 0.98)) == (0.6, 0.3)
    assert (p_of_share(levels, p, 0.6), p_of_share(levels, p, 0.5)) == (0.04, 0.04)
    assert np.isnan(p_of_share(levels, p, 0.95))


def test_one_repeat_shows_nothing_and_repeats_that_agree_show_what_they_show() -> None:
    assert np.isnan(p_of_drops(CURVE[None])).all() and np.isnan(surely_redundant(LEVELS, p_of_drops(CURVE[None]), 0.95))
    assert surely_redundant(LEVELS, p_of_drops(np.tile(CURVE, (3, 1))), 0.95) == 0.4  # 0.5 points are inside
    exactly = np.tile([0.9, 0.89], (3, 1))
    assert surely_redundant(np.array([0, 0.5]), p_of_drops(exactly), 0.95) == 0  # a whole point is not


@pytest.mark.parametrize("images", [360, 10_000])
@pytest.mark.parametrize("repeats", [3, 5])
def test_a_share_that_costs_a_point_is_rarely_called_redundant_however_many_levels_there_are(
    repeats: int, images: int
) -> None:
    levels = np.linspace(0, 0.9, 10)
    ends = [
        surely_redundant(levels, p_of_drops(measured([0.0] * 2 + [1.0] * 7, seed, repeats, images)), 0.95)
        for seed in range(400)
    ]
    assert np.mean(np.array(ends) > levels[2]) <= stats.binom.ppf(0.99, 400, 0.05) / 400


def test_a_share_that_costs_a_third_of_a_point_is_found() -> None:
    levels = np.array([0, 0.3, 0.6, 0.9])
    ends = [surely_redundant(levels, p_of_drops(measured([0.0, 0.33, 5.0], seed)), 0.95) for seed in range(200)]
    assert np.mean(np.array(ends) == 0.6) >= 0.8
