"""Accuracy against bytes: the Pareto front and the model to recommend. Both look at validation accuracy only."""

from typing import Any

import numpy as np
import pandas as pd

from minarch.analysis.intervals import VALIDATION
from minarch.analysis.precision import VARIANT
from minarch.analysis.regimes import EDGE
from minarch.quantization import FLOAT32


def pareto_front(cost: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Mask [N] of the points that none beats: costs no more and is worth no less, one of the two strictly."""
    order = np.lexsort((-value, cost))
    best_before = np.maximum.accumulate(np.concatenate([[-np.inf], value[order][:-1]]))
    front = np.zeros(len(cost), dtype=bool)
    front[order] = value[order] > best_before
    twins = pd.DataFrame({"cost": cost, "value": value})  # equal points do not beat each other
    return front | twins.assign(front=front).groupby(["cost", "value"])["front"].transform("any").to_numpy()


def reliable(models: pd.DataFrame, failure_share: float) -> pd.DataFrame:
    """The rows that may be recommended: measured, at most `failure_share` of the repeats failed, and, in fewer bits, of
    fewer bytes than the same model in float32 (our inference).
    """
    float32 = models.loc[models["precision"] == FLOAT32, [*VARIANT, "bytes"]]
    bound = models[VARIANT].merge(float32, on=VARIANT, how="left")["bytes"].to_numpy()
    pays = (models["precision"] == FLOAT32) | ~(models["bytes"] >= bound)
    learns = (models["failed"] <= failure_share * models["repeats"]) & models[VALIDATION.value].notna()
    return models[learns & pays]


def recommend(models: pd.DataFrame, max_drop_points: float) -> tuple[Any, Any]:
    """Index of the recommended and of the best among the rows of one data set's models table.

    Best: highest mean validation accuracy. Recommended: fewest bytes among the models within `max_drop_points` of it.
    Test accuracy plays no part: it is only reported, beside the choice.
    """
    accuracy = VALIDATION.value
    best = models.sort_values([accuracy, "bytes", "model"], ascending=[False, True, True]).iloc[0]
    near = models[models[accuracy] >= best[accuracy] - max_drop_points / 100 - EDGE]
    return near.sort_values(["bytes", accuracy, "model"], ascending=[True, False, True]).index[0], best.name
