"""The sizes of a sweep: everything the regimes need to know about one architecture, and statistics of many."""

from collections.abc import Sequence
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
    chance: float  # accuracy of guessing: 1 / classes
    loss_rise: float  # mean validation loss at the last epoch / its minimum over epochs; NaN if never finite


@dataclass(frozen=True, kw_only=True, eq=False)
class Statistics:
    """Statistics [B, S] of every bootstrap sample b and size s of one depth; row 0 is the data as measured."""

    parameters: np.ndarray  # [S]
    enough: np.ndarray  # [S] bool: has as many repeats as a reliable size takes
    mean: np.ndarray
    std: np.ndarray
    failed_share: np.ndarray
    chance: float  # accuracy of guessing


def standard_deviation(values: np.ndarray) -> np.ndarray:
    """Sample standard deviation over the last axis; NaN for one repeat, which shows no spread."""
    return values.std(axis=-1, ddof=1) if values.shape[-1] > 1 else np.full(values.shape[:-1], np.nan)


def as_measured(sizes: Sequence[Size]) -> Statistics:
    """Statistics [1, S] of sizes of one depth, whatever their number of repeats."""
    return Statistics(
        parameters=np.array([size.parameters for size in sizes]),
        enough=np.ones(len(sizes), dtype=bool),
        mean=np.array([[size.validation.mean() for size in sizes]]),
        std=np.array([[standard_deviation(size.validation) for size in sizes]]),
        failed_share=np.array([[size.failed.mean() for size in sizes]]),
        chance=sizes[0].chance,
    )


def sizes_of(runs: pd.DataFrame, curves: pd.DataFrame, reliability: Reliability) -> list[Size]:
    """The sizes of one (data set, family, depth), by parameter count, from its rows of `runs` and `curves`.

    A repeat without a finite accuracy counts as one at chance level: it learned nothing (our inference).
    """
    curves = curves.sort_values(["architecture", "epoch", "validation_loss"])
    mean_loss = curves.groupby(["architecture", "epoch"])["validation_loss"].mean().unstack("epoch")
    sizes = []
    for name, rows in runs.groupby("architecture"):
        classes = int(rows["classes"].iloc[0])
        chance = 1 / classes
        validation = rows[FINAL_VALIDATION].fillna(chance).to_numpy()
        train = rows[FINAL_TRAIN].fillna(chance).to_numpy()
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
                chance=chance,
                loss_rise=float(loss[-1] / max(loss.min(), 1e-12)) if len(loss) else float("nan"),
            )
        )
    return sorted(
        sizes, key=lambda size: (size.parameters, tuple(size.validation), tuple(size.train), size.architecture)
    )
