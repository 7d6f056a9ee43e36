"""Distances between distributions, each given as 512 equally likely values (its quantiles): values [n, 512] -> [n, n].

kl: symmetrised Kullback-Leibler divergence, P log P/Q + Q log Q/P, in nats (docs/methods.md 2.2). js: Jensen-Shannon
distance, the root of the divergence in bits, in [0, 1]. wasserstein: Wasserstein-1, in units of the values.
kl and js compare densities: Gaussian kernels of Scott's bandwidth on one grid of 1,000 points for all distributions.
"""

import numpy as np
from scipy.spatial.distance import cdist
from scipy.special import entr

POINTS = 1000
FLOOR = (
    1e-12  # least probability of a grid point, or KL would be infinite; two disjoint densities are some 40 nats apart
)
CENTRAL = 0.99  # share of a distribution that is as wide as we call it, and ...
REACH = 10  # ... how many typical widths the grid goes beyond the typical distribution at most (our inference)


def distances(values: np.ndarray) -> dict[str, np.ndarray]:
    """The distances kl, js and wasserstein between all pairs."""
    probabilities = densities(values, grid(values))
    return {
        "kl": kullback_leibler(probabilities),
        "js": jensen_shannon(probabilities),
        "wasserstein": wasserstein(values),
    }


def scaled(values: np.ndarray) -> np.ndarray:
    """Each distribution divided by its standard deviation; its mean stays, in units of the standard deviation."""
    return values / values.std(axis=1, keepdims=True)


def grid(values: np.ndarray) -> np.ndarray:
    """1,000 points over all values and a quarter of their range on both sides, for the kernels.

    It ends ten typical widths beyond the typical distribution (medians of the central 99 %) at the latest, so that no
    outlier can stretch it further.
    """
    tail = (1 - CENTRAL) / 2
    low, high = np.quantile(values, [tail, 1 - tail], axis=1)
    reach = REACH * np.median(high - low)
    start, end = max(values.min(), np.median(low) - reach), min(values.max(), np.median(high) + reach)
    margin = 0.25 * (end - start) or 1.0
    return np.linspace(start - margin, end + margin, POINTS)


def densities(values: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Probabilities [n, 1000] on the grid, each row sums to 1 and has no entry below FLOOR.

    Values beyond the grid count at its ends; a bandwidth is at least one step of the grid, or narrow distributions
    would fall between its points (our inference).
    """
    inside = values.clip(points[0], points[-1])
    scott = values.shape[1] ** -0.2
    bandwidth = np.maximum(inside.std(axis=1, ddof=1) * scott, points[1] - points[0])
    rows = np.empty((len(values), len(points)))
    kernels = np.empty((len(points), values.shape[1]))  # one memory for all: new pages would cost as much as the work
    for row, width, density in zip(inside, bandwidth, rows, strict=True):
        np.subtract.outer(points / width, row / width, out=kernels)
        np.multiply(kernels, kernels, out=kernels)
        kernels *= -0.5
        np.exp(kernels, out=kernels).sum(axis=1, out=density)
    rows /= rows.sum(axis=1, keepdims=True)
    rows += FLOOR
    return rows / rows.sum(axis=1, keepdims=True)


def kullback_leibler(probabilities: np.ndarray) -> np.ndarray:
    """Symmetrised divergence, in nats."""
    crossed = probabilities @ np.log(probabilities).T
    with_itself = np.diag(crossed)
    return (with_itself[:, None] + with_itself[None] - crossed - crossed.T).clip(0)


def jensen_shannon(probabilities: np.ndarray) -> np.ndarray:
    """Root of the divergence to the base 2, in [0, 1]."""
    count = len(probabilities)
    entropy = entr(probabilities).sum(axis=1)
    divergence = np.zeros((count, count))
    for i, row in enumerate(probabilities):
        middle = entr((row + probabilities[i + 1 :]) / 2).sum(axis=1)
        divergence[i, i + 1 :] = middle - (entropy[i] + entropy[i + 1 :]) / 2
    return np.sqrt((divergence + divergence.T).clip(0) / np.log(2))


def wasserstein(values: np.ndarray) -> np.ndarray:
    """Mean distance of the quantiles: the Wasserstein-1 distance of the 512 values."""
    ordered = np.sort(values, axis=1)
    return cdist(ordered, ordered, "cityblock") / values.shape[1]
