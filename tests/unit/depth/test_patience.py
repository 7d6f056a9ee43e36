"""When a depth's training ends, and how its learning rate falls: by hand, stacked and alone."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from problems import bits, problem, specs_of

from minarch.depth.converge import Patience
from minarch.depth.search import Method, search
from minarch.training.stacked.products import Products
from minarch.training.strategy import Strategy

SCRATCH = Method(restart="scratch", warmup=0, rate=1e-2)
NEVER = 2.0


@pytest.mark.parametrize(
    ("accuracies", "stale", "factors"),
    [
        ([0.5], 0, [1, 1]),
        ([0.5, 0.4, 0.5], 2, [1, 1, 1, 0.5]),  # an equal one is no better one
        ([0.5, 0.4, 0.4, 0.6], 0, [1, 1, 1, 0.5, 0.5]),  # the rate does not rise again
        ([0.5, 0.4, 0.4, 0.4, 0.4], 4, [1, 1, 1, 0.5, 0.5, 0.25]),
        ([0.0, 0.0], 1, [1, 1, 1]),  # a diverged network is never right
    ],
)
def test_stale_epochs_and_rates_by_hand(accuracies, stale, factors):
    patience = Patience(patience=9, decay=0.5, decay_after=2)
    assert patience.stale(accuracies) == stale and patience.factors(accuracies) == factors


@given(st.lists(st.sampled_from([0.1, 0.2, 0.3, 0.4]), min_size=1, max_size=30), st.integers(1, 5))
def test_rates_fall_where_the_stale_epochs_say(accuracies, after):
    patience = Patience(patience=9, decay=0.5, decay_after=after)
    stale = [patience.stale(accuracies[:epoch]) for epoch in range(1, len(accuracies) + 1)]
    falls = np.cumsum([count > 0 and count % after == 0 for count in stale])
    assert patience.factors(accuracies) == [1.0, *(0.5**falls).tolist()]


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("name", ["dnn", "cnn", "vit"])
@pytest.mark.parametrize("at_once", [2, 3])
def test_stacked_repeats_are_as_alone_though_rates_and_ends_differ(name, at_once, optimizer, splits, monkeypatch):
    made = problem(splits, {1: specs_of(name)[1]}, epochs=8, patience=2)
    made = replace(made, recipe=replace(made.recipe, optimizer=optimizer, learning_rate=3e-2))
    (alone, _), (stacked, strategy) = (
        _by(monkeypatch, made, Strategy(size, Products(torch.device("cpu")))) for size in (0, at_once)
    )
    assert strategy.at_once == at_once
    rates = [[rate for *_, rate in one.trainings[0].curve] for one in alone]
    assert min(map(min, rates)) < 3e-2 and rates[0] != rates[1], "rates fall apart, or this shows nothing"
    for one, other in zip(alone, stacked, strict=True):
        first, second = one.trainings[0], other.trainings[0]
        np.testing.assert_allclose(first.curve, second.curve, atol=2e-3)
        for (key, value), twin in zip(
            one.network.state_dict().items(), other.network.state_dict().values(), strict=True
        ):
            torch.testing.assert_close(value, twin, atol=2e-3, rtol=0, msg=lambda text, key=key: f"{key}: {text}")


def _by(monkeypatch, made, strategy):
    monkeypatch.setattr("minarch.depth.search.choose", lambda *arguments: strategy)
    return search(made, range(3), SCRATCH, NEVER)


def test_the_network_kept_is_that_of_the_best_epoch(splits):
    made = problem(splits, {1: specs_of("dnn")[1]}, epochs=6, patience=6)
    (one,), _ = search(made, [0], SCRATCH, NEVER)
    best = one.trainings[0].best_epoch
    shorter = problem(splits, made.specs, epochs=best, patience=6)
    (other,), _ = search(shorter, [0], SCRATCH, NEVER)
    assert bits(one.network) == bits(other.network)
    assert one.validation_accuracy == max(accuracy for _, accuracy, _ in one.trainings[0].curve)
