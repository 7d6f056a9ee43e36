"""Early signs of a hopeless size: the rules of the last epoch at every epoch (our inference)."""

from dataclasses import replace

import numpy as np
import pandas as pd

from minarch.analysis.epochs import Course
from minarch.analysis.minimal import P_MIN, P_NEAR_BEST, minimum
from minarch.analysis.regimes import Thresholds, is_unstable
from minarch.analysis.sizes import Statistics, standard_deviation

CALLED_UNSTABLE, FALSE_ALARMS, MISSED = "called_unstable", "false_alarms", "missed"  # numbers of sizes


def statistics_by_epoch(course: Course, trainings: int = 1) -> list[Statistics]:
    """Statistics of each depth's sizes with a row per epoch, where minarch.analysis.minimal has one per resample."""
    depths = []
    for _, runs in course.runs.groupby("depth", dropna=False):
        sizes = [(rows["parameters"].iloc[0], rows.index) for _, rows in runs.groupby("architecture")]
        # Sorted, as the order of repeats is chance.
        validation = [np.sort(course.validation[:, columns], axis=1) for _, columns in sizes]
        depths.append(
            Statistics(
                parameters=np.array([parameters for parameters, _ in sizes]),
                enough=np.array([len(columns) >= trainings for _, columns in sizes]),
                mean=np.stack([values.mean(axis=1) for values in validation], axis=1),
                std=np.stack([standard_deviation(values) for values in validation], axis=1),
                failed_share=np.stack([course.failed[:, columns].mean(axis=1) for _, columns in sizes], axis=1),
                chance=course.chance,
            )
        )
    return depths


def early_table(course: Course, thresholds: Thresholds, trainings: int = 1) -> pd.DataFrame:
    """Rows of early.csv: per epoch P_min and P_near_best (infinity: not on this grid), and how many sizes are called
    unstable, as if training had ended there; rightly or not is judged by the last epoch.

    Args:
        trainings: fewest repeats of a size that can be P_min.
    """
    depths = statistics_by_epoch(course, trainings)
    unstable = np.concatenate([is_unstable(d, thresholds) for d in depths], axis=1)
    rows = []
    for i, epoch in enumerate(course.epochs):
        now = [replace(d, mean=d.mean[[i]], std=d.std[[i]], failed_share=d.failed_share[[i]]) for d in depths]
        minimal = minimum(now, thresholds, confidence=float("nan"))  # one row: no resamples, no interval
        rows.append(
            {
                "epoch": epoch,
                "sizes": unstable.shape[1],
                P_MIN.value: minimal.p_min.value,
                P_NEAR_BEST.value: minimal.p_near_best.value,
                CALLED_UNSTABLE: unstable[i].sum(),
                FALSE_ALARMS: (unstable[i] & ~unstable[-1]).sum(),
                MISSED: (~unstable[i] & unstable[-1]).sum(),
            }
        )
    return pd.DataFrame(rows)


def first_certain_epoch(early: pd.DataFrame) -> int:
    """The first epoch from which on no size is called unstable wrongly, from one family's rows of early.csv."""
    early = early.sort_values("epoch", ascending=False)
    return int(early.loc[(early[FALSE_ALARMS] == 0).cummin(), "epoch"].min())
