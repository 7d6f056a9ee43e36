"""What makes a model reliable: enough trainings of it, of which few enough fail (docs/methods.md 1.5; our inference).

A training fails if its stage says so, if it has no finite network, or if it ends below an accuracy: twice chance or,
where a study has one, its target. With a target the answer needs no best model to be compared with: each reliable model
is good enough, so the smallest of them is the answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from minarch.analysis.intervals import EDGE, VALIDATION

ANY_DISTANCE = 100.0  # percentage points below the best that no accuracy exceeds
REACHED, PROVEN = "reached", "proven"  # columns: trainings that reach the target; of `proven_share`


@dataclass(frozen=True, kw_only=True)
class Reliability:
    """At least `trainings` trainings, of which at most `failure_share` end below the target.

    The target is a validation accuracy in (0, 1); None: twice chance.
    """

    failure_share: float
    trainings: int = 1
    target: float | None = None

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "Reliability":
        """The reliability in the configuration of a stage, or in a section; what it leaves out is off."""
        return cls(**{name: settings[name] for name in cls.__dataclass_fields__ if name in settings})

    def lowest(self, classes: int) -> float:
        """The lowest validation accuracy with which a training has not failed.

        Twice chance (docs/methods.md 1.2); with two classes that would be 100 %, so there it is halfway between chance
        and 100 % (our inference).
        """
        return min(2 / classes, (1 + 1 / classes) / 2) if self.target is None else self.target - EDGE

    @property
    def lacking(self) -> str:
        """Words for why no model is reliable."""
        few = f", or there are fewer than {self.trainings}" if self.trainings > 1 else ""
        return f"too many repeats of each failed{few}"

    def mask(self, models: pd.DataFrame) -> pd.Series:
        """Which of the models are reliable, from their columns `repeats` and `failed`."""
        enough = models["repeats"] >= self.trainings
        return enough & (models["failed"] <= self.failure_share * models["repeats"])

    def reliable(self, models: pd.DataFrame) -> pd.DataFrame:
        """The rows that may be recommended: reliable, and their validation accuracy was measured."""
        return models[self.mask(models) & models[VALIDATION.value].notna()]

    def within(self, points: float) -> float:
        """How far below the best the answer may be (percentage points): with a target as far as it likes."""
        return points if self.target is None else ANY_DISTANCE

    def bound(self, best: float, points: float) -> float:
        """The mean validation accuracy (fraction) that the answer is measured against: `points` below the best, or the
        target.
        """
        return best - points / 100 if self.target is None else self.target

    def with_proof(self, models: pd.DataFrame, confidence: float) -> pd.DataFrame:
        """The models with REACHED and PROVEN beside `repeats` and `failed`; as they are where there is no target."""
        if self.target is None:
            return models
        models = models.copy()
        models[REACHED] = models["repeats"] - models["failed"]
        models[PROVEN] = proven_share(models[REACHED], models["repeats"], confidence)
        return models


def proven_share(reached: Any, trainings: Any, confidence: float) -> np.ndarray:
    """The share of all trainings of which it is sure at `confidence` that they reach a target, if `reached` of
    `trainings` did: the exact one-sided lower bound of Clopper and Pearson (Biometrika 26, 1934).

    Of n out of n it is (1 - confidence) ** (1 / n), of none 0. It holds for a model that was named before its trainings
    were seen.

    Args:
        reached, trainings: numbers, or arrays of one shape.
        confidence: fraction, such as 0.95.
    """
    reached, trainings = np.asarray(reached, dtype=float), np.asarray(trainings, dtype=float)
    some = reached > 0
    bound = stats.beta.ppf(1 - confidence, np.where(some, reached, 1), trainings - reached + 1)
    return np.where(some, bound, 0.0)
