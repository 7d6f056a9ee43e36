"""A constructed pruning curve whose phases are known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minarch.analysis.minimal import Bootstrap
from minarch.analysis.phases import find_phases

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
