"""The repeats of one data set and family epoch by epoch, as if each epoch had been the last of the budget."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from minarch.analysis.reliability import Reliability


@dataclass(frozen=True, kw_only=True, eq=False)
class Course:
    """N repeats over E epochs; `runs` has their architecture, depth and parameters, a row for each of the N columns."""

    runs: pd.DataFrame
    epochs: np.ndarray  # [E], from 1
    validation: np.ndarray  # [E, N] accuracy, fraction
    failed: np.ndarray  # [E, N] bool
    chance: float  # accuracy of guessing: 1 / classes


def course_of(runs: pd.DataFrame, curves: pd.DataFrame, reliability: Reliability) -> Course:
    """The course of one data set and family, from its rows of `runs` and `curves`.

    As in minarch.analysis.sizes, a repeat without a finite accuracy counts as one at chance level. One that was stopped
    early keeps its last values. A repeat's status, judged where it ended, counts from there on.
    """
    key = ["architecture", "repeat"]
    runs = runs.sort_values(["parameters", *key], ignore_index=True)
    classes = int(runs["classes"].iloc[0])
    measured = curves.assign(
        accuracy=curves["validation_accuracy"].fillna(1 / classes),
        lost=(~np.isfinite(curves["validation_loss"])).astype(float),
    )
    columns = pd.MultiIndex.from_frame(runs[key])
    accuracy, lost = (measured.pivot(index="epoch", columns=key, values=name)[columns] for name in ("accuracy", "lost"))
    ended = accuracy.isna().shift(-1, fill_value=True).to_numpy()
    validation = accuracy.ffill().to_numpy()
    judged = ended & (runs["status"] != "ok").to_numpy()
    return Course(
        runs=runs[["architecture", "depth", "parameters"]],
        epochs=accuracy.index.to_numpy(),
        validation=validation,
        failed=(lost.ffill() > 0).to_numpy() | (validation < reliability.lowest(classes)) | judged,
        chance=1 / classes,
    )
