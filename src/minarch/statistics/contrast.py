"""How much further apart poor networks lie than good ones: a contrast between blocks of pairs of networks.

What varies are networks, never pairs: the pairs of one network depend on each other. Distances enter as logarithms, so
that differences are ratios. Shapes: n networks, m matrices of distances, B permutations.
"""

from dataclasses import dataclass, replace
from math import comb, prod

import numpy as np
from scipy import stats

BLOCKS = ("good-good", "good-poor", "poor-poor")
POWER = 0.8  # with which an effect counts as one that would have been told
EDGE = 1e-9  # labels permuted into themselves must count as equal, whatever the order of a sum


@dataclass(frozen=True, eq=False)
class Estimates:
    """Numbers [m] and the ends of their intervals."""

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True, eq=False, kw_only=True)
class Contrast:
    """The blocks of pairs in one scope. Every number is linear in the logarithms of the distances."""

    means: np.ndarray  # [3, m] mean logarithm of each of BLOCKS
    influences: np.ndarray  # [3, n, m] of each network on it; their sum of squares is its variance
    permuted: np.ndarray  # [B, m] mean of poor-poor less that of good-good, with permuted labels
    freedom: int  # degrees of freedom of the variance
    exact: bool  # without a difference, every permutation of the labels is as likely
    pairs: tuple[int, ...]  # of each block
    networks: tuple[int, int]  # good and poor ones
    architectures: int

    def part(self, matrices: slice) -> "Contrast":
        """The same contrast of some of the matrices."""
        return replace(
            self,
            means=self.means[:, matrices],
            influences=self.influences[..., matrices],
            permuted=self.permuted[:, matrices],
        )

    def less(self, other: "Contrast") -> "Contrast":
        """The contrast of the ratios of distances, of this one's matrices to those of the same networks in `other`."""
        return replace(
            self,
            means=self.means - other.means,
            influences=self.influences - other.influences,
            permuted=self.permuted - other.permuted,
        )

    def block(self, place: int, confidence: float) -> Estimates:
        """The mean logarithm of a block, with a jackknife interval over networks."""
        return self._interval(self.means[place], self.influences[place], confidence)

    def log_ratio(self, confidence: float) -> Estimates:
        """Mean logarithm of poor-poor distances less that of good-good ones, with such an interval."""
        return self._interval(self.means[2] - self.means[0], self.influences[2] - self.influences[0], confidence)

    def p_values(self) -> np.ndarray:
        """Two-sided p-values [m]: how often permuted labels give as large a log ratio; the labels themselves count.

        Where that is not exact, a t-test by the jackknife is done, too, and the larger of both counts: residuals of a
        fit vary by how far they are from its centre, which permutations ignore.
        """
        ratio = np.abs(self.means[2] - self.means[0])
        reached = np.abs(self.permuted) >= ratio * (1 - EDGE)
        p_values = (1 + reached.sum(axis=0)) / (1 + len(self.permuted))
        if self.exact:
            return p_values
        error = np.sqrt(((self.influences[2] - self.influences[0]) ** 2).sum(axis=0))
        scores = np.divide(ratio, error, out=np.zeros_like(ratio), where=error > 0)
        return np.maximum(p_values, 2 * stats.t.sf(scores, self.freedom))

    def detectable(self, confidence: float) -> np.ndarray:
        """The log ratio [m] that this test would tell with a probability of POWER, by a normal approximation."""
        return (stats.norm.ppf((1 + confidence) / 2) + stats.norm.ppf(POWER)) * self.permuted.std(axis=0)

    def _interval(self, value: np.ndarray, influences: np.ndarray, confidence: float) -> Estimates:
        half = stats.t.ppf((1 + confidence) / 2, self.freedom) * np.sqrt((influences**2).sum(axis=0))
        return Estimates(value, value - half, value + half)


def enough(good: np.ndarray, strata: np.ndarray, confidence: float) -> bool:
    """True if labels `good` [n] can be permuted within strata [n] in so many ways that a p-value can become as small as
    a verdict takes.
    """
    counts = np.bincount(strata), np.bincount(strata[good], minlength=strata.max() + 1)
    ways = prod(comb(number, chosen) for number, chosen in zip(*(count.tolist() for count in counts), strict=True))
    return ways * (1 - confidence) * (1 + EDGE) >= 2  # two-sided: with the labels the other way round


def permuted_orders(strata: np.ndarray, permutations: int, seed: int) -> np.ndarray:
    """Orders [B, n] of n networks in which those of one stratum change places, nobody else; `strata` [n]."""
    keys = np.random.default_rng(seed).random((permutations, len(strata)))
    orders = np.empty(keys.shape, dtype=int)
    for stratum in np.unique(strata):
        members = np.flatnonzero(strata == stratum)
        orders[:, members] = members[keys[:, members].argsort(axis=1)]
    return orders
