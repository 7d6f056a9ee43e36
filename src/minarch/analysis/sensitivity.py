"""Sensitivity of the regimes' borders to each threshold, moved by +-50 % (docs/methods.md 1.2; our inference)."""

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pandas as pd

from minarch.analysis.minimal import P_MIN, P_NEAR_BEST, Bootstrap, minimum, smallest, statistics
from minarch.analysis.regimes import LEARNING, OVERFITTING, UNSTABLE, Thresholds, classify
from minarch.analysis.sizes import Size

AS_SET = "as set"
OVERFITTING_FROM = "overfitting_from"  # the smallest parameter count in that regime
FACTORS = (0.5, 1.5)
NEAR_ONE = ("gain_share", "saturated_train", "loss_rise")  # their distance from 1 is moved: 1.5 x 0.995 is no accuracy
RANGES = {"failure_share": 1.0, "spread_points": 100.0, "below_best_points": 100.0, "near_best_points": 100.0}
MEASURED = Bootstrap(resamples=0, confidence=float("nan"), seed=0)  # no intervals


def moved(thresholds: Thresholds, name: str, factor: float) -> Thresholds:
    """The thresholds with one times `factor` (for NEAR_ONE its distance from 1), kept within its allowed range."""
    value = getattr(thresholds, name)
    value = 1 + factor * (value - 1) if name in NEAR_ONE else factor * value
    return replace(thresholds, **{name: min(max(value, 0.0), RANGES.get(name, np.inf))})


def cases(thresholds: Thresholds) -> Iterator[tuple[dict[str, Any], Thresholds]]:
    """Pairs of what is moved, in words, and the thresholds then; first as they are set. One that is off stays so."""
    yield {"threshold": AS_SET, "factor": 1.0, "value": float("nan")}, thresholds
    for name in (field.name for field in fields(thresholds) if getattr(thresholds, field.name) is not None):
        for factor in FACTORS:
            then = moved(thresholds, name, factor)
            yield {"threshold": name, "factor": factor, "value": getattr(then, name)}, then


def sensitivity_table(depths: Sequence[Sequence[Size]], thresholds: Thresholds, trainings: int = 1) -> pd.DataFrame:
    """Rows of sensitivity.csv for the depths of one data set and family; infinity: no such size on this grid.

    Args:
        trainings: fewest repeats of a size that can be P_min.
    """
    measured = [statistics(sizes, MEASURED, 0, trainings) for sizes in depths]
    parameters = np.array([size.parameters for sizes in depths for size in sizes])
    rows, as_set = [], None
    for words, then in cases(thresholds):
        minimal = minimum(measured, then, MEASURED.confidence)
        labels = np.array([regime.label for sizes in depths for regime in classify(sizes, then)])
        as_set = labels if as_set is None else as_set
        borders = {
            P_MIN.value: minimal.p_min.value,
            P_NEAR_BEST.value: minimal.p_near_best.value,
            OVERFITTING_FROM: float(smallest(parameters, labels == OVERFITTING)),
        }
        numbers = {label: (labels == label).sum() for label in (UNSTABLE, LEARNING, OVERFITTING)}
        rows.append(words | borders | numbers | {"changed": (labels != as_set).sum()})
    return pd.DataFrame(rows)
