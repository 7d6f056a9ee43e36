"""What an adaptive sweep trains next, family by family, and what it knows when nothing more is worth training.

The target that a training must reach is given, or lies a margin below the best: the highest mean accuracy of a size
that is trained at least twice. That is known once larger sizes no longer bring more, so each family first climbs its
ladder from about CLIMB_FROM parameters by doubling them, until that brings less than half of the margin (our
inference).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from minarch.adaptive.decision import BLOCK, Beyond, Proven, Train, Undecided, decide
from minarch.adaptive.posterior import Posterior
from minarch.adaptive.trials import Trials

CLIMB_FROM, CLIMB_STEPS = 1_000, 2  # parameters; steps of a ladder that double them
TIMES_LARGER = 2.0  # a family is left where it surely needs so many times the parameters of another
SURELY = 0.95


@dataclass(frozen=True)
class Goal:
    """What counts as success: a validation accuracy of `target`, one within `margin` of the best (fractions), or both.

    `proof` trainings that all succeed prove a size.
    """

    target: float | None
    margin: float | None
    proof: int

    def accuracy(self, families: Mapping[str, Trials]) -> float:
        """The validation accuracy that a training must reach, by what is known so far."""
        limits = [self.target] if self.target is not None else []
        if self.margin is not None:
            limits.append(best(families) - self.margin)
        return max(limits)


@dataclass(frozen=True)
class Left:
    """The family surely needs more parameters than `times` those of another."""

    times: float


@dataclass(frozen=True)
class Wait:
    """What it would train next has `times` the parameters of a size of another family that never failed."""

    times: float


Next = dict[str, Train | Wait | Proven | Beyond | Undecided | Left]


def best(families: Mapping[str, Trials]) -> float:
    """The highest mean accuracy of a size that is trained at least twice; 0 before there is one."""
    return max(
        (
            trials.mean(step)
            for trials in families.values()
            for step, values in trials.accuracies.items()
            if len(values) >= BLOCK
        ),
        default=0.0,
    )


def climb(trials: Trials, margin: float) -> Train | None:
    """The next size on the way to the best; None once larger ones no longer bring more."""
    counts = [size.parameters for size in trials.sizes]
    start = min(int(np.searchsorted(counts, CLIMB_FROM)), len(counts) - 1)
    steps = list(dict.fromkeys([*range(start, len(counts), CLIMB_STEPS), len(counts) - 1]))
    for place, step in enumerate(steps):
        if trials.trained(step) < BLOCK:
            return Train(step, BLOCK)
        if place and trials.mean(step) - trials.mean(steps[place - 1]) < margin / 2:
            return None
    return None


def plan_next(families: Mapping[str, Trials], goal: Goal) -> Next:
    """What to train next of each family, or its verdict; at least one trains if not all have theirs."""
    target = goal.accuracy(families)
    decided: Next = {}
    climbing = set()
    for family, trials in families.items():
        upwards = climb(trials, goal.margin) if goal.margin is not None else None
        within_reach = decide(*trials.counts(target), goal.proof) if trials.steps else Beyond()
        decided[family] = upwards or within_reach
        climbing |= {family} if upwards else set()
    enough = min((_needed(trials, target) for trials in families.values()), default=np.inf)
    good = min((_good(trials, target) for trials in families.values()), default=np.inf)
    waiting: Next = {}
    for family, trials in families.items():
        following = decided[family]
        if not isinstance(following, Train) or family in climbing:
            continue
        if _surely_above(trials, target, TIMES_LARGER * enough):
            decided[family] = Left(TIMES_LARGER)
        elif trials.sizes[following.step].parameters > TIMES_LARGER * good:
            waiting[family] = Wait(TIMES_LARGER)
    others = [family for family, following in decided.items() if isinstance(following, Train) and family not in waiting]
    return decided | waiting if others else decided


def _surely_above(trials: Trials, target: float, parameters: float) -> bool:
    """Whether the smallest reliable size surely has more than so many parameters."""
    near = [size.parameters <= parameters for size in trials.sizes[: trials.steps]]
    return float(Posterior(*trials.counts(target)).smallest[:-1][near].sum()) < 1 - SURELY


def _good(trials: Trials, target: float) -> float:
    """The parameters of the smallest size of which all trainings, at least BLOCK, reach the target; infinity: none."""
    counts = zip(trials.sizes, *trials.counts(target), strict=False)
    return min((size.parameters for size, reached, done in counts if reached == done >= BLOCK), default=np.inf)


def _needed(trials: Trials, target: float) -> float:
    """The parameters that are surely enough for the target; infinity: not on the ladder."""
    if not trials.steps:
        return np.inf
    step = int((Posterior(*trials.counts(target)).smallest.cumsum() >= SURELY).argmax())
    return trials.sizes[step].parameters if step < trials.steps else np.inf
