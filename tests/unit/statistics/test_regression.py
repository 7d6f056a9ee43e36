"""Size regressed out: what is beside it is found as it is, and nothing is where good and poor are large and small."""

import numpy as np
import pytest

from minarch.statistics.contrast import Contrast, permuted_orders
from minarch.statistics.regression import compare_by_size

SIZES = np.tile(np.linspace(3, 10, 12), 2)
STRATA = np.repeat([0, 1], 12)
MIXED = np.array([False, False, False, True, False, True, False, True, False, True, True, True] * 2)
SAME = np.equal.outer(STRATA, STRATA)


def compare(
    logarithms: np.ndarray, good: np.ndarray = MIXED, scope: np.ndarray = SAME, sizes: np.ndarray = SIZES
) -> Contrast | None:
    orders = permuted_orders(STRATA, 99, seed=0)
    members = np.arange(24) % 3 + 1
    return compare_by_size(logarithms[None], good, sizes, np.arange(24), STRATA, scope, orders, members)


def linear(effect: float, good: np.ndarray = MIXED, noise: float = 0.0) -> np.ndarray:
    """Logarithms that follow from sizes, from the strata that meet, and from how many of a pair are poor."""
    both = np.add.outer(SIZES, SIZES), np.abs(np.subtract.outer(SIZES, SIZES))
    poor = np.add.outer((~good).astype(float), (~good).astype(float))
    random = np.random.default_rng(0).normal(size=24) * noise
    return (
        -0.3 * both[0] + 0.2 * both[1] + np.add.outer(STRATA, STRATA) + effect / 2 * poor + np.add.outer(random, random)
    )


@pytest.mark.parametrize("scope", [SAME, ~SAME], ids=["within", "across"])
def test_what_is_linear_is_taken_away_and_the_effect_stays(scope: np.ndarray) -> None:
    for effect in (0.0, 0.7):
        contrast = compare(linear(effect), scope=scope)
        assert contrast is not None
        assert contrast.log_ratio(0.95).value[0] == pytest.approx(effect, abs=1e-9)
        assert contrast.influences[2] == pytest.approx(contrast.influences[0], abs=1e-9)


def test_means_are_those_at_the_mean_size() -> None:
    contrast = compare(linear(0.7))
    assert contrast is not None
    good_good, mixed, poor_poor = contrast.means[:, 0]
    assert mixed - good_good == pytest.approx(0.35) and poor_poor - mixed == pytest.approx(0.35)
    pairs = np.triu(SAME, 1)
    number = np.add.outer(MIXED.astype(int), MIXED)[pairs]
    shares = [(number == count).mean() for count in (2, 1, 0)]
    assert contrast.means[:, 0] @ shares == pytest.approx(linear(0.7)[pairs].mean())


def test_what_is_counted_are_networks() -> None:
    contrast = compare(linear(0.0))
    assert contrast is not None
    members = np.arange(24) % 3 + 1
    assert contrast.networks == (members[MIXED].sum(), members[~MIXED].sum()) and contrast.architectures == 24
    good = sum(
        members[i] * members[j] for i in range(24) for j in range(i) if MIXED[i] and MIXED[j] and STRATA[i] == STRATA[j]
    )
    assert contrast.pairs[0] == good


def test_size_and_success_that_are_one_cannot_be_told_apart() -> None:
    logarithms, random = linear(0.7, noise=0.1), np.random.default_rng(0).normal(size=24)
    assert compare(logarithms, sizes=np.where(MIXED, 9, 4) + 0.1 * random) is None
    assert compare(logarithms, sizes=np.where(MIXED, 9, 4) + 2 * random) is not None
    assert compare(logarithms, good=np.ones(24, dtype=bool)) is None


def test_its_p_value_is_never_below_that_of_its_interval() -> None:
    contrast = compare(linear(0.3, noise=0.4))
    assert contrast is not None
    ratio = contrast.log_ratio(0.95)
    assert (contrast.p_values()[0] <= 0.05) <= (ratio.low[0] > 0 or ratio.high[0] < 0)
    assert compare(linear(2.0, noise=0.05)).p_values()[0] <= 0.02  # type: ignore[union-attr]
