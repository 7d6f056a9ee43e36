"""The flow of the paper (arXiv 2411.09127) on its smallest problem, by itself: chances end at 0 or 1."""

import numpy as np

PRICE, DECAY, GOAL, STEP, STEPS = 0.3, 0.01, 1.0, 0.01, 40_000
STEEPEST = 1.2  # of the loss by the weight, where the starts are
STARTS = 150


def flow(theta, weight):
    """Projected Euler steps of theta and weight [N] down the expected loss: a gate that is on with the chance theta
    multiplies a weight whose goal is GOAL.
    """
    for _ in range(STEPS):
        worth = 0.5 * (weight - GOAL) ** 2 - 0.5 * GOAL**2
        change = theta * (weight - GOAL) + DECAY * weight
        theta, weight = np.clip(theta - STEP * (worth + PRICE), 0, 1), weight - STEP * change
    return theta


def test_starts_in_the_domain_of_attraction_of_0_end_there_and_all_others_at_0_or_1():
    """The domain is theta^2 + w^2 < (price / (2 steepest))^2, so a unit that is small and unlikely never returns."""
    random = np.random.default_rng(0)
    radius, angle = random.uniform(0, PRICE / (2 * STEEPEST), STARTS), random.uniform(0, np.pi / 2, STARTS)
    side = random.choice([-1, 1], STARTS)
    theta = np.concatenate([radius * np.cos(angle), random.uniform(0, 1, STARTS)])
    weight = np.concatenate([radius * np.sin(angle) * side, random.normal(size=STARTS)])
    ends = flow(theta, weight)
    assert (ends[:STARTS] == 0).all()
    assert set(ends[STARTS:]) == {0.0, 1.0}
