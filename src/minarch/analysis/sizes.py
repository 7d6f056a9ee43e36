"""One row of the sweep: everything the regimes need to know about one architecture."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from minarch.analysis.records import FINAL_TRAIN, FINAL_VALIDATION
from minarch.analysis.reliability import Reliability


@dataclass(frozen=True, kw_only=True, eq=False)
class Size:
    """The R repeats of one architecture at the last epoch of their budget; accuracies are fractions."""

    architecture: str
    parameters: int
    macs: int
    validation: np.ndarray  # [R]
    train: np.ndarray  # [R]
    failed: np.ndarray  # [R] bool
    loss_rise: float  # mean validation loss at the last epoch / its minimum over epochs; NaN if never finite


def sizes_of(runs: pd.DataFrame, curves: pd.DataFrame, reliability: Reliability) -> list[Size]:
    """The sizes of one (data set, family, depth), by parameter count, from its rows of `runs` and `curves`.

    A repeat without a finite accuracy counts as one at chance level: it learned nothing (our inference).
    """
    curves = curves.sort_values(["architecture", "epoch", "validation_loss"])
    mean_loss = curves.groupby(["architecture", "epoch"])["validation_loss"].mean().unstack("epoch")
    sizes = []
    for name, rows in runs.groupby("architecture"):
        classes = int(rows["classes"].iloc[0])
        validation = rows[FINAL_VALIDATION].fillna(1 / classes).to_numpy()
        train = rows[FINAL_TRAIN].fillna(1 / classes).to_numpy()
        failed = (rows["status"] != "ok").to_numpy() | (validation < reliability.lowest(classes))
        order = np.lexsort((failed, train, validation))  # results must not depend on how repeats are numbered
        loss = mean_loss.loc[name].dropna().to_numpy()
        sizes.append(
            Size(
                architecture=str(name),
                parameters=int(rows["parameters"].iloc[0]),
                macs=int(rows["macs"].iloc[0]),
                validation=validation[order],
                train=train[order],
                failed=failed[order],
                loss_rise=float(loss[-1] / max(loss.min(), 1e-12)) if len(loss) else float("nan"),
            )
        )
    return sorted(
        sizes, key=lambda size: (size.parameters, tuple(size.validation), tuple(size.train), size.architecture)
    )
