"""What the trainings so far say about the smallest reliable size of a family, and where the next ones say most.

The sizes of a family are steps 0 to S - 1 of a ladder. A training at step i succeeds with the probability
(1 - lapse) / (1 + exp(-(i - threshold) / spread)): Bayes' rule over a grid of thresholds, spreads and lapse rates, the
next trainings at the step of least expected entropy (Psi method: Kontsevich & Tyler 1999; QUEST+: Watson 2017). The
entropy is that of the step in question alone, the others are marginal (psi-marginal: Prins 2013). The grid, its prior
and the share RELIABLE are our inference.
"""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from scipy.special import expit, xlogy
from scipy.stats import binom

RELIABLE = 0.9  # of a size's trainings succeed, lapses apart
THRESHOLDS_PER_STEP = 4
SPREADS = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2)  # in steps
LAPSES = {0.0: 0.6, 0.02: 0.3, 0.05: 0.1}  # rate -> prior
SURE = 1e-6  # no training succeeds or fails with a greater certainty


class Posterior:
    """Beliefs about one ladder of S steps.

    The smallest reliable step is the first whose trainings succeed with the probability RELIABLE, lapses apart; S
    stands for none. Before any training each step, and none, is as likely as any other.
    """

    def __init__(self, successes: Sequence[int], trainings: Sequence[int]) -> None:
        """Believe what the trainings say.

        Args:
            successes: [S], of the trainings at each step.
            trainings: [S].
        """
        self.steps = len(trainings)
        thresholds = np.arange(-1.5, self.steps + 0.5, 1 / THRESHOLDS_PER_STEP)
        axes = np.meshgrid(thresholds, SPREADS, list(LAPSES), indexing="ij")
        threshold, spread, lapse = (axis.reshape(-1, 1) for axis in axes)  # [G, 1]
        curve = expit((np.arange(self.steps) - threshold) / spread)  # [G, S]
        self._chances = np.clip((1 - lapse) * curve, SURE, 1 - SURE)
        reliable = curve >= RELIABLE
        first = np.where(reliable.any(axis=1), reliable.argmax(axis=1), self.steps)
        self._members = first[:, None] == np.arange(self.steps + 1)  # [G, S + 1]
        prior = np.array([LAPSES[rate] for rate in lapse[:, 0]])
        prior = prior / (self._members * (self._members.T @ prior)).sum(axis=1)
        done, reached = np.asarray(trainings), np.asarray(successes)
        likelihood = xlogy(reached, self._chances).sum(axis=1) + xlogy(done - reached, 1 - self._chances).sum(axis=1)
        weights = prior * np.exp(likelihood - likelihood.max())
        self._weights = weights / weights.sum()

    @cached_property
    def smallest(self) -> np.ndarray:
        """The probability [S + 1] that each step, or none, is the smallest reliable one."""
        return np.asarray(self._weights @ self._members)

    @property
    def median(self) -> int:
        """The first step of which it is as likely as not that it is reliable; S: none is."""
        return int((self.smallest.cumsum() >= 0.5 - SURE).argmax())

    def near(self, step: int) -> float:
        """The probability that the smallest reliable step is at most one from `step`."""
        return float(self.smallest[max(0, step - 1) : step + 2].sum())

    def expected_entropy(self, trainings: int) -> np.ndarray:
        """The entropy [S] of `smallest`, in nats, that is expected after so many trainings at each step."""
        expected = np.zeros(self.steps)
        for successes in range(trainings + 1):
            joint = self._weights[:, None] * binom.pmf(successes, trainings, self._chances)  # [G, S]
            beliefs = joint.T @ self._members  # [S, S + 1], times the chance of so many successes
            total = beliefs.sum(axis=1)
            expected += xlogy(total, total) - xlogy(beliefs, beliefs).sum(axis=1)
        return expected
