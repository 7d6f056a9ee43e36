"""Areas under retention against their closed forms."""

import numpy as np
import pytest

from minarch.analysis.retention import area

LEVELS = np.array([0.0, 0.25, 0.5, 1.0])
CHANCE = 0.1


def curve(retained: np.ndarray, base: float = 0.9) -> np.ndarray:
    return CHANCE + retained * (base - CHANCE)


def test_what_is_kept_whole_or_falls_in_a_line_or_collapses_has_known_areas() -> None:
    whole, line, step = np.ones(4), 1 - LEVELS, np.array([1.0, 0.0, 0.0, 0.0])
    accuracy = np.stack([curve(retained) for retained in (whole, line, step)])
    assert area(LEVELS, accuracy, accuracy[:, 0], CHANCE) == pytest.approx([1.0, 0.5, 0.125])


def test_it_is_the_mean_over_the_range_of_levels_whatever_the_range() -> None:
    levels = np.array([0.5, 0.7, 0.9])
    accuracy = curve(np.array([[0.8, 0.6, 0.4]]))
    assert area(levels, accuracy, np.array([0.9]), CHANCE) == pytest.approx([0.6])


def test_one_level_has_its_retained_share() -> None:
    assert area(np.array([0.8]), curve(np.array([[0.3]])), np.array([0.9]), CHANCE) == pytest.approx([0.3])


def test_the_height_of_the_unpruned_network_does_not_count() -> None:
    retained = np.array([1.0, 0.9, 0.7, 0.1])
    accuracy = np.stack([curve(retained, base) for base in (0.5, 0.99)])
    first, second = area(LEVELS, accuracy, accuracy[:, 0], CHANCE)
    assert first == pytest.approx(second)
