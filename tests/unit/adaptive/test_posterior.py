"""Beliefs about the smallest reliable size."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minarch.adaptive.posterior import Posterior

STEPS = 8
COUNTS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=STEPS, max_size=STEPS)


def posterior(counts: dict[int, tuple[int, int]], steps: int = STEPS) -> Posterior:
    """After `(reached, trainings)` at some steps."""
    return Posterior(*zip(*(counts.get(step, (0, 0)) for step in range(steps)), strict=True))


def test_before_any_training_each_step_and_none_is_as_likely():
    assert posterior({}).smallest == pytest.approx(np.full(STEPS + 1, 1 / (STEPS + 1)))


@settings(deadline=None, max_examples=25)
@given(COUNTS)
def test_it_is_a_distribution_whatever_was_seen(counts):
    believed = posterior({step: (min(counts[step]), max(counts[step])) for step in range(STEPS)})
    assert believed.smallest.sum() == pytest.approx(1)
    assert (believed.smallest >= 0).all()
    assert 0 <= believed.median <= STEPS


@settings(deadline=None, max_examples=25)
@given(st.integers(1, STEPS - 2), st.integers(1, 8))
def test_successes_move_it_down_and_failures_up(step, trainings):
    before = posterior({}).smallest.cumsum()
    assert (posterior({step: (trainings, trainings)}).smallest.cumsum() >= before - 1e-9)[step]
    assert (posterior({step: (0, trainings)}).smallest.cumsum() <= before + 1e-9)[step]


def test_it_is_bayes_rule_by_another_path():
    """Believing two lots of trainings at once is believing one after the other."""
    once = posterior({3: (4, 6)})
    first = posterior({3: (1, 2)})
    likelihood = first._chances[:, 3] ** 3 * (1 - first._chances[:, 3]) ** 1
    weights = first._weights * likelihood
    assert (weights / weights.sum()) @ first._members == pytest.approx(once.smallest)


def test_many_trainings_leave_no_doubt():
    counts = {step: (0 if step < 5 else 40, 40) for step in range(STEPS)}
    assert posterior(counts).smallest[5] > 0.99
    assert posterior({step: (0, 40) for step in range(STEPS)}).smallest[-1] > 0.9
    assert posterior(dict.fromkeys(range(STEPS), (40, 40))).median == 0


@settings(deadline=None, max_examples=15)
@given(COUNTS, st.integers(1, 4))
def test_trainings_are_not_expected_to_make_one_less_sure(counts, trainings):
    believed = posterior({step: (min(counts[step]), max(counts[step])) for step in range(STEPS)})
    shares = believed.smallest[believed.smallest > 0]
    now = -(shares * np.log(shares)).sum()
    assert (believed.expected_entropy(trainings) <= now + 1e-9).all()


def test_the_entropy_that_is_expected_is_the_mean_of_those_that_follow():
    believed, step = posterior({2: (0, 2), 6: (2, 2)}), 4
    chance = (believed._weights * believed._chances[:, step]).sum()

    def entropy(after: Posterior) -> float:
        shares = after.smallest[after.smallest > 0]
        return float(-(shares * np.log(shares)).sum())

    success, failure = (posterior({2: (0, 2), 6: (2, 2), step: (reached, 1)}) for reached in (1, 0))
    expected = chance * entropy(success) + (1 - chance) * entropy(failure)
    assert believed.expected_entropy(1)[step] == pytest.approx(expected)
