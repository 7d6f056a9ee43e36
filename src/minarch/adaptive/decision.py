"""What to train next of one family, or that its smallest reliable size is known (our inference).

A size is proven by PROOF trainings in a row that succeed, or where one fails by as many as leave the failures a share
of at most FAILURES: so 10 of 10, or 19 of 20, or as many more as the user wants.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from minarch.adaptive.posterior import Posterior

BLOCK, PROVING = 2, 4  # trainings at a time, while searching and while proving
LIKELY = 0.8  # that the median is at most a step off: then it is to be proven
MOST, MOST_PROOFS = 100, 5  # trainings of a family, or proofs' worth: what is not proven then fails too often
DOUBT = 0.1  # that a size two steps or more below the proven one is reliable, at most
FEW = 0.05  # the share of failures that a proven size may have (as convergence.failure_share)


@dataclass(frozen=True)
class Train:
    """Train a step until it has so many trainings in all."""

    step: int
    trainings: int


@dataclass(frozen=True)
class Proven:
    """The smallest reliable step is known."""

    step: int


@dataclass(frozen=True)
class Beyond:
    """No step of the ladder is reliable."""


@dataclass(frozen=True)
class Undecided:
    """So many trainings that more would tell nothing: at no size do few enough fail, or at hardly any."""

    trainings: int


def is_proven(successes: int, trainings: int, proof: int) -> bool:
    """Whether so many successes of so many trainings prove a size."""
    return trainings >= proof and trainings - successes <= FEW * trainings


def decide(successes: Sequence[int], trainings: Sequence[int], proof: int) -> Train | Proven | Beyond | Undecided:
    """What follows from the successes [S] and trainings [S] of a ladder's steps.

    Args:
        proof: trainings that prove a size if all of them succeed.
    """
    posterior = Posterior(successes, trainings)
    counts = list(zip(successes, trainings, strict=True))
    proven = [step for step, (reached, done) in enumerate(counts) if is_proven(reached, done, proof)]
    if proven and posterior.smallest[: max(0, proven[0] - 1)].sum() <= DOUBT:
        return Proven(proven[0])
    if sum(trainings) >= max(MOST, MOST_PROOFS * proof):
        return Proven(proven[0]) if proven else Undecided(sum(trainings))
    step = posterior.median
    if step == posterior.steps and posterior.smallest[-1] >= 1 - DOUBT:
        return Beyond()
    if step < posterior.steps and posterior.near(step) >= LIKELY:
        reached, done = counts[step]
        failed = done - reached
        goal = proof if failed == 0 else max(proof, ceil(1 / FEW))  # where one failure is few
        if done < goal and failed <= 1:
            return Train(step, min(done + PROVING, goal))
    step = int(posterior.expected_entropy(BLOCK).argmin())
    return Train(step, trainings[step] + BLOCK)
