"""The cut is real: it computes what the mask computes, costs what the closed form says, and is plain torch."""

from dataclasses import replace

import pytest
import torch
from networks import SPECS, closed_form, groups, random_masks, sample
from torch import nn

from minarch.models.build import build
from minarch.models.cost import macs, parameters
from minarch.pruning.cut import cost_of, cut, masked

NAMES = pytest.mark.parametrize("name", SPECS)
IMAGES = 200


def images_for(name, seed=1):
    return torch.randn(IMAGES, *SPECS[name]["shape"], generator=torch.Generator().manual_seed(seed))


def difference(logits, expected):
    """Largest, relative to the largest logit."""
    return float((logits - expected).abs().max() / expected.abs().max())


@pytest.mark.parametrize("seed", range(3))
@NAMES
@torch.no_grad()
def test_the_cut_network_computes_what_the_masked_one_does(name, seed):
    network, masks = sample(name), random_masks(name, seed)
    expected = masked(network, groups(name), masks)(images_for(name))
    assert difference(cut(network, groups(name), masks)(images_for(name)), expected) <= 1e-5
    assert difference(expected, network(images_for(name))) > 1e-3


@pytest.mark.parametrize("seed", range(2))
@torch.no_grad()
def test_masks_by_hand(seed):
    """Independent of what was found: a neuron whose row and bias are zero is zero behind ReLU."""
    network, masks = sample("dnn"), random_masks("dnn", seed)
    shrunk, by_hand = cut(network, groups("dnn"), masks), sample("dnn")
    for position, layer in enumerate(by_hand.hidden):
        gone = ~masks[f"hidden.{position}"]
        layer.weight[gone], layer.bias[gone] = 0, 0
    assert difference(shrunk(images_for("dnn")), by_hand(images_for("dnn"))) <= 1e-5
    for position, layer in enumerate(shrunk.hidden):
        rows, columns = masks[f"hidden.{position}"], masks.get(f"hidden.{position - 1}", torch.ones(64, dtype=bool))
        assert layer.weight.equal(network.hidden[position].weight[rows][:, columns])


@torch.no_grad()
def test_masked_heads_by_hand():
    """A head counts for nothing if the output layer does not read it."""
    network, by_hand = sample("vit"), sample("vit")
    masks = {group.name: torch.ones(group.units, dtype=torch.bool) for group in groups("vit")}
    masks["blocks.0.heads"] = torch.tensor([True, False, True, False])
    by_hand.blocks[0].output.weight[:, [2, 3, 6, 7]] = 0  # of head size 2
    shrunk = cut(network, groups("vit"), masks)
    assert shrunk.spec() == SPECS["vit"] | {"heads": [2, 3]}
    assert difference(shrunk(images_for("vit")), by_hand(images_for("vit"))) <= 1e-5


@pytest.mark.parametrize("seed", range(2))
@NAMES
def test_what_is_left_costs_what_the_closed_form_says(name, seed):
    network, masks = sample(name), random_masks(name, seed)
    shrunk = cut(network, groups(name), masks)
    spec = shrunk.spec()
    assert (parameters(shrunk), macs(shrunk, spec["shape"])) == closed_form(spec)
    assert closed_form(SPECS[name]) == (parameters(network), macs(network, spec["shape"]))
    units = {group: int(mask.sum()) for group, mask in masks.items()}
    assert cost_of(network, groups(name))(units) == macs(shrunk, spec["shape"])


@NAMES
def test_what_is_left_is_plain_and_trains(name):
    network, shrunk = sample(name), cut(sample(name), groups(name), random_masks(name, 0))
    assert type(shrunk) is type(network) and not shrunk.training
    assert {type(parameter) for parameter in shrunk.parameters()} == {nn.Parameter}
    assert list(shrunk.state_dict()) == list(network.state_dict())
    assert type(shrunk)(**{k: v for k, v in shrunk.spec().items() if k != "family"}).spec() == shrunk.spec()
    labels = torch.arange(IMAGES) % 10
    nn.functional.cross_entropy(shrunk(images_for(name)), labels).backward()
    assert [n for n, p in shrunk.named_parameters() if p.grad is None or not p.grad.abs().max() > 0] == []


@NAMES
def test_the_network_given_stays_as_it_was(name):
    network, before = sample(name), sample(name).state_dict()
    cut(network, groups(name), random_masks(name, 0))
    masked(network, groups(name), random_masks(name, 0))
    cost_of(network, groups(name))({group.name: 1 for group in groups(name)})
    state = network.state_dict()
    assert all(tensor.equal(state[key]) for key, tensor in before.items())
    assert network.spec() == SPECS[name]


@NAMES
def test_nothing_masked_is_nothing_changed(name):
    whole = {group.name: torch.ones(group.units, dtype=torch.bool) for group in groups(name)}
    same, network = cut(sample(name), groups(name), whole).state_dict(), sample(name).state_dict()
    assert all(tensor.equal(same[key]) for key, tensor in network.items())


def test_entries_that_do_not_belong_together_are_noticed():
    """A group that forgets a part, or names wrong units of it, gives other outputs or no network at all."""
    network, whole, masks = sample("cnn"), groups("cnn"), random_masks("cnn", 0)
    last = whole[-1]
    wrong = [replace(part, size=1, offset=0) if part.size == 4 else part for part in last.parts]
    with pytest.raises((AssertionError, RuntimeError)):
        cut(network, [*whole[:-1], replace(last, parts=tuple(wrong))], masks)
    with pytest.raises((AssertionError, RuntimeError)):
        cut(network, [*whole[:-1], replace(last, parts=last.parts[:-1])], masks)


def test_a_network_that_computes_something_else_is_refused(monkeypatch):
    """The check that every cut ends with: here the network that is built adds a little."""

    def shifted(spec):
        network = build(spec)
        network.register_forward_hook(lambda *arguments: arguments[-1] + 1e-3)
        return network

    monkeypatch.setattr("minarch.pruning.cut.build", shifted)
    with pytest.raises(AssertionError, match=r"the cut changed the outputs by 0.001"):
        cut(sample("dnn"), groups("dnn"), random_masks("dnn", 0))
