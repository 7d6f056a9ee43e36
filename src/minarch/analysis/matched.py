"""Whether shapes of equal size are equally accurate: tests of equivalence in groups matched in parameters.

Two shapes are compared by the difference of their means over repeats (Welch's t). A group is equivalent within a margin
if every two of its shapes are by two one-sided tests (Schuirmann, J. Pharmacokinet. Biopharm. 15, 1987): as all must
be, no test is corrected (Berger, Technometrics 24, 1982). It is not equivalent if the difference of some two exceeds
the margin, which is corrected by Bonferroni for the number of pairs. The limits of the largest difference are those
tests turned round, so each limit holds at the level. Groups and the margin are our inference (docs/methods.md 1.2).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy import stats

from minarch.analysis.intervals import of_estimate

WITHIN = 0.02  # a group's counts exceed its smallest by at most this share
DIFFERENCE = of_estimate("largest_difference_points")
EQUIVALENT, NOT_EQUIVALENT, CANNOT_TELL = "equivalent", "not equivalent", "cannot tell"


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of shapes of equal size: differences of their means and the errors of those, in points; all [M]."""

    difference: np.ndarray  # at least 0
    error: np.ndarray
    freedom: np.ndarray  # degrees of it, by Welch and Satterthwaite

    def largest(self, confidence: float) -> tuple[float, float, float]:
        """The largest difference and its limits, each one-sided at `confidence`; NaN where no noise was seen."""
        if not (self.error > 0).all():
            return float(self.difference.max()), np.nan, np.nan
        corrected = 1 - (1 - confidence) / (2 * len(self.difference))
        low = self.difference - stats.t.ppf(corrected, self.freedom) * self.error
        high = self.difference + stats.t.ppf(confidence, self.freedom) * self.error
        return float(self.difference.max()), float(max(low.max(), 0)), float(high.max())

    def p_values(self, margin: float) -> tuple[float, float]:
        """P-values of "some two differ by `margin` points or more", which equivalence refutes, and of "no two differ by
        more"; 1 where no noise was seen.
        """
        if not (self.error > 0).all():
            return 1.0, 1.0
        above, below = ((sign * self.difference - margin) / self.error for sign in (1, -1))
        alike = stats.t.cdf(above, self.freedom).max()
        apart = (stats.t.sf(above, self.freedom) + stats.t.cdf(below, self.freedom)).min() * len(self.difference)
        return float(alike), float(min(apart, 1))


def pairs_of(accuracies: Sequence[np.ndarray], shapes: Sequence[str]) -> Pairs:
    """The pairs of different shapes among architectures, from the accuracies (fractions) of their repeats."""
    runs = np.array([len(values) for values in accuracies])
    mean = 100 * np.array([values.mean() for values in accuracies])
    part = 1e4 * np.array([values.var(ddof=1) for values in accuracies]) / runs
    chosen = [(i, j) for i, j in combinations(range(len(shapes)), 2) if shapes[i] != shapes[j]]
    first, second = np.array(chosen).T
    squared = part[first] + part[second]
    of_parts = part[first] ** 2 / (runs[first] - 1) + part[second] ** 2 / (runs[second] - 1)
    freedom = np.where(of_parts > 0, squared**2 / np.where(of_parts > 0, of_parts, 1), 1)
    return Pairs(np.abs(mean[first] - mean[second]), np.sqrt(squared), freedom)


def joined(pairs: Sequence[Pairs]) -> Pairs:
    """The pairs of several groups as those of one."""
    columns = [(group.difference, group.error, group.freedom) for group in pairs]
    return Pairs(*(np.concatenate(column) for column in zip(*columns, strict=True)))


def groups(parameters: np.ndarray, shapes: Sequence[str]) -> list[np.ndarray]:
    """Indices of the architectures of each group, from the smallest count up: counts within WITHIN of the smallest one,
    two or more shapes. No architecture is in two.
    """
    order = np.argsort(parameters, kind="stable")
    parted: list[list[int]] = []
    for i in order:
        if not parted or parameters[i] > (1 + WITHIN) * parameters[parted[-1][0]]:
            parted.append([])
        parted[-1].append(int(i))
    return [np.array(group) for group in parted if len({shapes[i] for i in group}) > 1]


def verdict(p_equivalent: float, p_different: float, *, confidence: float) -> str:
    """The words for a group, from its two p-values."""
    level = 1 - confidence
    return EQUIVALENT if p_equivalent <= level else NOT_EQUIVALENT if p_different <= level else CANNOT_TELL
