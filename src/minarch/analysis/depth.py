"""Resistance to pruning against depth: do deeper networks keep more, at equal size? (The fit is our inference.)

A linear model of the models' means: measure = a + b depth + c log(x), with x the parameters or the width of the model.
b is what one further layer brings at equal x. docs/methods.md 1.3: at equal width a deeper network also has more
parameters.

With FEWEST_MODELS the interval is that of least squares over the models, whose residuals hold all by which they differ
beside depth and size: it covers OTHER_MODELS, too. (Resampling so few models gives intervals that are too narrow.)
With fewer it follows from the spread of the repeats within each model, and covers further trainings of THESE_MODELS.
"""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from minarch.analysis.multiplicity import P_ADJUSTED, P_VALUE, VERDICT, adjusted_name, with_adjusted

BETTER, WORSE, OPEN = "resists better", "resists worse", "no difference shown"
TOO_FEW = "too few models to tell"  # as many as the fit has coefficients: it goes through all of them
OTHER_MODELS, THESE_MODELS = "other models", "these models"  # what an interval covers
FEWEST_MODELS = 8  # whose residuals say how much models differ
ROUNDING = 1e-6  # points: a slope below this is none
SIZES = ["parameters", "width"]
GROUP = ["dataset", "family", "scope", "finetuned", "measure"]
QUESTION = ["measure", "at_equal"]  # slopes that ask the same: a family of verdicts
SLOPE = ["slope_points", "low", "high"]
VALIDATION_SLOPE = ["validation_slope_points", "validation_low", "validation_high"]
COLUMNS = [*GROUP, "at_equal", *SLOPE, "covers", "models", "depths", "runs", P_VALUE, P_ADJUSTED]
COLUMNS += [VERDICT, adjusted_name(), *VALIDATION_SLOPE]


class Slope(NamedTuple):
    """A slope, the ends of its interval, and the two-sided p-value of there being none."""

    value: float
    low: float
    high: float
    p: float


def design(models: pd.DataFrame, size: str) -> np.ndarray:
    """Columns [M, 2 or 3] of the fit, one row per model: 1, depth, log(size); no third where all sizes are equal."""
    columns = [np.ones(len(models)), models["depth"].to_numpy(float)]
    if models[size].nunique() > 1:
        columns.append(np.log(models[size].to_numpy(float)))
    return np.stack(columns, axis=1)


def slope_of(values: list[np.ndarray], columns: np.ndarray, confidence: float) -> Slope:
    """The least-squares slope of depth, in points, of the means of `values`, the repeats of each model as shares.

    Every model counts once, however many repeats it has. Where nothing varies the p-value is 1.
    """
    mean = 100 * np.array([of_model.mean() for of_model in values])
    fit = np.linalg.pinv(columns)
    weights, models = fit[1], len(mean)
    if models >= FEWEST_MODELS:
        residuals, freedom = mean - columns @ (fit @ mean), float(models - columns.shape[1])
        error = np.sqrt(residuals @ residuals / freedom * (weights @ weights))
    else:
        counts = np.array([len(of_model) for of_model in values])
        parts = weights**2 * np.array([np.var(100 * of_model, ddof=1) for of_model in values]) / counts
        error, square = np.sqrt(parts.sum()), (parts**2 / (counts - 1)).sum()
        freedom = parts.sum() ** 2 / square if square > 0 else 1.0  # Satterthwaite's
    slope, half = float(weights @ mean), float(stats.t.ppf((1 + confidence) / 2, freedom) * error)
    p = float(2 * stats.t.sf(abs(slope) / error, freedom)) if error > ROUNDING else 1.0
    return Slope(slope, slope - half, slope + half, p)


def slope_row(runs: pd.DataFrame, size: str, confidence: float) -> dict[str, Any] | None:
    """One row of depth.csv without its GROUP, from one row per model and repeat: architecture, depth, parameters, size,
    and the measure on each split.

    None where the models do not tell depth and size apart.
    """
    runs = runs.dropna(subset=["depth", size, "test", "validation"])
    runs = runs[
        runs.groupby("architecture")["architecture"].transform("size") > 1
    ]  # of one repeat the noise is unknown
    values = {name: rows.sort_values(["test", "validation"]) for name, rows in runs.groupby("architecture")}
    models = runs.drop_duplicates("architecture")
    columns = design(models, size)
    if models["depth"].nunique() < 2 or np.linalg.matrix_rank(columns) < columns.shape[1]:
        return None
    on = {
        split: slope_of([values[name][split].to_numpy(float) for name in models["architecture"]], columns, confidence)
        for split in ("test", "validation")
    }
    exact, slope = len(models) == columns.shape[1], on["test"]
    verdict = BETTER if slope.low > ROUNDING else WORSE if slope.high < -ROUNDING else OPEN
    row: dict[str, Any] = {"at_equal": size, **dict(zip(SLOPE, slope, strict=False))}
    row |= {"covers": OTHER_MODELS if len(models) >= FEWEST_MODELS else THESE_MODELS, "models": len(models)}
    row |= {"depths": " ".join(str(depth) for depth in sorted(models["depth"].unique())), "runs": len(runs)}
    row |= {P_VALUE: np.nan if exact else slope.p, VERDICT: TOO_FEW if exact else verdict}
    return row | dict(zip(VALIDATION_SLOPE, on["validation"], strict=False))


def depth_table(runs: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """One row per GROUP and size that is held equal, where a slope can be told; the verdict is that of test images,
    which nothing is chosen by.

    Args:
        runs: one row per GROUP, model and repeat: architecture, depth (NA where a family has none), parameters, width
            (NaN where it has no such knob), and the measure on validation and on test images, as shares.
    """
    rows = []
    for key, group in runs.groupby(GROUP):
        slopes = [slope_row(group, size, confidence) for size in SIZES]
        rows += [dict(zip(GROUP, key, strict=True)) | row for row in slopes if row]
    table = pd.DataFrame(rows, columns=COLUMNS)
    return with_adjusted(table, confidence, OPEN, family=QUESTION)[COLUMNS]
