"""Redundancy against depth: do deeper networks resist pruning better, at equal size? (The fit is our inference.)

A linear model: redundancy = a + b depth + c log(x), with x the parameters or the width of the model. b is what one
further layer brings at equal x. docs/methods.md 1.3: at equal width a deeper network also has more parameters.
"""

from typing import Any

import numpy as np
import pandas as pd

from minarch.analysis.intervals import grid_interval, resample
from minarch.analysis.minimal import Bootstrap
from minarch.analysis.phases import REDUNDANCY

BETTER, WORSE, OPEN = "resists better", "resists worse", "no difference shown"
TOO_FEW = "too few models to tell"  # as many as the fit has coefficients: it goes through all of them
ROUNDING = 1e-6  # points: a slope below this is none
SIZES = ["parameters", "width"]
GROUP = ["dataset", "family", "scope"]
COLUMNS = [*GROUP, "at_equal", "slope_points", "low", "high", "models", "depths", "runs", "verdict"]


def design(models: pd.DataFrame, size: str) -> np.ndarray:
    """Columns [M, 2 or 3] of the fit, one row per model: 1, depth, log(size); no third where all sizes are equal."""
    columns = [np.ones(len(models)), models["depth"].to_numpy(float)]
    if models[size].nunique() > 1:
        columns.append(np.log(models[size].to_numpy(float)))
    return np.stack(columns, axis=1)


def weights_of_slope(columns: np.ndarray, runs: np.ndarray) -> np.ndarray:
    """The least-squares slope of depth as weights [M] of the models' means; each stands for `runs` [M] rows."""
    weighted = columns.T * runs
    return np.linalg.solve(weighted @ columns, weighted)[1]


def slope_row(runs: pd.DataFrame, size: str, bootstrap: Bootstrap) -> dict[str, Any] | None:
    """One row of depth.csv without its GROUP, from one row per model and repeat: architecture, depth, redundancy, size.

    None where the models do not tell depth and size apart. The interval resamples repeats within models: it says
    nothing of other models.
    """
    runs = runs.dropna(subset=["depth", size, REDUNDANCY.value])
    ends = {name: np.sort(rows[REDUNDANCY.value].to_numpy(float)) for name, rows in runs.groupby("architecture")}
    ends = {name: values for name, values in ends.items() if len(values) > 1}  # of one repeat the noise is unknown
    models = runs[runs["architecture"].isin(list(ends))].drop_duplicates("architecture")
    models = models.assign(mean=[ends[name].mean() for name in models["architecture"]])
    models = models.sort_values(["parameters", "depth", "mean"])  # names must not decide the draws
    columns = design(models, size)
    if models["depth"].nunique() < 2 or np.linalg.matrix_rank(columns) < columns.shape[1]:
        return None
    generator = np.random.default_rng(bootstrap.seed)
    values = [ends[name] for name in models["architecture"]]
    mean, count = models["mean"].to_numpy(), np.array([len(of_model) for of_model in values])
    samples = np.stack([resample(of_model, bootstrap.resamples, generator).mean(axis=1) for of_model in values], axis=1)
    samples = mean + (samples - mean) * np.sqrt(count / (count - 1))  # resampled means of few repeats vary too little
    weights = weights_of_slope(columns, count)
    low, high = grid_interval(100 * samples @ weights, bootstrap.confidence)
    exact = len(models) == columns.shape[1]
    return {
        "at_equal": size,
        "slope_points": float(100 * mean @ weights),
        "low": low,
        "high": high,
        "models": len(models),
        "depths": " ".join(str(depth) for depth in sorted(models["depth"].unique())),
        "runs": int(count.sum()),
        "verdict": TOO_FEW if exact else BETTER if low > ROUNDING else WORSE if high < -ROUNDING else OPEN,
    }


def depth_table(runs: pd.DataFrame, bootstrap: Bootstrap) -> pd.DataFrame:
    """One row per data set, family, scope of pruning and size that is held equal, where a slope can be told.

    Args:
        runs: one row per model and repeat: GROUP, architecture, depth (NA where a family has none), parameters, width
            (NaN where it is no knob) and redundancy, the share of weights at the end of the repeat's own plateau.
    """
    rows = []
    for key, group in runs.groupby(GROUP):
        slopes = [slope_row(group, size, bootstrap) for size in SIZES]
        rows += [dict(zip(GROUP, key, strict=True)) | row for row in slopes if row]
    return pd.DataFrame(rows, columns=COLUMNS)
