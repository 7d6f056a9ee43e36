"""Accuracy against bytes: the Pareto front and the model to recommend. Both look at validation accuracy only."""

from typing import Any

import numpy as np
import pandas as pd

from minarch.analysis.intervals import EDGE, VALIDATION
from minarch.analysis.precision import VARIANT
from minarch.quantization import FLOAT32


def pareto_front(cost: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Mask [N] of the points that none beats: costs no more and is worth no less, one of the two strictly."""
    order = np.lexsort((-value, cost))
    best_before = np.maximum.accumulate(np.concatenate([[-np.inf], value[order][:-1]]))
    front = np.zeros(len(cost), dtype=bool)
    front[order] = value[order] > best_before
    twins = pd.DataFrame({"cost": cost, "value": value})  # equal points do not beat each other
    return front | twins.assign(front=front).groupby(["cost", "value"])["front"].transform("any").to_numpy()


def worthwhile(models: pd.DataFrame) -> pd.DataFrame:
    """The rows whose precision brings something: those in float32, and those with fewer bytes than the same network has
    there.
    """
    whole = models.loc[models["precision"] == FLOAT32, [*VARIANT, "bytes"]]
    before = models[VARIANT].merge(whole, on=VARIANT, how="left", validate="many_to_one")["bytes"].to_numpy(float)
    return models[(models["precision"] == FLOAT32) | ~(models["bytes"].to_numpy(float) >= before)]


def recommend(models: pd.DataFrame, max_drop_points: float) -> tuple[Any, Any]:
    """Index of the recommended and of the best among the rows of one data set's models table that are worthwhile.

    Best: highest mean validation accuracy. Recommended: fewest bytes among the models within `max_drop_points` of it.
    Test accuracy plays no part: it is only reported, beside the choice.
    """
    models = worthwhile(models)
    accuracy = VALIDATION.value
    best = models.sort_values([accuracy, "bytes", "model"], ascending=[False, True, True]).iloc[0]
    return smallest_within(models, best[accuracy], max_drop_points), best.name


def smallest_within(models: pd.DataFrame, best: float, points: float) -> Any | None:
    """Index of the row of fewest bytes whose mean validation accuracy is at most `points` below `best` (fraction); of
    equally small ones the more accurate one; None if no row is.
    """
    accuracy = VALIDATION.value
    near = models[models[accuracy] >= best - points / 100 - EDGE]
    ordered = near.sort_values(["bytes", accuracy, "model"], ascending=[True, False, True])
    return None if near.empty else ordered.index[0]
