"""Stacked repeats equal networks trained alone by the reference loop, whatever the family, order and library."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import ks_2samp
from torch.nn import functional

from minarch.models.build import build
from minarch.models.families import architecture
from minarch.training.blocks import measure, train_repeats
from minarch.training.evaluate import evaluate
from minarch.training.repeats import Repeat
from minarch.training.stacked import products as libraries
from minarch.training.stacked.ensemble import FAMILIES as STACKED
from minarch.training.stacked.ensemble import Ensemble
from minarch.training.stacked.parameters import Parameters
from minarch.training.stacked.pixels import Pixels
from minarch.training.stacked.products import LIBRARIES, Products
from minarch.training.strategy import Strategy

CPU = torch.device("cpu")
FAMILIES = [
    ("dnn", {"depth": 3, "width": 7}),
    ("cnn", {"channels": 3}),
    ("cnn", {"depth": 3, "channels": 3}),
    ("vit", {"depth": 2, "width": 8, "heads": 2, "patch": 4}),
    ("resnet", {"depth": 18, "width": 2, "levels": 3}),
]
WRITTEN = FAMILIES[:-1]  # whose gradients are written by hand
NAMES = ["dnn", "cnn", "deep-cnn", "vit", "resnet"]
LACKING = [  # heads and feed-forward units of a ViT's blocks
    ([0, 2, 2], [16, 16, 16]),
    ([2, 0, 1], [3, 16, 5]),
    ([2, 2, 0], [16, 16, 16]),
    ([2, 0, 0], [16, 16, 16]),
    ([0, 0, 0], [16, 16, 16]),
    ([2, 2, 2], [0, 16, 16]),
    ([2, 2, 2], [16, 16, 0]),
    ([2, 2, 2], [0, 0, 0]),
    ([0, 2, 2], [0, 16, 16]),
    ([2, 0, 2], [16, 0, 16]),
    ([2, 2, 0], [16, 16, 0]),
    ([2, 0, 0], [0, 0, 16]),
    ([0, 0, 2], [16, 0, 0]),
    ([0, 0, 0], [0, 4, 0]),
    ([0, 0, 0], [0, 0, 0]),
    ([], []),
]
families = pytest.mark.parametrize(("family", "knobs"), FAMILIES, ids=NAMES)
written_families = pytest.mark.parametrize(("family", "knobs"), WRITTEN, ids=NAMES[:-1])


def _stack(at_once):
    return Strategy(at_once, Products(CPU))


def _alone(layout="contiguous"):
    return Strategy(0, Products(CPU), layout)


def _close(first, second, tolerance):
    states = (network.state_dict() for network in (first, second))
    for (name, one), other in zip(next(states).items(), next(states).values(), strict=True):
        torch.testing.assert_close(one, other, atol=tolerance, rtol=0, msg=lambda text, name=name: f"{name}: {text}")


def _compare_gradients(spec, repeats, shared):
    """Logits and every gradient, also those that are zero, are what autograd gives for each network alone."""
    torch.manual_seed(0)
    networks = [build(spec) for _ in range(repeats)]
    count = 1 if shared else repeats
    images, labels = torch.randn(count, 6, *spec["shape"]), torch.randint(0, 7, (count, 6))
    parameters = Parameters.of(networks, CPU)
    parameters.gradient.fill_(float("nan"))  # every gradient must be written
    gradients = STACKED[spec["family"]](parameters, spec, Products(CPU))
    logits = gradients.forward(images.flatten(2))
    targets = functional.one_hot(labels, 7).transpose(1, 2)
    gradients.backward((torch.softmax(logits, 1) - targets) / 6)
    for repeat, network in enumerate(networks):
        expected = network(images[repeat % count])
        functional.cross_entropy(expected, labels[repeat % count]).backward()
        torch.testing.assert_close(logits[repeat].T, expected, atol=1e-5, rtol=0)
        for name, parameter in network.named_parameters():
            torch.testing.assert_close(parameters[name].grad[repeat], parameter.grad, atol=1e-5, rtol=0)


GROUPED = [
    *(("resnet", {"depth": depth, "width": 2, "stem": stem}) for depth in (18, 50) for stem in ("cifar", "imagenet")),
    *(("separable", {"depth": depth, "channels": 3, "head": head}) for depth in (1, 3) for head in (1, 3)),
]


@pytest.mark.parametrize(("family", "knobs"), GROUPED)
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 16, 12)])
@pytest.mark.parametrize("shared", [False, True])
def test_gradients_and_statistics_of_grouped_networks_are_those_of_each(family, knobs, shape, shared):
    """In float64, in which no rounding moves a value over the corner of a relu."""
    spec = architecture(family, knobs).spec(shape, 7)
    torch.manual_seed(0)
    networks = [build(spec).double() for _ in range(3)]
    images, labels = torch.randn(1 if shared else 3, 6, *shape, dtype=torch.float64), torch.randint(0, 7, (3, 6))
    parameters = Parameters.of(networks, CPU)
    parameters.gradient.fill_(float("nan"))
    gradients = STACKED[family](parameters, spec, Products(CPU))
    logits = gradients.forward(images.flatten(2))
    gradients.backward((torch.softmax(logits, 1) - functional.one_hot(labels, 7).transpose(1, 2)) / 6)
    for repeat, network in enumerate(networks):
        expected = network(images[0 if shared else repeat])
        functional.cross_entropy(expected, labels[repeat]).backward()
        torch.testing.assert_close(logits[repeat].T, expected, atol=1e-9, rtol=0)
        for name, parameter in network.named_parameters():
            torch.testing.assert_close(parameters[name].grad[repeat], parameter.grad, atol=1e-7, rtol=1e-6)
        state = parameters.state(parameters.flat, repeat)
        for name, statistic in network.named_buffers():
            torch.testing.assert_close(state[name].type_as(statistic), statistic, atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize(
    ("family", "knobs"),
    [("resnet", {"depth": 18, "width": 2, "levels": 3}), ("separable", {"depth": 2, "channels": 3, "head": 2})],
)
@pytest.mark.parametrize("shared", [False, True])
def test_a_grouped_network_is_trained_as_alone(family, knobs, shared, task):
    """For a few steps, and not by Adam, which takes the sign of a gradient that is nothing but rounding."""
    made = task(family, knobs, optimizer="sgd", shared_batches=shared, epochs=1, weight_decay=1e-2)
    stacked, alone = (train_repeats(made, [0, 1, 5], how) for how in (_stack(3), _alone()))
    for one, other in zip(stacked, alone, strict=True):
        np.testing.assert_allclose(one.curve, other.curve, atol=1e-2)
        _close(one.networks["final"], other.networks["final"], 2e-3)


def _bytes(results):
    networks = [network for result in results for network in result.networks.values()]
    return [t.numpy().tobytes() for network in networks for t in network.state_dict().values()]


@written_families
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 16, 12)])
@pytest.mark.parametrize("repeats", [1, 3])
@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("library", LIBRARIES)
def test_gradients_are_those_of_autograd(family, knobs, shape, repeats, shared, library, monkeypatch):
    monkeypatch.setattr(libraries, "fastest", lambda question, timers: library)
    _compare_gradients(architecture(family, knobs).spec(shape, 7), repeats, shared)


@pytest.mark.parametrize(("heads", "ffn"), LACKING)
@pytest.mark.parametrize("repeats", [1, 3])
@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("library", LIBRARIES)
def test_gradients_of_a_vit_whose_blocks_lack_parts_are_those_of_autograd(
    heads, ffn, repeats, shared, library, monkeypatch
):
    monkeypatch.setattr(libraries, "fastest", lambda question, timers: library)
    whole = architecture("vit", {"depth": 3, "width": 8, "heads": 2, "patch": 4}).spec((3, 16, 12), 7)
    _compare_gradients(whole | {"heads": heads, "ffn": ffn}, repeats, shared)


@written_families
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("shared", [False, True])
def test_after_100_steps_a_stacked_repeat_is_the_one_trained_alone(family, knobs, optimizer, shared, task):
    made = task(family, knobs, optimizer=optimizer, shared_batches=shared, epochs=8, weight_decay=1e-4)  # 104 steps
    layout = "channels_last" if family == "cnn" else "contiguous"
    stacked, alone = (train_repeats(made, [0, 1, 5], how) for how in (_stack(3), _alone(layout)))
    for one, other in zip(stacked, alone, strict=True):
        assert (one.repeat, one.seed, one.status, one.best_epoch) == (
            other.repeat, other.seed, other.status, other.best_epoch,
        )  # fmt: skip
        np.testing.assert_allclose(one.curve, other.curve, atol=2e-3)
        for name in ("final", "best"):
            _close(one.networks[name], other.networks[name], 2e-3)


@pytest.mark.parametrize(("heads", "ffn"), [([2, 0], [0, 16]), ([0, 0], [0, 16]), ([], [])])
def test_a_vit_whose_blocks_lack_parts_is_trained_as_alone(heads, ffn, task):
    whole = task("vit", {"depth": 2, "width": 8, "heads": 2, "patch": 4}, weight_decay=1e-4)
    made = replace(whole, spec=whole.spec | {"heads": heads, "ffn": ffn})
    stacked, alone = (train_repeats(made, [0, 1], how) for how in (_stack(2), _alone()))
    for one, other in zip(stacked, alone, strict=True):
        np.testing.assert_allclose(one.curve, other.curve, atol=2e-3)
        _close(one.networks["final"], other.networks["final"], 2e-3)


@families
def test_the_same_item_and_strategy_is_the_same_bytes(family, knobs, task):
    made = task(family, knobs)
    assert _bytes(train_repeats(made, [0, 1], _stack(2))) == _bytes(train_repeats(made, [0, 1], _stack(2)))


@families
def test_a_repeat_that_diverges_does_not_touch_its_neighbours(family, knobs, task):
    made = task(family, knobs)
    sound = [made.network(Repeat(repeat, repeat)) for repeat in range(3)]
    broken = copy.deepcopy(sound)
    with torch.no_grad():
        for parameter in broken[1].parameters():
            parameter.fill_(float("nan"))
    flat = []
    for networks in (sound, broken):
        ensemble = Ensemble(made.spec, networks, made.recipe, Products(CPU))
        orders = torch.stack([torch.randperm(400, generator=torch.Generator().manual_seed(r)) for r in range(3)])
        pixels = Pixels(made.train, 10, CPU)
        ensemble.epoch(pixels, orders)
        loss, accuracy = ensemble.measure(pixels)
        flat.append([ensemble.parameters.state(ensemble.parameters.flat, r) for r in (0, 2)])
        assert loss[[0, 2]].isfinite().all() and (accuracy[[0, 2]] > 0).all()
    assert not loss[1].isfinite()
    for one, other in zip(*flat, strict=True):
        assert all(one[name].equal(other[name]) for name in one)


def test_a_diverging_stack_is_recorded_and_holds_what_autograd_says(task):
    made = task("dnn", {"depth": 2, "width": 16}, optimizer="sgd", learning_rate=10.0)
    assert {r.status for how in (_stack(2), _alone()) for r in train_repeats(made, [0, 1], how)} == {"unstable"}


@families
def test_measuring_a_stack_is_evaluating_each_network(family, knobs, task):
    made = task(family, knobs)
    networks = [r.networks["final"] for r in train_repeats(made, range(3), _stack(3))]
    for split in (made.train, made.validation):
        for (loss, accuracy), network in zip(measure(made, networks, split, _stack(2)), networks, strict=True):
            expected = evaluate(network, split)
            assert loss == pytest.approx(expected.loss, abs=1e-5)
            assert accuracy == pytest.approx(expected.accuracy, abs=1e-9)


@pytest.mark.slow
@families
def test_full_trainings_have_the_same_distribution(family, knobs, task):
    """15 repeats, stacked and alone: the accuracies are the same sample, and paired ones hardly differ."""
    made = task(family, knobs, epochs=15)
    stacked, alone = (
        np.array([r.curve[-1][3] for r in train_repeats(made, range(15), how)]) for how in (_stack(5), _alone())
    )
    p_value = ks_2samp(stacked, alone, method="asymp").pvalue
    assert p_value > 0.5  # of independent samples of one distribution, half would be below
    assert abs(stacked.mean() - alone.mean()) < 0.01  # three standard errors of the paired difference (ViT)
    assert np.median(np.abs(stacked - alone)) <= 0.01


def test_shared_batches_are_one_order_and_other_initialisations(task):
    one, other = train_repeats(task(shared_batches=True), [0, 1], _stack(2))
    assert one.networks["final"].classifier.weight.ne(other.networks["final"].classifier.weight).any()
    orders = [task(shared_batches=shared).order(Repeat(r, r)) for shared in (True, False) for r in (0, 1)]
    first, second, third, fourth = (torch.randperm(50, generator=generator).tolist() for generator in orders)
    assert first == second and third != fourth


@pytest.mark.parametrize("at_once", [0, 1, 2, 4])
def test_a_hopeless_repeat_stops_and_the_others_are_as_ever(at_once, task, monkeypatch):
    strategy = _stack(at_once) if at_once else _alone()
    never, early = task(epochs=4), task(epochs=4, give_up_after=2)
    whole = train_repeats(never, range(4), strategy)
    bar = sorted(max(row[3] for row in result.curve[:2]) for result in whole)[1]
    monkeypatch.setattr(type(early), "chance", bar)  # the two worst after two epochs are hopeless
    stopped = train_repeats(early, range(4), strategy)
    assert sorted(len(result.curve) for result in stopped) == [2, 2, 4, 4]
    for one, other in zip(stopped, whole, strict=True):
        np.testing.assert_allclose(one.curve, other.curve[: len(one.curve)], atol=1e-4)
        assert set(one.networks) == {"final", "best"}
        if len(one.curve) == 4:
            _close(one.networks["final"], other.networks["final"], 1e-4)


@families
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("shared", [False, True])
def test_selecting_repeats_goes_on_where_they_were(family, knobs, optimizer, shared, task):
    made = task(family, knobs, shared_batches=shared, optimizer=optimizer)
    pixels = Pixels(made.train, 10, CPU)
    networks = [made.network(Repeat(r, r)) for r in range(3)]
    whole, part = (Ensemble(made.spec, copy.deepcopy(networks), made.recipe, Products(CPU)) for _ in range(2))
    order = torch.stack([torch.randperm(400) for _ in range(1 if shared else 3)])
    for ensemble in (whole, part):
        ensemble.epoch(pixels, order)
    part.select([0, 2])
    whole.epoch(pixels, order)
    part.epoch(pixels, order if shared else order[[0, 2]])
    for mine, theirs in ((0, 0), (1, 2)):
        state = whole.parameters.state(whole.parameters.flat, theirs)
        for name, value in part.parameters.state(part.parameters.flat, mine).items():
            torch.testing.assert_close(value, state[name], atol=1e-4, rtol=0)


@families
@pytest.mark.parametrize("shared", [False, True])
def test_a_step_stays_on_its_device(family, knobs, shared, task):
    """On torch's device without memory, a tensor made elsewhere by mistake is an error, as it would be on a GPU."""
    _step_on_meta(task(family, knobs, shared_batches=shared), shared)


@pytest.mark.parametrize("heads", [[0, 2], [0, 0]])
def test_a_step_of_a_vit_without_attention_stays_on_its_device(heads, task):
    whole = task("vit", {"depth": 2, "width": 8, "heads": 2, "patch": 4})
    _step_on_meta(replace(whole, spec=whole.spec | {"heads": heads}), shared=False)


def _step_on_meta(made, shared):
    meta = torch.device("meta")
    parameters = Parameters.of([made.network(Repeat(r, r)) for r in range(2)], meta)
    gradients = STACKED[made.spec["family"]](parameters, made.spec, Products(meta))
    pixels = Pixels(made.train, 10, meta)
    images, targets = pixels.batch(torch.zeros(1 if shared else 2, 8, dtype=torch.int64, device=meta))
    logits = gradients.forward(images)
    gradients.backward(torch.softmax(logits, 1).sub_(targets).div_(8))
    parameters.keep(torch.ones(2, dtype=torch.bool, device=meta), torch.zeros_like(parameters.flat))
    assert logits.shape == (2, 10, 8) and logits.device == meta
