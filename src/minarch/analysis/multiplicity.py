"""Families of verdicts: p-values of differences, and which verdicts remain once a family is judged together.

Of many verdicts that are each judged alone, some are wrong by chance. Benjamini and Hochberg (J. R. Stat. Soc. B 57,
1995) adjust the p-values of a family so that of those verdicts that remain at most the nominal share is expected to be
wrong. The single verdict stays beside the adjusted one. What a family is, is our inference (docs/methods.md 5).
"""

from collections.abc import Sequence
from math import comb

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from minarch.analysis.intervals import Columns

P_VALUE, P_ADJUSTED = "p", "p_adjusted"
VERDICT = "verdict"
NO_WIDTH = 1e-7  # points, or shares: values that differ by less are equal


def adjusted_name(verdict: str = VERDICT) -> str:
    """The column of a verdict that takes the others of its family into account."""
    return f"{verdict}_adjusted"


def of_t_intervals(mean: ArrayLike, low: ArrayLike, high: ArrayLike, n: ArrayLike, confidence: float) -> np.ndarray:
    """Two-sided p-values of a mean of 0, from Student-t intervals of means of `n` values.

    Of an interval that was cut at a bound the wider side counts. Where all values are equal their spread is not 0 but
    unknown: the p-value is the sign test's, 2 ** (1 - n), and 1 where they are 0. NaN without an interval.
    """
    mean, low, high, n = (np.asarray(values, dtype=float) for values in (mean, low, high, n))
    freedom = np.where(n > 1, n - 1, np.nan)
    half = np.where(np.isnan(low) | np.isnan(high), np.nan, np.maximum(mean - low, high - mean))
    spread = half > NO_WIDTH
    error = np.where(spread, half, 1.0) / stats.t.ppf((1 + confidence) / 2, freedom)
    signs = np.where(np.abs(mean) > NO_WIDTH, 2.0**-freedom, 1.0)
    p = np.where(spread, 2 * stats.t.sf(np.abs(mean) / error, freedom), signs)
    return np.where(np.isnan(half), np.nan, p)


def of_column(table: pd.DataFrame, columns: Columns, confidence: float) -> np.ndarray:
    """`of_t_intervals` of a table's `columns`, whose column n counts the values."""
    mean, low, high = (table[name].to_numpy(float) for name in columns)
    return of_t_intervals(mean, low, high, table["n"].to_numpy(float), confidence)


def of_samples(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Two-sided p-value of equal means of two samples by Welch's t; NaN with fewer than two values of either.

    Where neither varies it is the smallest of a permutation test, 2 / (n + m over n), and 1 where the two are equal.
    """
    if min(len(ours), len(theirs)) < 2:
        return float("nan")
    if np.ptp(ours) > NO_WIDTH or np.ptp(theirs) > NO_WIDTH:
        return float(stats.ttest_ind(ours, theirs, equal_var=False).pvalue)
    differ = abs(ours.mean() - theirs.mean()) > NO_WIDTH
    return 2 / comb(len(ours) + len(theirs), len(ours)) if differ else 1.0


def adjust(p: ArrayLike) -> np.ndarray:
    """The p-values of one family, adjusted by Benjamini and Hochberg; those that are NaN were no tests and stay NaN."""
    p = np.asarray(p, dtype=float)
    tested, adjusted = ~np.isnan(p), np.full(p.shape, np.nan)
    adjusted[tested] = stats.false_discovery_control(p[tested]) if tested.any() else []
    return adjusted


def with_adjusted(
    table: pd.DataFrame, confidence: float, undecided: str, *, family: Sequence[str] = (), verdict: str = VERDICT
) -> pd.DataFrame:
    """The table with P_ADJUSTED and an adjusted verdict: the single one where P_ADJUSTED is at most 1 - `confidence`,
    else `undecided`. What has no p-value keeps its verdict.

    Args:
        table: with P_VALUE, and the column `verdict`.
        family: columns; rows that agree in all of them are a family. Without any the table is one.
    """
    families = table.groupby(list(family), dropna=False)[P_VALUE] if family else None
    adjusted = pd.Series(adjust(table[P_VALUE]), table.index) if families is None else families.transform(adjust)
    kept = table[verdict].where(adjusted.isna() | (adjusted <= 1 - confidence), undecided)
    return table.assign(**{P_ADJUSTED: adjusted.astype(float), adjusted_name(verdict): kept})
