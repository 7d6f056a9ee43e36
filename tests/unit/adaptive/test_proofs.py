"""What to train next, and when to stop: on simulated families whose smallest reliable size is known."""

from dataclasses import dataclass

import numpy as np
import pytest
from scipy.special import expit

from minarch.adaptive.decision import MOST, PROVING, Beyond, Proven, Train, Undecided, decide, is_proven
from minarch.adaptive.posterior import RELIABLE

STEPS, PROOF = 16, 10


@dataclass(frozen=True)
class Family:
    """A simulated family: a training at a step succeeds with a known probability."""

    threshold: float
    spread: float
    lapse: float

    @property
    def curve(self) -> np.ndarray:
        return expit((np.arange(STEPS) - self.threshold) / self.spread)

    @property
    def truth(self) -> int:
        """The smallest reliable step."""
        return int((self.curve >= RELIABLE).argmax())

    def search(self, rng: np.random.Generator) -> tuple[int, int]:
        """The step that a search ends with, and its number of trainings."""
        reached, trained = [0] * STEPS, [0] * STEPS
        while isinstance(decision := decide(reached, trained, PROOF), Train):
            further = decision.trainings - trained[decision.step]
            assert further > 0, "a decision is never to wait"
            reached[decision.step] += int(rng.binomial(further, (1 - self.lapse) * self.curve[decision.step]))
            trained[decision.step] = decision.trainings
        if not isinstance(decision, Proven):
            return 2 * STEPS, sum(trained)  # far from any truth
        assert is_proven(reached[decision.step], trained[decision.step], PROOF)
        return decision.step, sum(trained)


def grid(family: Family, rng: np.random.Generator) -> int:
    """The step that the full grid names: the first from which on all of 10 trainings of each succeed."""
    failed = rng.binomial(PROOF, (1 - family.lapse) * family.curve) < PROOF
    return int(np.flatnonzero(failed).max(initial=-1)) + 1


def simulated(lapse: float, count: int) -> list[tuple[int, int, int]]:
    """How far a search and the grid are off, in steps, and the trainings of the search: for so many families."""
    rng, rows = np.random.default_rng(7), []
    for _ in range(count):
        family = Family(rng.uniform(1, STEPS - 4), rng.choice([0.15, 0.3, 0.6]), lapse)
        step, trainings = family.search(rng)
        rows.append((abs(step - family.truth), abs(grid(family, rng) - family.truth), trainings))
    return rows


@pytest.mark.slow
def test_it_hits_the_truth_within_a_step_with_an_eighth_of_the_grid_s_trainings():
    errors, _, trainings = zip(*simulated(0.0, 120), strict=True)
    assert np.mean(np.array(errors) <= 1) >= 0.95
    assert np.median(trainings) <= 20
    assert np.percentile(trainings, 90) <= STEPS * PROOF / 4


@pytest.mark.slow
def test_random_failures_mislead_it_less_than_the_grid():
    """With failures of 2 % at any size the grid takes each for a sign that the size is too small."""
    errors, of_grid, _ = zip(*simulated(0.02, 120), strict=True)
    assert np.mean(np.array(errors) <= 1) >= 0.9
    assert np.mean(np.array(of_grid) <= 1) <= 0.5


def test_a_family_that_never_learns_is_beyond_the_ladder():
    reached, trained = [0] * STEPS, [0] * STEPS
    while isinstance(decision := decide(reached, trained, PROOF), Train):
        trained[decision.step] = decision.trainings
    assert decision == Beyond()
    assert sum(trained) <= 20


def test_a_family_that_always_learns_is_proven_at_its_smallest():
    reached, trained = [0] * STEPS, [0] * STEPS
    while isinstance(decision := decide(reached, trained, PROOF), Train):
        reached[decision.step] = trained[decision.step] = decision.trainings
    assert decision == Proven(0)
    assert trained[0] == PROOF


@pytest.mark.parametrize("chance", [0.5, 0.8, 0.9])
def test_a_family_that_fails_too_often_at_any_size_ends_undecided_or_proven_by_luck(chance):
    rng = np.random.default_rng(3)
    for _ in range(5):
        reached, trained = [0] * STEPS, [0] * STEPS
        while isinstance(decision := decide(reached, trained, PROOF), Train):
            further = decision.trainings - trained[decision.step]
            reached[decision.step] += int(rng.binomial(further, chance))
            trained[decision.step] = decision.trainings
        assert sum(trained) <= MOST + PROVING
        if isinstance(decision, Undecided):
            assert decision.trainings == sum(trained) >= MOST
        elif isinstance(decision, Proven):
            assert is_proven(reached[decision.step], trained[decision.step], PROOF)


@pytest.mark.parametrize(
    ("reached", "trainings", "proof", "proves"),
    [(10, 10, 10, True), (9, 10, 10, False), (18, 19, 10, False), (19, 20, 10, True), (10, 10, 20, False)],
)
def test_a_proof_allows_one_failure_in_twenty(reached, trainings, proof, proves):
    assert is_proven(reached, trainings, proof) is proves
