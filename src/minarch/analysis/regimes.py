"""The three regimes of a size: unstable, learning, overfitting (docs/methods.md 1.2).

The papers report the regimes but not their rule; the rule here is our inference (docs/methods.md 1.2), where
VALIDATION accuracy takes the place of test accuracy, so that nothing that is selected by regime has seen test data.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minarch.analysis.intervals import EDGE
from minarch.analysis.sizes import Size

UNSTABLE, LEARNING, OVERFITTING = "unstable", "learning", "overfitting"


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """Limits between the regimes. *_points are percentage points of accuracy, *_share and saturated_train fractions."""

    failure_share: float  # unstable: a larger share of the repeats fails
    spread_factor: (
        float  # unstable: standard deviation above this multiple of the median over the upper half of sizes ...
    )
    spread_points: float  # ... and above this many points
    below_best_points: float  # unstable: mean accuracy this far below the best size
    near_best_points: float  # overfitting needs a mean accuracy this near to the best size
    saturated_train: float  # overfitting: mean train accuracy at or above this
    gap_factor: (
        float  # overfitting: train - validation above this multiple of the gap at the smallest size near the best
    )
    loss_rise: float  # overfitting: validation loss at the last epoch above this multiple of its minimum

    @classmethod
    def of(cls, config: dict[str, Any]) -> "Thresholds":
        """The thresholds in the configuration of a stage."""
        return cls(**{name: float(config[name]) for name in cls.__dataclass_fields__})


@dataclass(frozen=True)
class Regime:
    """Label of a size and the evidence for it."""

    label: str
    reason: str  # the measured value and the limit that decided


def spread_limit(parameters: np.ndarray, std: np.ndarray, thresholds: Thresholds) -> np.ndarray:
    """Largest standard deviation (fraction) of a stable size, from sizes on the last axis of `std` [..., S].

    Sizes of one repeat, whose spread is unknown, say nothing of it.
    """
    upper_half = parameters >= np.median(parameters)
    known = upper_half & ~np.isnan(std).reshape(-1, len(parameters)).any(axis=0)
    reference = np.median(std[..., known], axis=-1) if known.any() else np.zeros(std.shape[:-1])
    return np.maximum(thresholds.spread_factor * reference, thresholds.spread_points / 100)


def is_near(mean: np.ndarray, best: np.ndarray, points: float) -> np.ndarray:
    """Mask of the accuracies [..., S] that are at most `points` percentage points below `best` [...]."""
    return mean >= best[..., None] - points / 100 - EDGE


def is_unstable(
    parameters: np.ndarray,
    mean: np.ndarray,
    std: np.ndarray,
    failed_share: np.ndarray,
    thresholds: Thresholds,
    best: np.ndarray | None = None,
) -> np.ndarray:
    """Mask of the unstable sizes [..., S]. `best` [...]: the accuracy to compare with, by default these sizes' own."""
    best = mean.max(axis=-1) if best is None else best
    return (
        (failed_share > thresholds.failure_share)
        | (std > spread_limit(parameters, std, thresholds)[..., None])
        | ~is_near(mean, best, thresholds.below_best_points)
    )


def standard_deviation(values: np.ndarray) -> np.ndarray:
    """Sample standard deviation over the last axis; NaN for one repeat, which shows no spread."""
    return values.std(axis=-1, ddof=1) if values.shape[-1] > 1 else np.full(values.shape[:-1], np.nan)


def classify(sizes: Sequence[Size], thresholds: Thresholds) -> list[Regime]:
    """The regime of every size of one (data set, family, depth), each with the evidence that decided."""
    t = thresholds
    parameters = np.array([size.parameters for size in sizes])
    mean = np.array([size.validation.mean() for size in sizes])
    std = np.array([standard_deviation(size.validation) for size in sizes])
    failed_share = np.array([size.failed.mean() for size in sizes])
    train = np.array([size.train.mean() for size in sizes])
    unstable = is_unstable(parameters, mean, std, failed_share, t)
    limit = float(spread_limit(parameters, std, t))
    near = is_near(mean, mean.max(), t.near_best_points)
    gap = train - mean
    first_gap = gap[near & (parameters == parameters[near].min())].mean()
    # A gap below the near-best margin is noise in this comparison, and the first gap can be zero or negative.
    gap_limit = float(max(t.gap_factor * first_gap, t.near_best_points / 100))

    def regime(i: int) -> Regime:
        if unstable[i]:
            if failed_share[i] > t.failure_share:
                return Regime(UNSTABLE, f"{failed_share[i]:.0%} of the repeats failed (limit {t.failure_share:.0%})")
            if std[i] > limit:
                return Regime(UNSTABLE, f"standard deviation {100 * std[i]:.1f} points (limit {100 * limit:.1f})")
            below = 100 * (mean.max() - mean[i])
            return Regime(UNSTABLE, f"{below:.1f} points below the best size (limit {t.below_best_points:g})")
        evidence = []
        if near[i] and train[i] >= t.saturated_train:
            evidence.append(f"train accuracy {train[i]:.2%} (limit {t.saturated_train:.2%})")
        if near[i] and gap[i] > gap_limit:
            evidence.append(f"train - validation {100 * gap[i]:.1f} points (limit {100 * gap_limit:.1f})")
        if sizes[i].loss_rise > t.loss_rise:
            evidence.append(f"validation loss ends at {sizes[i].loss_rise:.2f} x its minimum (limit {t.loss_rise:g})")
        if evidence:
            return Regime(OVERFITTING, "; ".join(evidence))
        return Regime(
            LEARNING, f"{100 * (mean.max() - mean[i]):.1f} points below the best size, no sign of overfitting"
        )

    return [regime(i) for i in range(len(sizes))]
