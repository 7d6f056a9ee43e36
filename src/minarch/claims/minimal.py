"""Minimal learnable parameters against difficulty (arXiv 2601.17987)."""

import math

import numpy as np
import pandas as pd
from scipy import stats

from minarch.claims.claim import ALPHA, CONFIRMED, POWER, QUANTILE, REFUTED, Claim, Row
from minarch.claims.reports import Reports

STUDY = "difficulty"
SHAPE = "1 x 32 x 32"  # of the images: data sets of others are left out
RESAMPLES, SEED = 50_000, 0  # all orders of eight data sets
BEYOND = math.inf  # P_min beyond the grid: larger than all others, whatever it is
OF_RANKS = 1.03  # error of the z-transform of a rank correlation, times sqrt(n - 3)


def rows(reports: Reports) -> list[Row]:
    """A case for each family: rank correlation over the data sets of equal images."""
    shapes = reports.table(STUDY, "data").set_index("dataset")["shape"]
    sweep = reports.table(STUDY, "sweep")
    best = sweep.groupby(["dataset", "architecture"])["final_validation_accuracy"].mean()
    difficulty = 100 * (1 - best.groupby("dataset").max())
    easiest_first = [name for name in difficulty.sort_values().index if shapes[name] == SHAPE]
    cases = []
    for family in sorted(sweep["family"].unique()):
        p_min = pd.Series({name: reports.p_min(STUDY, name, family) for name in easiest_first}, dtype=float)
        at_most = {name for name in easiest_first if reports.p_min_at_most(STUDY, name, family)}
        cases.append(_row(family, difficulty[easiest_first].to_numpy(), p_min.fillna(BEYOND), at_most))
    return cases


def _row(family: str, difficulty: np.ndarray, p_min: pd.Series, at_most: set[str]) -> Row:
    """`at_most`: data sets whose P_min is the smallest size that was run."""
    count = len(p_min)
    rho, p = rank_correlation(difficulty, p_min.to_numpy())
    low = high = None
    if count > 3 and abs(rho) < 1:
        half = QUANTILE * OF_RANKS / math.sqrt(count - 3)
        low, high = (math.tanh(math.atanh(rho) + sign * half) for sign in (-1, 1))
    said = {
        name: "beyond the grid" if size == BEYOND else f"{'at most ' if name in at_most else ''}{size:,.0f}"
        for name, size in p_min.items()
    }
    return Row(
        study=STUDY,
        group=family,
        case=f"{family}, P_min from the easiest data set to the hardest: "
        + ", ".join(f"{name} {size}" for name, size in said.items()),
        n=f"{count} data sets",
        effect=rho,
        low=low,
        high=high,
        unit="rank correlation of P_min and difficulty",
        p=p,
        verdict=CONFIRMED if rho > 0 else REFUTED,
        smallest=math.tanh((QUANTILE + POWER) * OF_RANKS / math.sqrt(count - 3)) if count > 3 else None,
    )


def rank_correlation(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Spearman's, and its two-sided p-value by permutations (all of them, up to RESAMPLES).

    NaN of constants; the p-value is NaN where that of no order of so few values is small enough to be a test.
    """
    x, y = (ranks - ranks.mean() for ranks in (stats.rankdata(x), stats.rankdata(y)))
    if not x.any() or not y.any():
        return math.nan, math.nan
    norm = np.sqrt((x @ x) * (y @ y))
    if 2 / math.factorial(len(x)) > ALPHA:
        return float(x @ y / norm), math.nan
    test = stats.permutation_test(
        (x,),
        lambda drawn, axis: (np.moveaxis(drawn, axis, -1) @ y) / norm,
        permutation_type="pairings",
        n_resamples=RESAMPLES,
        vectorized=True,
        rng=np.random.default_rng(SEED),
    )
    return float(test.statistic), float(test.pvalue)


CLAIM = Claim(
    number="C3",
    title="harder data need more parameters",
    words="image classification of increasing complexity … we further characterize the minimal learnable parameters"
    " required for stable learning",
    source="arXiv 2601.17987, abstract",
    rule="P_min (from which on every size gains 90 % of what the best gains over chance, reliably) goes with difficulty"
    " (what the best network is short of 100 % on validation images) in rank, over data sets of equal images, by"
    " permutation. A P_min beyond the grid is the largest.",
    studies=(STUDY,),
    limits="That harder data need more is what we take from it: the abstract does not say which way it goes. Of two"
    " data sets a fifth of the labels is drawn by lot, on validation images, too, which makes them difficult"
    " by definition. Several are made of the same images (two of MNIST, two of Fashion-MNIST, three of"
    " CIFAR-10), so they are less than independent.",
    rows=rows,
)
