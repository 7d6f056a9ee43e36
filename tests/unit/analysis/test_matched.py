"""Groups of matched shapes whose differences are known: how often each verdict is right over simulated studies."""

import numpy as np
import pytest
from scipy import stats

from minarch.analysis.matched import (
    CANNOT_TELL,
    EQUIVALENT,
    NOT_EQUIVALENT,
    groups,
    joined,
    pairs_of,
    verdict,
)

MARGIN, CONFIDENCE, REPEATS = 1.0, 0.95, 20


def verdicts(means: list[float], noise: float, studies: int = 200, repeats: int = REPEATS) -> list[str]:
    """The verdicts of studies of one group; means and noise in points."""
    generator = np.random.default_rng(0)
    said = []
    for _ in range(studies):
        runs = [0.9 + generator.normal(mean, noise, repeats) / 100 for mean in means]
        pairs = pairs_of(runs, [str(i) for i in range(len(means))])
        said.append(verdict(*pairs.p_values(MARGIN), confidence=CONFIDENCE))
    return said


@pytest.mark.parametrize(("shapes", "noise"), [(2, 0.9), (4, 0.7), (8, 0.6)])
def test_equal_shapes_are_equivalent_and_never_more_often_different_than_nominal(shapes: int, noise: float) -> None:
    said = verdicts([0.0] * shapes, noise)
    assert said.count(NOT_EQUIVALENT) <= 0.05 * len(said)
    assert said.count(EQUIVALENT) >= 0.8 * len(said)


@pytest.mark.parametrize("noise", [0.3, 1.0, 3.0])
@pytest.mark.parametrize("means", [[0.0, 1.0], [0.0, 0.5, 1.0], [0.0, *[0.5] * 6, 1.0]])
def test_a_difference_of_the_margin_is_called_equivalent_or_different_at_most_at_the_nominal_rate(
    means: list[float], noise: float
) -> None:
    said = verdicts(means, noise, studies=1000)
    assert said.count(EQUIVALENT) <= 0.065 * len(said)  # nominal 0.05, and two standard errors
    assert said.count(NOT_EQUIVALENT) <= 0.065 * len(said)


@pytest.mark.parametrize(("means", "noise"), [([0.0, 2.0], 1.0), ([0.0, *[1.0] * 6, 2.5], 1.0)])
def test_a_difference_above_the_margin_is_found(means: list[float], noise: float) -> None:
    said = verdicts(means, noise)
    assert said.count(NOT_EQUIVALENT) >= 0.8 * len(said) and EQUIVALENT not in said


def test_noise_leaves_it_open() -> None:
    assert verdicts([0.0, 0.0], 20.0, repeats=3).count(CANNOT_TELL) >= 180


def test_limits_hold_the_largest_difference_and_agree_with_the_tests() -> None:
    generator = np.random.default_rng(0)
    means, below, above = np.array([0.0, 0.3, 0.8, 1.5]), 0, 0
    for _ in range(1000):
        pairs = pairs_of([generator.normal(mean, 1, REPEATS) / 100 for mean in means], list("abcd"))
        _, low, high = pairs.largest(CONFIDENCE)
        below, above = below + (high < 1.5), above + (low > 1.5)
        alike, apart = pairs.p_values(MARGIN)
        assert (high < MARGIN) == (alike < 1 - CONFIDENCE)
        assert low <= MARGIN or apart < 1 - CONFIDENCE
    assert below <= 65 and above <= 65


def test_two_shapes_are_scipys_welch_test() -> None:
    generator = np.random.default_rng(1)
    first, second = 0.9 + generator.normal(0, 0.01, 12), 0.91 + generator.normal(0, 0.02, 20)
    alike, apart = pairs_of([first, second], ["a", "b"]).p_values(MARGIN)
    larger, smaller = sorted([first, second], key=np.mean, reverse=True)
    expected = stats.ttest_ind(100 * larger - MARGIN, 100 * smaller, equal_var=False, alternative="less").pvalue
    assert alike == pytest.approx(expected)
    above = stats.ttest_ind(100 * larger - MARGIN, 100 * smaller, equal_var=False, alternative="greater").pvalue
    below = stats.ttest_ind(100 * smaller - MARGIN, 100 * larger, equal_var=False, alternative="less").pvalue
    assert apart == pytest.approx(above + below)


def test_without_noise_nothing_is_sure() -> None:
    pairs = pairs_of([np.full(5, 0.9), np.full(5, 0.95)], ["a", "b"])
    difference, low, high = pairs.largest(CONFIDENCE)
    assert difference == pytest.approx(5) and np.isnan([low, high]).all()
    assert verdict(*pairs.p_values(MARGIN), confidence=CONFIDENCE) == CANNOT_TELL


def test_groups_are_within_two_per_cent_and_of_two_shapes() -> None:
    counts = np.array([1000, 100, 102, 103, 1020, 1021, 500, 505])
    shapes = ["a", "a", "b", "c", "b", "c", "a", "a"]
    assert [group.tolist() for group in groups(counts, shapes)] == [[1, 2], [0, 4]]


def test_only_different_shapes_are_pairs_and_joined_ones_are_all() -> None:
    generator = np.random.default_rng(0)
    runs = [generator.normal(0.9, 0.01, 5) for _ in range(3)]
    pairs = pairs_of(runs, ["a", "a", "b"])
    assert len(pairs.difference) == 2
    together = joined([pairs, pairs_of(runs, ["a", "b", "c"])])
    assert len(together.difference) == 5 and together.largest(0.95)[0] == max(together.difference)
