"""Distances against closed forms and scipy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import jensenshannon

from minarch.statistics.distances import (
    POINTS,
    densities,
    distances,
    grid,
    jensen_shannon,
    kullback_leibler,
    scaled,
    wasserstein,
)

RANKS = (np.arange(512) + 0.5) / 512
NORMAL = stats.norm.ppf(RANKS)


def drawn(count: int, seed: int = 0) -> np.ndarray:
    """Distributions [count, 512] of different places and widths."""
    generator = np.random.default_rng(seed)
    return generator.normal(size=(count, 512)) * generator.uniform(0.5, 2, (count, 1)) + generator.normal(
        size=(count, 1)
    )


@pytest.mark.parametrize(("shift", "width"), [(0.0, 1.0), (0.5, 1.0), (0.0, 1.2), (0.4, 0.8)])
def test_gaussians_have_their_closed_form(shift: float, width: float) -> None:
    """A Gaussian kernel turns a Gaussian into one with the bandwidth's variance more, whose tails end early."""
    values = np.stack([NORMAL, shift + width * NORMAL])
    first, second = values.var(axis=1, ddof=1) * (1 + 512**-0.4)
    symmetrised = (first / second + second / first) / 2 - 1 + shift**2 / 2 * (1 / first + 1 / second)
    matrices = distances(values)
    assert matrices["kl"][0, 1] == pytest.approx(symmetrised, rel=0.1, abs=1e-9)
    assert matrices["wasserstein"][0, 1] == pytest.approx(np.mean(np.abs(shift + (width - 1) * NORMAL)))


def test_densities_are_scipys_kernel_estimates() -> None:
    values = drawn(4)
    points = np.linspace(values.min() - 1, values.max() + 1, POINTS)
    for row, density in zip(values, densities(values, points), strict=True):
        expected = stats.gaussian_kde(row)(points)
        np.testing.assert_allclose(density, expected / expected.sum(), rtol=1e-6, atol=1e-11)


def test_wasserstein_and_jensen_shannon_are_scipys() -> None:
    values = drawn(5)
    probabilities = densities(values, grid(values))
    transport, divergence = wasserstein(values), jensen_shannon(probabilities)
    for i, one in enumerate(values):
        for j, other in enumerate(values):
            assert transport[i, j] == pytest.approx(stats.wasserstein_distance(one, other))
            expected = jensenshannon(probabilities[i], probabilities[j], base=2)
            assert divergence[i, j] == pytest.approx(expected, abs=1e-7)


@given(count=st.integers(2, 6), seed=st.integers(0, 999), divided=st.booleans())
@settings(max_examples=15, deadline=None)
def test_distances_are_symmetric_bounded_and_zero_on_themselves(count: int, seed: int, divided: bool) -> None:
    values = drawn(count, seed)
    matrices = distances(scaled(values) if divided else values)
    assert list(matrices) == ["kl", "js", "wasserstein"]
    for matrix in matrices.values():
        np.testing.assert_array_equal(matrix, matrix.T)
        assert (np.diag(matrix) == 0).all() and (matrix >= 0).all() and np.isfinite(matrix).all()
    assert (matrices["js"] <= 1).all()
    order = np.random.default_rng(seed).permutation(count)
    for name, matrix in distances(scaled(values[order]) if divided else values[order]).items():
        np.testing.assert_allclose(matrix, matrices[name][np.ix_(order, order)], atol=1e-9)


def test_the_same_values_are_at_distance_zero() -> None:
    matrices = distances(np.stack([NORMAL, NORMAL, 3 * NORMAL]))
    for matrix in matrices.values():
        assert matrix[0, 1] == pytest.approx(0, abs=1e-7) and matrix[0, 2] > 0.1


def test_disjoint_distributions_are_as_far_apart_as_can_be() -> None:
    probabilities = densities(np.stack([NORMAL, NORMAL + 100]), np.linspace(-10, 110, POINTS))
    assert jensen_shannon(probabilities)[0, 1] == pytest.approx(1, abs=1e-6)
    assert 30 < kullback_leibler(probabilities)[0, 1] < 60


def test_scaled_distributions_keep_their_mean_in_units_of_their_width() -> None:
    divided = scaled(np.stack([4 + 2 * NORMAL, NORMAL]))
    np.testing.assert_allclose(divided.std(axis=1), 1)
    np.testing.assert_allclose(divided.mean(axis=1), [4 / (2 * NORMAL.std()), 0], atol=1e-12)


def test_an_outlier_does_not_spoil_the_grid() -> None:
    values = drawn(8)
    before, outlier = distances(values), np.append(NORMAL[1:], 1e6)
    after = distances(np.concatenate([values, [1e6 * NORMAL], [NORMAL + 1e6], [outlier]]))
    for name, tolerance in (("kl", 0.1), ("js", 0.01)):  # of KL, the floor weighs more on a coarser grid
        np.testing.assert_allclose(after[name][:8, :8], before[name], rtol=tolerance, atol=1e-3)
        assert np.isfinite(after[name]).all()
    assert (after["js"][:8, 8:10] > 0.5).all()


def test_narrow_and_equal_distributions_have_a_density() -> None:
    values = np.stack([NORMAL, 1e-9 * NORMAL, np.full(512, 0.5)])
    probabilities = densities(values, grid(values))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert probabilities.min() > 0 and (probabilities[1:].max(axis=1) > 0.1).all()
    assert np.isfinite(grid(np.zeros((2, 512)))).all()
