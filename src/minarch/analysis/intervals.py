"""Intervals beside every number: Student-t over repeats for means, percentile bootstrap for what is read off a grid."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

ACCURACY = (0.0, 1.0)
EDGE = 1e-9  # accuracies are counts of images: a mean exactly on a limit is common, and must not depend on rounding


class Columns(NamedTuple):
    """Names of a table's columns that hold a number and the ends of its interval."""

    value: str
    low: str
    high: str


def of_mean(name: str) -> Columns:
    """Columns of a mean over repeats, as with_intervals makes them."""
    return Columns(f"{name}_mean", f"{name}_low", f"{name}_high")


def of_estimate(name: str) -> Columns:
    """Columns of a number that is no mean: read off a grid, or a median."""
    return Columns(name, f"{name}_low", f"{name}_high")


VALIDATION, TEST = of_mean("validation"), of_mean("test")  # accuracies, fractions


def with_intervals(
    frame: pd.DataFrame,
    by: list[str],
    values: list[str],
    confidence: float,
    bounds: tuple[float, float] = (-np.inf, np.inf),
) -> pd.DataFrame:
    """Mean and Student-t interval of each column in `values` per group `by`: columns <value>_mean, _low, _high, and n.

    NaN values are left out, with fewer than two the interval is NaN; n is the smallest number measured for any column.
    `bounds` are the values a mean can take at all: the interval is cut there (a t interval of accuracies can exceed 1).
    """
    grouped = frame.sort_values([*by, *values]).groupby(by, dropna=False, sort=True)[values]
    mean, count = grouped.mean(), grouped.count()
    half = stats.t.ppf((1 + confidence) / 2, (count - 1).where(count > 1)) * grouped.std(ddof=1) / np.sqrt(count)
    low, high = (mean - half).clip(*bounds), (mean + half).clip(*bounds)
    columns = {"n": count.min(axis=1)}
    for name in values:
        columns |= dict(zip(of_mean(name), (mean[name], low[name], high[name]), strict=True))
    return pd.DataFrame(columns).reset_index()


def resample(values: np.ndarray, resamples: int, generator: np.random.Generator) -> np.ndarray:
    """Bootstrap samples [resamples, R, ...] of `values` [R, ...]: whole repeats, drawn with replacement."""
    repeats = len(values)
    return values[generator.integers(repeats, size=(resamples, repeats))]


def grid_interval(samples: np.ndarray, confidence: float) -> tuple[float, float]:
    """Percentile interval of bootstrap `samples` [B]; it only takes values which occurred, as on a grid of sizes."""
    tail = (1 - confidence) / 2
    low, high = np.quantile(samples, [tail, 1 - tail], method="inverted_cdf")
    return float(low), float(high)
