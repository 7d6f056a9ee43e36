"""The three regimes of a size: unstable, learning, overfitting (docs/methods.md 1.2).

The papers report the regimes but not their rule; the rule here is our inference (docs/methods.md 1.2), where
VALIDATION accuracy takes the place of test accuracy, so that nothing that is selected by regime has seen test data.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from minarch.analysis.intervals import EDGE
from minarch.analysis.sizes import Size, Statistics, as_measured

UNSTABLE, LEARNING, OVERFITTING = "unstable", "learning", "overfitting"


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """Limits between the regimes. *_points are percentage points of accuracy, *_share and saturated_train fractions."""

    failure_share: float  # unstable: a larger share of the repeats fails
    spread_factor: (
        float  # unstable: standard deviation above this multiple of the median over the upper half of sizes ...
    )
    spread_points: float  # ... and above this many points
    gain_share: (
        float | None
    )  # unstable: mean accuracy gains less over chance than this share of what the best size does
    below_best_points: float | None  # unstable: mean accuracy this far below the best size
    near_best_points: float  # overfitting needs a mean accuracy this near to the best size
    saturated_train: float  # overfitting: mean train accuracy at or above this
    gap_factor: (
        float  # overfitting: train - validation above this multiple of the gap at the smallest size near the best
    )
    loss_rise: float  # overfitting: validation loss at the last epoch above this multiple of its minimum

    @classmethod
    def of(cls, config: dict[str, Any]) -> "Thresholds":
        """The thresholds in the configuration of a stage."""
        limits: dict[str, Any] = {name: config[name] for name in cls.__dataclass_fields__}
        return cls(**{name: limit and float(limit) for name, limit in limits.items()})

    def lowest(self, best: np.ndarray, chance: float) -> np.ndarray:
        """The lowest mean accuracies [...] of a stable size where the best one's are `best` [...]; -inf: any."""
        by_gain = -np.inf if self.gain_share is None else chance + self.gain_share * (best - chance)
        by_points = -np.inf if self.below_best_points is None else best - self.below_best_points / 100
        return np.maximum(by_gain, by_points)


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


def is_unstable(sizes: Statistics, thresholds: Thresholds, best: np.ndarray | None = None) -> np.ndarray:
    """Mask [B, S] of the unstable sizes. `best` [B]: the accuracy to compare with, by default these sizes' own."""
    best = sizes.mean.max(axis=-1) if best is None else best
    return (
        (sizes.failed_share > thresholds.failure_share)
        | (sizes.std > spread_limit(sizes.parameters, sizes.std, thresholds)[..., None])
        | (sizes.mean < thresholds.lowest(best, sizes.chance)[..., None] - EDGE)
    )


def too_far(mean: np.ndarray, best: np.ndarray, chance: float, thresholds: Thresholds) -> str:
    """Words for a mean that is too far below the best one's, by the rule that decided."""
    by_gain = replace(thresholds, below_best_points=None)
    if mean < (limit := by_gain.lowest(best, chance)) - EDGE:
        return f"mean {mean:.1%} (limit {limit:.1%}: {by_gain.gain_share:.0%} of the best size's gain over chance)"
    return f"{100 * (best - mean):.1f} points below the best size (limit {thresholds.below_best_points:g})"


def classify(sizes: Sequence[Size], thresholds: Thresholds) -> list[Regime]:
    """The regime of every size of one (data set, family, depth), each with the evidence that decided."""
    t = thresholds
    measured = as_measured(sizes)
    parameters, mean, failed_share = measured.parameters, measured.mean[0], measured.failed_share[0]
    train = np.array([size.train.mean() for size in sizes])
    (unstable,) = is_unstable(measured, t)
    limit = float(spread_limit(parameters, measured.std, t)[0])
    near = is_near(mean, mean.max(), t.near_best_points)
    gap = train - mean
    first_gap = gap[near & (parameters == parameters[near].min())].mean()
    # A gap below the near-best margin is noise in this comparison, and the first gap can be zero or negative.
    gap_limit = float(max(t.gap_factor * first_gap, t.near_best_points / 100))

    def regime(i: int) -> Regime:
        if unstable[i]:
            if failed_share[i] > t.failure_share:
                return Regime(UNSTABLE, f"{failed_share[i]:.0%} of the repeats failed (limit {t.failure_share:.0%})")
            if (std := measured.std[0, i]) > limit:
                return Regime(UNSTABLE, f"standard deviation {100 * std:.1f} points (limit {100 * limit:.1f})")
            return Regime(UNSTABLE, too_far(mean[i], mean.max(), sizes[i].chance, t))
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
