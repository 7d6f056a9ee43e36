"""Accuracy as a function of the parameter count alone: a monotone fit at every epoch (our inference)."""

import numpy as np
import pandas as pd
from scipy.optimize import isotonic_regression

from minarch.analysis.epochs import Course
from minarch.analysis.intervals import VALIDATION

FITTED = "fitted"


def isotonic(values: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Non-decreasing least-squares fit [G] of `values` [G] in their order; the weight [G] of each one's level piece.

    It depends on the order of the counts only, so that on their logarithms it is the same.
    """
    fit = isotonic_regression(values, weights=weights)
    return fit.x, np.repeat(fit.weights, np.diff(fit.blocks))


def trend_table(course: Course) -> pd.DataFrame:
    """Rows of trend.csv: per epoch and parameter count the mean over its runs, and the fit weighted by their number."""
    parameters = course.runs["parameters"].to_numpy()
    counts, runs = np.unique(parameters, return_counts=True)
    # Sorted, as the sum must not depend on how repeats are numbered or architectures are called.
    mean = np.stack([np.sort(course.validation[:, parameters == p], axis=1).mean(axis=1) for p in counts], axis=1)
    sizes = course.runs.groupby("parameters")["architecture"].nunique().to_numpy()
    tables = [
        pd.DataFrame(
            {
                "epoch": epoch,
                "parameters": counts,
                "sizes": sizes,
                VALIDATION.value: values,
                FITTED: isotonic(values, runs.astype(float))[0],
            }
        )
        for epoch, values in zip(course.epochs, mean, strict=True)
    ]
    return pd.concat(tables, ignore_index=True)
