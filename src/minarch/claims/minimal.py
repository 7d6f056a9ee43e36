"""Minimal learnable parameters against difficulty (arXiv 2601.17987)."""

import math

import numpy as np
import pandas as pd
from scipy import stats

from minarch.analysis.multiplicity import adjust
from minarch.claims.claim import CONFIRMED, POWERED, REFUTED, UNDECIDED, Claim, Row
from minarch.claims.reports import Reports

STUDY = "difficulty"
SHAPE = "1 x 32 x 32"  # of the images: data sets of others are left out
ALPHA, RESAMPLES, SEED = 0.05, 20_000, 0
BEYOND = math.inf  # P_min beyond the grid: larger than all others, whatever it is
NORMAL, OF_RANKS = 1.96, 1.03  # the latter: error of the z-transform of a rank correlation, times sqrt(n - 3)


def rows(reports: Reports) -> list[Row]:
    """A case for each family: rank correlation over the data sets of equal images; their p-values are one family."""
    shapes = reports.table(STUDY, "data").set_index("dataset")["shape"]
    best = reports.table(STUDY, "sweep").groupby(["dataset", "architecture"])["final_validation_accuracy"].mean()
    difficulty = 100 * (1 - best.groupby("dataset").max())
    p_min = pd.Series(reports.p_min(STUDY), dtype=float)
    cases = []
    for family, sizes in p_min.groupby(level=1):
        sizes = sizes.droplevel(1)
        sizes = sizes[(shapes.reindex(sizes.index) == SHAPE).to_numpy()].fillna(BEYOND)
        sizes = sizes.loc[difficulty.reindex(sizes.index).sort_values().index]
        cases.append((str(family), sizes, *rank_correlation(difficulty[sizes.index].to_numpy(), sizes.to_numpy())))
    adjusted = adjust([p for *_, p in cases])
    return [_row(family, sizes, rho, p) for (family, sizes, rho, _), p in zip(cases, adjusted, strict=True)]


def _row(family: str, sizes: pd.Series, rho: float, p: float) -> Row:
    """Of the P_min from the easiest data set to the hardest."""
    count = len(sizes)
    low = high = None
    if count > 3 and abs(rho) < 1:
        half = NORMAL * OF_RANKS / math.sqrt(count - 3)
        low, high = (math.tanh(math.atanh(rho) + sign * half) for sign in (-1, 1))
    decided = CONFIRMED if rho > 0 else REFUTED
    return Row(
        study=STUDY,
        group=family,
        case=f"{family}, P_min from the easiest data set to the hardest: "
        + ", ".join(
            f"{name} {'beyond the grid' if size == BEYOND else f'{size:,.0f}'}" for name, size in sizes.items()
        ),
        n=f"{count} data sets",
        effect=rho,
        low=low,
        high=high,
        unit="rank correlation of P_min and difficulty",
        smallest=math.tanh(POWERED * OF_RANKS / math.sqrt(count - 3)) if count > 3 else None,
        verdict=decided if p <= ALPHA else UNDECIDED,
    )


def rank_correlation(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Spearman's, and its two-sided p-value by permutations (all of them, up to RESAMPLES); (NaN, 1) of
    constants and of fewer than three."""
    if len(x) < 3:
        return math.nan, 1.0
    x, y = (ranks - ranks.mean() for ranks in (stats.rankdata(x), stats.rankdata(y)))
    if not x.any() or not y.any():
        return math.nan, 1.0
    norm = np.sqrt((x @ x) * (y @ y))
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
    words="we further characterize the minimal learnable parameters required for stable learning, [on] image"
    " classification of increasing complexity",
    source="arXiv 2601.17987, abstract",
    rule="P_min (from which on every size gains 90 % of what the best gains over chance, reliably) goes with difficulty"
    " (what the best network is short of 100 % on validation images) in rank, over data sets of equal images; p by"
    " permutation, adjusted by Benjamini and Hochberg over the families, at most 5 %. A P_min beyond the grid is the"
    " largest.",
    studies=(STUDY,),
    limits="Of two data sets a fifth of the labels is drawn by lot, on validation images, too, which makes them"
    " difficult by definition. Several are made of the same images (two of MNIST, two of Fashion-MNIST,"
    " three of CIFAR-10), so they are less than independent.",
    rows=rows,
)
