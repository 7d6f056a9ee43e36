"""Minimal learnable parameters, with bootstrap intervals over the repeats (docs/methods.md 1.2; our inference).

P_min: the smallest parameter count from which every larger size is not unstable. P_near_best: the smallest count at or
above P_min whose mean validation accuracy is within near_best_points of the best. Infinity: not on this grid. Neither
is the count of a size that has too few trainings to be called reliable, but such a size can be unstable.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from minarch.analysis.intervals import Columns, grid_interval, of_estimate, resample
from minarch.analysis.regimes import Thresholds, is_near, is_unstable
from minarch.analysis.sizes import Size, Statistics, standard_deviation

P_MIN, P_NEAR_BEST = of_estimate("p_min"), of_estimate("p_near_best")
BY_GAIN, BY_POINTS = of_estimate("p_min_by_gain"), of_estimate("p_min_by_points")  # whichever rule the study goes by
GAIN_SHARE, BELOW_BEST_POINTS = 0.9, 10.0  # of a rule that the study does not go by


@dataclass(frozen=True, kw_only=True)
class Bootstrap:
    """Resamples from which intervals are read off."""

    resamples: int
    confidence: float  # fraction, e.g. 0.95
    seed: int


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A parameter count read off the grid, with its bootstrap interval; infinity = beyond the largest size."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Minimum:
    """Minimal parameter counts of one or more depths."""

    p_min: Estimate
    p_near_best: Estimate
    best_validation: float  # mean validation accuracy of the best size, fraction


def statistics(sizes: Sequence[Size], bootstrap: Bootstrap, depth: int, trainings: int = 1) -> Statistics:
    """Resample the repeats of each size; validation accuracy and failure of a repeat stay together.

    Args:
        trainings: fewest repeats of a size that can be P_min.
    """
    generator = np.random.default_rng([bootstrap.seed, depth])
    columns = []
    for size in sizes:
        runs = np.stack([size.validation, size.failed], axis=-1)  # [R, 2]
        runs = np.concatenate([runs[None], resample(runs, bootstrap.resamples, generator)])  # [B, R, 2]
        columns.append((runs[..., 0].mean(axis=1), standard_deviation(runs[..., 0]), runs[..., 1].mean(axis=1)))
    mean, std, failed_share = (np.stack(column, axis=-1) for column in zip(*columns, strict=True))
    return Statistics(
        parameters=np.array([size.parameters for size in sizes]),
        enough=np.array([len(size.validation) >= trainings for size in sizes]),
        mean=mean,
        std=std,
        failed_share=failed_share,
        chance=sizes[0].chance,
    )


def smallest(parameters: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Smallest of `parameters` [S] among the `chosen` [B, S] of each row; infinity where none is."""
    return np.where(chosen, parameters.astype(float), np.inf).min(axis=-1)


def minimal_counts(depth: Statistics, thresholds: Thresholds, best: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """P_min [B] and P_near_best [B] of one depth, measured against `best` [B] (mean validation accuracy)."""
    unstable = is_unstable(depth, thresholds, best)
    largest_unstable = np.where(unstable, depth.parameters.astype(float), -np.inf).max(axis=-1)
    reliable = depth.enough & (depth.parameters > largest_unstable[:, None])
    near = is_near(depth.mean, best, thresholds.near_best_points)
    return smallest(depth.parameters, reliable), smallest(depth.parameters, reliable & near)


def minimum(depths: Sequence[Statistics], thresholds: Thresholds, confidence: float) -> Minimum:
    """Minimum over one or more depths: the smallest of the depths' values, all measured against their common best.

    The common best keeps a depth whose sizes all stay poor from giving its family a small but useless minimum.
    """
    best = np.max([depth.mean.max(axis=-1) for depth in depths], axis=0)
    counts = [minimal_counts(depth, thresholds, best) for depth in depths]
    p_min, p_near_best = (np.min(values, axis=0) for values in zip(*counts, strict=True))
    return Minimum(
        p_min=estimate(p_min, confidence), p_near_best=estimate(p_near_best, confidence), best_validation=float(best[0])
    )


def estimate(samples: np.ndarray, confidence: float) -> Estimate:
    """The measured value (sample 0) and the percentile interval of the bootstrap samples after it."""
    low, high = grid_interval(samples[1:], confidence) if len(samples) > 1 else (float("nan"), float("nan"))
    return Estimate(value=float(samples[0]), low=low, high=high)


def both_rules(depths: Sequence[Statistics], thresholds: Thresholds, confidence: float) -> dict[Columns, Estimate]:
    """P_min by each of the two rules for how far below the best a size may be, alone: BY_GAIN and BY_POINTS."""
    share = GAIN_SHARE if thresholds.gain_share is None else thresholds.gain_share
    points = BELOW_BEST_POINTS if thresholds.below_best_points is None else thresholds.below_best_points
    rules = {
        BY_GAIN: replace(thresholds, gain_share=share, below_best_points=None),
        BY_POINTS: replace(thresholds, gain_share=None, below_best_points=points),
    }
    return {columns: minimum(depths, rule, confidence).p_min for columns, rule in rules.items()}
