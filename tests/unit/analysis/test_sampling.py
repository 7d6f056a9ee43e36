"""Intervals over trainings and test images: known values, and studies whose truth is known."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from minarch.analysis.intervals import with_intervals
from minarch.analysis.sampling import (
    accuracy_interval,
    against_validation,
    difference_interval,
    effective_images,
    wilson,
)

MIDDLE, SPREAD, SEEDS = 4.0, 2.0, 0.1  # of the images' ease, its standard deviation, and that of the trainings' skill


def answers(generator: np.random.Generator, ease: np.ndarray, repeats: int = 5, more: float = 0.0) -> pd.DataFrame:
    """Whether each of the trainings of a model, by `more` better than others, is right of images of such ease."""
    skill = generator.normal(more, SEEDS, (repeats, 1))
    return pd.DataFrame(generator.random((repeats, len(ease))) < stats.norm.cdf(MIDDLE + ease + skill))


def accuracy(more: float = 0.0) -> float:
    """The accuracy over all trainings and images of such ease."""
    return float(stats.norm.cdf((MIDDLE + more) / np.sqrt(1 + SPREAD**2 + SEEDS**2)))


def over_repeats(right: pd.DataFrame) -> tuple[float, float]:
    table = pd.DataFrame({"model": "m", "test": right.mean(axis=1)})
    row = with_intervals(table, ["model"], ["test"], 0.95).iloc[0]
    return row["test_low"], row["test_high"]


@pytest.mark.parametrize("images", [100, 360, 2000])
def test_the_interval_holds_the_truth_and_that_of_repeats_alone_does_not(images: int) -> None:
    generator = np.random.default_rng(images)
    held, of_repeats = [], []
    for _ in range(400):
        right = answers(generator, generator.normal(0, SPREAD, images))
        for ends, hits in ((accuracy_interval(right, 0.95), held), (over_repeats(right), of_repeats)):
            hits.append(ends[0] <= accuracy() <= ends[1])
    assert np.mean(held) >= 0.93 and np.mean(of_repeats) < 0.85


@pytest.mark.parametrize("repeats", [2, 5, 10])
def test_models_of_equal_accuracy_are_told_apart_at_most_at_the_nominal_rate(repeats: int) -> None:
    generator = np.random.default_rng(repeats)
    told = 0
    for _ in range(200):
        ease = generator.normal(0, SPREAD, 360)
        ours, theirs = (answers(generator, ease, repeats) for _ in range(2))
        _, low, high = difference_interval(ours, theirs, paired=False, confidence=0.95)
        told += not low <= 0 <= high
    assert told <= 10


@pytest.mark.parametrize(("images", "more", "points"), [(360, 0.8, 2.1), (2000, 0.4, 1.2)])
def test_a_difference_of_known_size_is_told(images: int, more: float, points: float) -> None:
    assert 100 * (accuracy(more) - accuracy()) == pytest.approx(points, abs=0.05)
    generator = np.random.default_rng(images)
    told = held = 0
    for _ in range(200):
        ease = generator.normal(0, SPREAD, images)
        ours, theirs = answers(generator, ease, more=more), answers(generator, ease)
        _, low, high = difference_interval(ours, theirs, paired=False, confidence=0.95)
        told += low > 0
        held += low <= 100 * (accuracy(more) - accuracy()) <= high
    assert told >= 160 and held >= 186


@given(st.integers(2, 6), st.integers(1, 30), st.integers(0, 2**32 - 1))
def test_the_interval_is_never_narrower_than_that_of_repeats_and_lies_within_0_and_1(
    repeats: int, images: int, seed: int
) -> None:
    right = pd.DataFrame(np.random.default_rng(seed).random((repeats, images)) < 0.8)
    low, high = accuracy_interval(right, 0.95)
    lowest, highest = over_repeats(right)
    share = right.to_numpy().mean()
    assert 0 <= low <= share <= high <= 1
    assert low <= max(lowest, 0) + 1e-12 and high >= min(highest, 1) - 1e-12


def test_repeats_that_agree_are_worth_one_and_a_wholly_known_set_is_no_certainty() -> None:
    alike = pd.DataFrame([np.arange(100) < 90] * 5)
    assert effective_images(alike) == pytest.approx(100)
    assert accuracy_interval(alike, 0.95) == pytest.approx(wilson(0.9, 100, 0.95))
    assert accuracy_interval(alike[:1], 0.95) == pytest.approx((np.nan, np.nan), nan_ok=True)
    known = pd.DataFrame(np.ones((5, 360), dtype=bool))
    assert accuracy_interval(known, 0.95) == pytest.approx((1 / (1 + stats.norm.ppf(0.975) ** 2 / 360), 1))


def test_wilson_s_interval_is_that_of_scipy() -> None:
    exact = stats.binomtest(348, 360).proportion_ci(method="wilson")
    assert wilson(348 / 360, 360, 0.95) == pytest.approx((exact.low, exact.high))


def test_of_one_pair_of_answers_the_interval_is_bonett_and_price_s() -> None:
    # 26 images that one alone knows and 4 that the other does, of 48: [0.2548, 0.6252] (statpsych, ci.prop.ps).
    ours, theirs = np.arange(48) < 26, (np.arange(48) >= 26) & (np.arange(48) < 30)
    twice = [pd.DataFrame([right, right]) for right in (ours, theirs)]
    difference, low, high = difference_interval(*twice, paired=False, confidence=0.95)
    assert difference == pytest.approx(100 * 22 / 48)
    assert (low, high) == pytest.approx((25.48067, 62.51933))


def test_pairing_takes_out_what_the_repeats_share() -> None:
    known = [pd.DataFrame(np.arange(1000) < np.array([[900], [940], [980]]) + more) for more in (0, 10)]
    paired, apart = (difference_interval(*known[::-1], paired=pairs, confidence=0.95) for pairs in (True, False))
    assert paired[0] == apart[0] == pytest.approx(1) and paired[1] > 0 > apart[1]
    without = difference_interval(known[1], known[0].drop(index=0), paired=True, confidence=0.95)
    assert without[0] == pytest.approx(1), "a repeat that one of the two lacks is in no pair"


def test_validation_images_add_to_what_is_open() -> None:
    right = pd.DataFrame([np.arange(400) < 380, np.arange(400) < 376])
    validation = pd.Series([0.97, 0.96])
    few, many = (against_validation(right, validation, images, 0.95) for images in (100, 10**9))
    assert few[0] == many[0] == pytest.approx(-2) and few[1] < many[1] < -2 < many[2] < few[2]
    assert np.isnan(against_validation(right[:1], validation[:1], 100, 0.95)[1])
