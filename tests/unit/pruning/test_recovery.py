"""What follows a cut: statistics estimated again, training to the last epoch, weights of earlier epochs."""

import copy
import json
from dataclasses import replace

import pytest
import torch
from networks import SPECS, cut_half, sample
from torch import nn

from minarch.data.tensors import Split
from minarch.files import write_json
from minarch.models.build import build
from minarch.models.families import architecture
from minarch.models.weights import finite, load_networks
from minarch.pruning.magnitude import HoldingZeros, prunable_weights, prune_magnitude
from minarch.pruning.recovery import at_epoch, reestimate, train_on, trained_by
from minarch.training.blocks import train_repeats
from minarch.training.evaluate import evaluate
from minarch.training.fused.available import installed
from minarch.training.loop import Recipe, train
from minarch.training.repeats import Task, derive_seed
from minarch.training.stacked.ensemble import Ensemble
from minarch.training.stacked.products import Products
from minarch.training.strategy import Strategy, choose

RECIPE = Recipe(epochs=3, batch_size=64, optimizer="adam", learning_rate=5e-3, weight_decay=0.0)
TRAIN = {"epochs": 2, "batch_size": 32, "optimizer": "adam", "learning_rate": 3e-3, "weight_decay": 0.0, "seed": 5}


def some(split, count):
    return Split(split.images[:count], split.labels[:count], split.mean, split.std)


def same(first, second):
    theirs = second.state_dict()
    return all(tensor.equal(theirs[name]) for name, tensor in first.state_dict().items())


def test_statistics_are_the_means_over_batches(splits):
    """Of the first norm, whose inputs depend on no other: means and unbiased variances of batches of 256 and 88."""
    network, train = cut_half("mobile"), some(splits["train"], 600)
    before = copy.deepcopy(network)
    assert reestimate(network, train)
    with torch.no_grad():
        batches = [network.stem(train.batch(slice(*ends))) for ends in ((0, 256), (256, 512), (512, 600))]
    means = torch.stack([values.mean((0, 2, 3)) for values in batches]).mean(0)
    variances = torch.stack([values.transpose(0, 1).flatten(1).var(1) for values in batches]).mean(0)
    torch.testing.assert_close(network.norm.running_mean, means, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(network.norm.running_var, variances, rtol=1e-4, atol=1e-6)
    assert not torch.allclose(network.norm.running_mean, before.norm.running_mean)
    assert not torch.allclose(network.norm2.running_mean, before.norm2.running_mean)
    assert [norm.momentum for norm in (network.norm, network.norm2)] == [0.1, 0.1]
    assert not network.training
    assert all(p.equal(q) for p, q in zip(network.parameters(), before.parameters(), strict=True))


def test_later_norms_see_what_earlier_ones_give_in_training(splits):
    """One batch: the second norm's mean is that of its inputs behind the first norm with the batch's statistics."""
    network, train = cut_half("mobile"), some(splits["train"], 200)
    reestimate(network, train)
    seen = []
    network.norm2.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].mean((0, 2, 3))))
    with torch.no_grad():
        copy.deepcopy(network).train()(train.batch(slice(200)))
    torch.testing.assert_close(network.norm2.running_mean, seen[0], rtol=1e-4, atol=1e-6)


def test_statistics_do_not_depend_on_those_before(splits):
    one, other = sample("mobile"), sample("mobile")
    other.norm.running_mean += 7
    other.norm2.running_var *= 3
    for network in (one, other):
        reestimate(network, some(splits["train"], 300))
    assert same(one, other)


@pytest.mark.parametrize("name", ["dnn", "cnn", "vit"])
def test_networks_without_batch_norm_stay_as_they_are(name, splits):
    network = sample(name)
    assert not reestimate(network, splits["train"])
    assert same(network, sample(name)) and not network.training


@pytest.fixture
def digits_dnn():
    torch.manual_seed(0)
    return build(SPECS["dnn"])


@pytest.fixture
def trained(sweep_items):
    return load_networks(sweep_items["dnn"])[0]


ALONE, STACKED = (Strategy(at_once, Products(torch.device("cpu"))) for at_once in (0, 5))


def test_the_last_epoch_is_kept_even_where_another_was_better(digits_dnn, splits):
    """Against the plain loop, epoch by epoch, with a rate so high that the last epoch is not the best."""
    recipe = Recipe(epochs=8, batch_size=32, optimizer="sgd", learning_rate=0.2, weight_decay=0.0)
    states, ranks, reference = [], [], copy.deepcopy(digits_dnn)

    def after_epoch(_):
        validation = evaluate(reference, splits["validation"])
        ranks.append((validation.accuracy, -validation.loss))
        states.append(copy.deepcopy(reference))
        return False

    order = torch.Generator().manual_seed(derive_seed({"finetune": 3}, 1))
    train(reference, splits["train"], recipe, order, after_epoch)
    (trained_on,) = train_on({1: digits_dnn}, splits, recipe, 3, ALONE).values()
    assert ranks.index(max(ranks)) < 7
    assert same(trained_on, states[-1]) and not trained_on.training


@pytest.mark.parametrize("strategy", [ALONE, STACKED])
def test_a_diverged_training_gives_a_network_that_diverged(digits_dnn, splits, strategy):
    recipe = Recipe(epochs=2, batch_size=32, optimizer="sgd", learning_rate=1e30, weight_decay=0.0)
    (trained_on,) = train_on({0: digits_dnn}, splits, recipe, 0, strategy).values()
    assert not finite(trained_on)


@pytest.mark.parametrize("decay", [0.0, 0.01])
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
@pytest.mark.parametrize("strategy", [ALONE, STACKED])
def test_pruned_weights_stay_pruned(trained, splits, strategy, optimizer, decay):
    """... all others are trained, biases too, in every epoch, of every repeat."""
    cuts = prune_magnitude(trained, [0.6]), prune_magnitude(trained, [0.8], scope="layer")
    before = {repeat: next(cut).network for repeat, cut in enumerate(cuts)}
    recipe = Recipe(epochs=2, batch_size=64, optimizer=optimizer, learning_rate=1e-2, weight_decay=decay)
    task = HoldingZeros(trained.spec(), {"finetune": 0}, splits["train"], splits["validation"], recipe, starts=before)
    for result in train_repeats(task, list(before), strategy):
        start = before[result.repeat]
        for network in result.networks.values():
            for then, now in zip(prunable_weights(start), prunable_weights(network), strict=True):
                assert (now == 0).equal(then == 0)
                assert not torch.isclose(now, then, rtol=1e-6)[then != 0].all()
            assert not any(p.equal(q) for p, q in zip(start.parameters(), network.parameters(), strict=True))
        best = result.networks["best"]
        assert evaluate(best, splits["validation"]).accuracy > evaluate(start, splits["validation"]).accuracy


@pytest.mark.parametrize("strategy", [ALONE, STACKED])
def test_without_holding_zeros_do_not_stay(digits_dnn, splits, strategy):
    """The test above tests something."""
    (sparse,) = prune_magnitude(digits_dnn, [0.6])
    (trained_on,) = train_on({0: sparse.network}, splits, RECIPE, 0, strategy).values()
    assert sum(int((weight == 0).sum()) for weight in prunable_weights(trained_on)) < sparse.removed / 2


WIDTHS = {
    "dnn": [{"hidden": [6, 9]}, {"hidden": [8, 5]}, {"hidden": [6, 9]}, {"hidden": [7, 7]}],
    "cnn": [{"channels": [3, 4]}, {"channels": [2, 5]}, {"channels": [3, 4]}],
    "vit": [{"heads": [1, 2], "ffn": [5, 9]}, {"heads": [2, 1], "ffn": [9, 4]}, {"heads": [2, 2], "ffn": [0, 8]}],
}


@pytest.mark.parametrize("family", WIDTHS)
def test_repeats_of_other_widths_are_trained_stacked_as_alone(family, splits):
    """Each against its own training by autograd; what starts it stays as it is."""
    whole = {"family": family, "shape": [1, 8, 8], "classes": 10}
    whole |= {"patch": 4, "width": 8, "head_size": 4} if family == "vit" else {}
    starts = {}
    for repeat, widths in enumerate(WIDTHS[family]):
        torch.manual_seed(repeat)
        starts[repeat] = build(whole | widths)
    states = {repeat: copy.deepcopy(network.state_dict()) for repeat, network in starts.items()}
    together = train_on(starts, splits, RECIPE, 0, STACKED)
    assert list(together) == list(starts)
    for repeat, network in together.items():
        (alone,) = train_on({repeat: starts[repeat]}, splits, RECIPE, 0, ALONE).values()
        assert network.spec() == alone.spec() == whole | WIDTHS[family][repeat]
        for name, tensor in alone.state_dict().items():
            torch.testing.assert_close(network.state_dict()[name], tensor, atol=2e-3, rtol=0)
            assert starts[repeat].state_dict()[name].equal(states[repeat][name])


def test_what_is_in_one_stack(splits, monkeypatch):
    """Those of the same layers, unless one is much wider; then those of one structure, wherever they are."""
    stacks, real = [], Ensemble.__init__

    def noted(self, spec, networks, *arguments):
        stacks.append((spec["hidden"], len(networks)))
        real(self, spec, networks, *arguments)

    monkeypatch.setattr(Ensemble, "__init__", noted)
    for hidden in ([[6, 8], [7, 7], [6, 6]], [[6], [90], [6], [6]], [[6], [6, 6]]):
        starts = {repeat: build(SPECS["dnn"] | {"hidden": units}) for repeat, units in enumerate(hidden)}
        train_on(starts, splits, RECIPE, 0, STACKED)
    assert stacks == [([7, 8], 3), ([6], 3), ([90], 1), ([6], 1), ([6, 6], 1)]


def test_a_batch_that_is_larger_than_the_data_is_all_of_it(digits_dnn, splits):
    few = splits | {"train": some(splits["train"], 40)}
    networks = [
        train_on({0: digits_dnn}, few, replace(RECIPE, batch_size=size), 0, ALONE)[0] for size in (40, 41, 10_000)
    ]
    assert all(same(networks[0], network) for network in networks[1:])


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("strategy", ["sequential", "stacked"])
def test_an_earlier_epoch_is_the_sweep_s(splits, strategy, shared):
    """The weights of the sweep's own training after two epochs, however it trained; the repeat is not the first."""
    dnn = architecture("dnn", {"depth": 2, "width": 8})
    identity = {"dataset": "digits", "family": "dnn", "knobs": {"depth": 2, "width": 8}, "seed": TRAIN["seed"]}
    recipe = Recipe.of(TRAIN | {"shared_batches": shared})
    task = Task(dnn.spec([1, 8, 8], 10), identity, splits["train"], splits["validation"], recipe)
    longer = replace(task, recipe=replace(recipe, epochs=7))  # the epochs that are left do not matter
    for stopped in train_repeats(task, [3, 4], choose(task, 2, strategy, torch.device("cpu"))):
        network = at_epoch(longer, stopped.repeat, stopped.seed, 2)
        expected = stopped.networks["final"].state_dict()
        for name, tensor in network.state_dict().items():
            torch.testing.assert_close(tensor, expected[name], rtol=1e-3, atol=1e-4)


def test_epoch_0_is_the_initialisation(sweep_items, splits):
    run = json.loads((sweep_items["dnn"] / "results.json").read_text())["repeats"][1]
    task = Task(run["spec"], {}, splits["train"], splits["validation"], RECIPE)
    network = at_epoch(task, run["repeat"], run["seed"], 0)
    torch.manual_seed(run["seed"])
    assert same(network, build(run["spec"])) and not network.training


def test_what_was_trained_carries_no_hooks(digits_dnn, splits):
    """A network that was held can be trained on freely where it is used next."""
    (sparse,) = prune_magnitude(digits_dnn, [0.6])
    (trained_on,) = train_on({0: sparse.network}, splits, RECIPE, 0, ALONE, HoldingZeros).values()
    nn.functional.cross_entropy(trained_on(splits["train"].batch(slice(64))), splits["train"].labels[:64]).backward()
    assert trained_on.hidden[0].weight.grad[trained_on.hidden[0].weight == 0].abs().max() > 0


@pytest.mark.skipif(not installed(), reason="numba is not installed")
@pytest.mark.parametrize(
    "sizes",
    [
        {"family": "cnn", "channels": [3, 5]},
        {"family": "dnn", "hidden": [7]},
        {"family": "vit", "patch": 4, "width": 7, "head_size": 4, "heads": [1, 2], "ffn": [6, 3]},
        {"family": "vit", "patch": 4, "width": 8, "head_size": 4, "heads": [2, 0], "ffn": [0, 5]},
    ],
)
def test_a_pruned_network_is_trained_by_compiled_steps_as_by_autograd(sizes, splits, tmp_path):
    write_json(tmp_path / "timing.json", {"strategy": "fused"})
    states = []
    for strategy in (trained_by(tmp_path), ALONE):
        torch.manual_seed(0)
        network = build(sizes | {"shape": [1, 8, 8], "classes": 10})
        states.append(train_on({0: network}, splits, RECIPE, 0, strategy)[0].state_dict())
    for name, tensor in states[0].items():
        torch.testing.assert_close(tensor, states[1][name], atol=2e-3, rtol=0)


def test_what_lost_a_branch_is_trained_stacked_as_by_autograd(splits):
    spec = {"family": "vit", "shape": [1, 8, 8], "classes": 10, "patch": 4, "width": 8, "head_size": 4}
    spec |= {"heads": [0, 2], "ffn": [6, 8]}
    states = []
    for strategy in (STACKED, ALONE):
        torch.manual_seed(0)
        states.append(train_on({0: build(spec)}, splits, RECIPE, 0, strategy)[0].state_dict())
    assert not any(name.startswith("blocks.0.query") for name in states[0])
    for name, tensor in states[0].items():
        torch.testing.assert_close(tensor, states[1][name], atol=2e-3, rtol=0)
