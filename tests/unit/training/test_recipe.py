"""The options of the recipe: closed forms, and the same training by every way."""

from dataclasses import replace
from math import cos, pi

import numpy as np
import pytest
import torch
from torch.nn import functional

from minarch.training import loop
from minarch.training.augment import Augment
from minarch.training.blocks import train_repeats
from minarch.training.evaluate import evaluate
from minarch.training.fused import available
from minarch.training.loop import Recipe, loss_of, optimizer_for, train
from minarch.training.repeats import Task
from minarch.training.stacked.products import Products
from minarch.training.strategy import Strategy

CPU = torch.device("cpu")
ALONE, STACKED = Strategy(0, Products(CPU)), Strategy(3, Products(CPU))
FUSED = Strategy(0, Products(CPU), fused=True)
WAYS = {"stacked": STACKED} | ({"fused": FUSED} if available.installed() else {})
ALL = {"schedule": "cosine", "warmup": 1, "label_smoothing": 0.1}
ALL |= {"augment": Augment(shift=1, rotate=20.0, flip=True)}
DEFAULTS = {"schedule": "constant", "warmup": 0, "label_smoothing": 0.0, "augment": None}
FAMILIES = {
    "dnn": {"depth": 2, "width": 9},
    "cnn": {"depth": 2, "channels": 3},
    "vit": {"depth": 2, "width": 8, "heads": 2, "patch": 4},
}
PLAIN = {"epochs": 4, "batch_size": 32, "optimizer": "adam", "learning_rate": 0.01, "weight_decay": 0.0}


def values(result):
    return b"".join(t.numpy().tobytes() for network in result.networks.values() for t in network.state_dict().values())


def test_a_cosine_after_a_warm_up_has_its_closed_form():
    recipe = Recipe(**PLAIN | {"epochs": 5}, schedule="cosine", warmup=2)
    rates = np.concatenate([recipe.rates(epoch, 3) for epoch in range(1, 6)]) / recipe.learning_rate
    np.testing.assert_allclose(rates[:6], np.arange(1, 7) / 6)
    np.testing.assert_allclose(rates[6:], [(1 + cos(pi * step / 9)) / 2 for step in range(9)])
    assert rates[5] == rates[6] == 1 and 0 < rates[-1] < 0.05


def test_a_cosine_is_the_one_of_torch():
    recipe = Recipe(**PLAIN, schedule="cosine")
    stepper = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=recipe.learning_rate)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(stepper, T_max=4 * 7)
    expected = []
    for _ in range(4 * 7):
        expected.append(falling.get_last_lr()[0])
        stepper.step()
        falling.step()
    np.testing.assert_allclose(np.concatenate([recipe.rates(epoch, 7) for epoch in range(1, 5)]), expected)


def test_a_constant_rate_is_the_recipe_s_to_the_bit():
    assert set(Recipe(**PLAIN).rates(3, 50)) == {PLAIN["learning_rate"]}
    warm = Recipe(**PLAIN, warmup=1)
    assert warm.rates(1, 2) == [0.005, 0.01] and warm.rates(2, 2) == [0.01, 0.01]


def test_what_goes_on_later_has_the_rest_of_the_schedule():
    whole = Recipe(**PLAIN | {"epochs": 6}, schedule="cosine", warmup=1)
    rest = replace(whole, epochs=4, behind=2)
    assert [rest.rates(epoch, 5) for epoch in range(1, 5)] == [whole.rates(epoch, 5) for epoch in range(3, 7)]


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.9])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("family", FAMILIES)
def test_a_step_by_smoothed_labels_is_one_by_torch_s_loss(smoothing, way, family, task):
    """Plain gradient descent for one step, from the start that each way takes."""
    made = task(family, FAMILIES[family], epochs=1, batch_size=400, optimizer="sgd", label_smoothing=smoothing)
    for result in train_repeats(made, [0, 1], WAYS[way]):
        network = made.network(result)
        order = torch.randperm(400, generator=made.order(result))
        images, labels = made.train.batch(order), made.train.labels[order]
        loss = functional.cross_entropy(network(images), labels, label_smoothing=smoothing)
        assert loss.item() == loss_of(made.recipe)(network, images, labels).item()
        loss.backward()
        trained = result.networks["final"].parameters()
        for parameter, after in zip(network.parameters(), trained, strict=True):
            expected = parameter - made.recipe.learning_rate * parameter.grad
            torch.testing.assert_close(after, expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("shared", [False, True])
def test_with_all_options_a_repeat_is_the_one_of_the_plain_loop(way, family, optimizer, shared, task):
    made = task(family, FAMILIES[family], optimizer=optimizer, shared_batches=shared, weight_decay=1e-4, **ALL)
    made = replace(made, recipe=replace(made.recipe, epochs=6))
    for one, other in zip(*(train_repeats(made, [0, 1, 5], how) for how in (WAYS[way], ALONE)), strict=True):
        assert (one.repeat, one.seed, one.status) == (other.repeat, other.seed, other.status)
        curve, expected_curve = np.array(one.curve), np.array(other.curve)
        np.testing.assert_allclose(curve[:, ::2], expected_curve[:, ::2], atol=2e-3)
        np.testing.assert_allclose(curve[:, 1::2], expected_curve[:, 1::2], atol=1.01 / 200)  # an image on the edge
        for value, expected in zip(
            one.networks["final"].parameters(), other.networks["final"].parameters(), strict=True
        ):
            torch.testing.assert_close(value, expected, atol=2e-3, rtol=0)


@pytest.mark.parametrize("shared", [False, True])
def test_with_all_options_a_grouped_resnet_is_trained_as_alone(shared, task):
    knobs = {"depth": 18, "width": 2, "levels": 3}
    made = task("resnet", knobs, optimizer="sgd", shared_batches=shared, epochs=2, **ALL)
    for one, other in zip(*(train_repeats(made, [0, 1], how) for how in (STACKED, ALONE)), strict=True):
        np.testing.assert_allclose(one.curve, other.curve, atol=1e-2)


@pytest.mark.parametrize("way", [*WAYS, "alone"])
@pytest.mark.parametrize("family", FAMILIES)
def test_defaults_spelled_out_change_no_byte(way, family, task):
    how, knobs = (WAYS | {"alone": ALONE})[way], FAMILIES[family]
    for plain, spelled in zip(
        *(train_repeats(task(family, knobs, **options), [0, 1], how) for options in ({}, DEFAULTS)), strict=True
    ):
        assert values(plain) == values(spelled) and plain.curve == spelled.curve


@pytest.mark.parametrize("way", [*WAYS, "alone"])
@pytest.mark.parametrize("option", ["schedule", "label_smoothing", "augment"])
def test_each_option_changes_the_training_and_repeats_to_the_byte(way, option, task):
    how = (WAYS | {"alone": ALONE})[way]
    (plain,), (changed,), (again,) = (
        train_repeats(task("cnn", {"channels": 2}, **options), [0], how)
        for options in ({}, {option: ALL[option]}, {option: ALL[option]})
    )
    assert values(changed) == values(again) != values(plain)


@pytest.mark.parametrize("way", [*WAYS, "alone"])
def test_what_is_measured_is_neither_moved_nor_smoothed(way, task):
    made = task("cnn", {"channels": 3}, **ALL)
    (result,) = train_repeats(made, [0], (WAYS | {"alone": ALONE})[way])
    network = result.networks["final"].eval()
    for split, (loss, accuracy) in zip(made.measured, (result.curve[-1][:2], result.curve[-1][2:]), strict=True):
        expected = evaluate(network, split)
        assert loss == pytest.approx(expected.loss, abs=1e-5) and accuracy == pytest.approx(expected.accuracy, abs=1e-9)


@pytest.mark.parametrize("way", [*WAYS, "alone"])
def test_a_hopeless_repeat_stops_and_the_others_are_as_ever(way, task, monkeypatch):
    """With all options on: which images the others see, and at which rates, does not depend on who stopped."""
    how = (WAYS | {"alone": ALONE})[way]
    never, early = (task(epochs=4, give_up_after=after, **ALL) for after in (None, 2))
    whole = train_repeats(never, range(3), how)
    bar = sorted(max(row[3] for row in result.curve[:2]) for result in whole)[0]
    monkeypatch.setattr(Task, "chance", bar)
    stopped = train_repeats(early, range(3), how)
    assert sorted(len(result.curve) for result in stopped)[0] == 2
    for one, other in zip(stopped, whole, strict=True):
        np.testing.assert_allclose(one.curve, other.curve[: len(one.curve)], atol=1e-4)


def test_a_factor_multiplies_the_rates_of_the_schedule(splits, monkeypatch):
    rates, real = [], loop.step

    def noted(model, split, index, stepper, loss):
        rates.append(stepper.param_groups[0]["lr"])
        real(model, split, index, stepper, loss)

    monkeypatch.setattr(loop, "step", noted)
    recipe = Recipe(**PLAIN | {"epochs": 3, "batch_size": 200}, schedule="cosine")
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10))
    factors = iter([1.0, 0.5, 0.25])
    train(model, splits[0], recipe, torch.Generator().manual_seed(0), factor=lambda: next(factors))
    expected = [rate * by for epoch, by in ((1, 1.0), (2, 0.5), (3, 0.25)) for rate in recipe.rates(epoch, 2)]
    assert rates == expected


def test_a_recipe_reads_how_images_are_moved():
    section = PLAIN | {"augment": {"shift": 2, "rotate": 5.0, "flip": False}, "schedule": "cosine", "seed": 3}
    recipe = Recipe.of(section)
    assert recipe.augment == Augment(shift=2, rotate=5.0) and recipe.schedule == "cosine"
    assert Recipe.of(section | {"augment": None}).augment is None
    assert optimizer_for([torch.zeros(1)], recipe).param_groups[0]["lr"] == 0.01
