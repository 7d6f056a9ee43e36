"""Whether the regimes follow each other along the parameter count, and whether half of the repeats says what the other
half does (docs/methods.md 1.2; our inference).

In order means: unstable, then learning, then overfitting. Sizes are judged within their depth, as everywhere, and then
stand in one line by their counts. The check by halves takes repeats of even number to set the rule's labels and its
P_min, and those of odd number to judge them.
"""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from minarch.analysis.minimal import minimal_counts
from minarch.analysis.regimes import LEARNING, OVERFITTING, UNSTABLE, Thresholds, classify, is_unstable
from minarch.analysis.reliability import Reliability
from minarch.analysis.sizes import Size, as_measured, sizes_of

ORDER = (UNSTABLE, LEARNING, OVERFITTING)
FEWEST = 4  # repeats of a size that can be parted in two halves, each with a spread
SPLIT = [
    "p_min_even",
    "p_min_odd",
    "split_sizes",
    "same_label",
    "same_label_share",
    "same_label_low",
    "same_label_high",
]
SPLIT += ["checked", "held", "held_share", "held_low", "held_high"]
INTEGERS = [
    "p_min_even",
    "p_min_odd",
    "split_sizes",
    "same_label",
    "checked",
    "held",
]  # empty: beyond the grid, or none


def out_of_order(ranks: Sequence[int]) -> int:
    """The fewest sizes to be left out for the others' regimes, as ranks, to be in order: n less the longest
    non-decreasing subsequence.
    """
    ends: list[int] = []  # the smallest last rank of a non-decreasing subsequence of each length
    for rank in ranks:
        place = bisect_right(ends, rank)
        ends[place : place + 1] = [rank]
    return len(ranks) - len(ends)


def order_row(parameters: Sequence[int], labels: Sequence[str]) -> dict[str, Any]:
    """The regimes of sizes along the parameter count; sizes of equal count have no order among themselves.

    `pairs` are the pairs of different count and regime, `in_order_share` the share of them whose larger size is in the
    later regime, `p_value` that of Kendall's tau-b against no association (NaN: one regime only).
    """
    ranks = np.array([ORDER.index(label) for label in labels])
    counts = np.array(parameters)
    line = np.lexsort((ranks, counts))
    signs = np.sign(np.subtract.outer(counts, counts)) * np.sign(np.subtract.outer(ranks, ranks))
    agree, differ = (int((signs == sign).sum()) // 2 for sign in (1, -1))
    tested = len(set(ranks)) > 1 and len(set(counts)) > 1
    tau = stats.kendalltau(counts, ranks) if tested else None
    row: dict[str, Any] = {"sizes": len(ranks)} | {label: int((ranks == i).sum()) for i, label in enumerate(ORDER)}
    row |= {"out_of_order": out_of_order(ranks[line].tolist()), "pairs": agree + differ}
    row |= {"in_order_share": agree / (agree + differ) if agree + differ else np.nan}
    return row | {"tau": tau.statistic if tau else np.nan, "p_value": tau.pvalue if tau else np.nan}


def halves(runs: pd.DataFrame, curves: pd.DataFrame, reliability: Reliability) -> list[list[list[Size]]]:
    """Per half of the repeats, those of even and of odd number, its sizes of each depth, in one order.

    Sizes with fewer than FEWEST repeats are left out.
    """
    many = runs.groupby("architecture")["repeat"].transform("nunique") >= FEWEST
    parts = []
    for parity in (0, 1):
        half = runs[many & (runs["repeat"] % 2 == parity)]
        of_half = curves[curves["repeat"] % 2 == parity]
        depths = [rows for _, rows in half.groupby("depth", dropna=False)]
        grids = [
            sizes_of(rows, of_half[of_half["architecture"].isin(rows["architecture"])], reliability) for rows in depths
        ]
        parts.append([sorted(grid, key=lambda size: (size.parameters, size.architecture)) for grid in grids])
    return parts


def split_row(
    even: Sequence[Sequence[Size]], odd: Sequence[Sequence[Size]], thresholds: Thresholds, confidence: float
) -> dict[str, Any]:
    """What the rule's labels and P_min from the `even` repeats are worth on the `odd` ones, sizes by depth.

    `held` of `checked` sizes from their depth's P_min (even) up are not unstable by the odd repeats. Intervals are the
    exact ones of a binomial share. All NaN without sizes.
    """
    if not even:
        return dict.fromkeys(SPLIT, np.nan)
    labels = [[[regime.label for regime in classify(sizes, thresholds)] for sizes in half] for half in (even, odd)]
    same = np.array([a == b for first, second in zip(*labels, strict=True) for a, b in zip(first, second, strict=True)])
    p_min, stable = [], []
    for half in (even, odd):
        measured = [as_measured(sizes) for sizes in half]
        best = np.max([depth.mean.max(axis=-1) for depth in measured], axis=0)
        p_min.append([minimal_counts(depth, thresholds, best)[0][0] for depth in measured])
        stable.append([~is_unstable(depth, thresholds, best)[0] for depth in measured])
    from_p_min = [np.array([size.parameters for size in sizes]) >= p for sizes, p in zip(even, p_min[0], strict=True)]
    held = np.concatenate([of_depth[above] for of_depth, above in zip(stable[1], from_p_min, strict=True)])
    values = [min(p_min[0]), min(p_min[1]), len(same), same.sum(), *share(same, confidence)]
    return dict(zip(SPLIT, [*values, len(held), held.sum(), *share(held, confidence)], strict=True))


def share(yes: np.ndarray, confidence: float) -> tuple[float, float, float]:
    """The share of `yes` [n] and its exact interval (Clopper and Pearson); NaN of none."""
    if not len(yes):
        return np.nan, np.nan, np.nan
    interval = stats.binomtest(int(yes.sum()), len(yes)).proportion_ci(confidence, method="exact")
    return float(yes.mean()), float(interval.low), float(interval.high)


def order_table(
    runs: pd.DataFrame,
    curves: pd.DataFrame,
    depths: Sequence[Sequence[Size]],
    thresholds: Thresholds,
    reliability: Reliability,
    confidence: float,
) -> pd.DataFrame:
    """The row of order.csv of one data set and family, from its sizes of each depth and the runs that they are of."""
    labels = [regime.label for sizes in depths for regime in classify(sizes, thresholds)]
    row = order_row([size.parameters for sizes in depths for size in sizes], labels)
    even, odd = halves(runs, curves, reliability)
    return pd.DataFrame([row | split_row(even, odd, thresholds, confidence)])
