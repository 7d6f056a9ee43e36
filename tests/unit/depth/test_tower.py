"""Networks of all depths share the deepest one's layers, and each is a plain member of its family."""

import copy
import json

import pytest
import torch
from problems import every_family, specs_of
from torch import nn
from torch.nn import functional

from minarch.depth.tower import Tower, joint_loss
from minarch.errors import UserError
from minarch.models import build as building
from minarch.models.weights import load_networks, save_networks
from minarch.training.evaluate import evaluate


def tower_of(specs):
    torch.manual_seed(0)
    return Tower(specs)


@pytest.fixture
def images():
    return torch.randn(7, 1, 8, 8, generator=torch.Generator().manual_seed(0))


@every_family
def test_every_depth_stored_and_loaded_alone_gives_the_same_outputs(name, images, tmp_path):
    tower = tower_of(specs_of(name)).eval()
    for depth, spec in specs_of(name).items():
        network = tower.copy(depth)
        assert network.spec() == spec
        repeats = [{"repeat": 0, "spec": spec}]
        (tmp_path / "results.json").write_text(json.dumps({"weights": "weights.safetensors", "repeats": repeats}))
        save_networks(tmp_path / "weights.safetensors", {0: network})
        torch.testing.assert_close(load_networks(tmp_path)[0](images), tower[depth](images), atol=1e-6, rtol=0)


@every_family
def test_one_pass_gives_the_logits_of_every_depth(name, images):
    tower = tower_of(specs_of(name)).eval()
    for logits, depth in zip(tower(images), tower.depths, strict=True):
        torch.testing.assert_close(logits, tower[depth](images), atol=1e-6, rtol=0)


@every_family
def test_the_gradient_of_the_joint_loss_is_the_sum_over_depths(name, images):
    """As the authors' code takes it: every depth in turn on the same batch."""
    tower = tower_of(specs_of(name)).train()
    in_turn, labels = copy.deepcopy(tower), torch.arange(7)
    joint_loss(tower, images, labels).backward()
    for depth in reversed(in_turn.depths):
        functional.cross_entropy(in_turn[depth](images), labels).backward()
    largest = max(float(p.grad.abs().max()) for p in in_turn.parameters())
    for one, other in zip(tower.parameters(), in_turn.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, atol=1e-5 * largest, rtol=0)


@every_family
def test_layers_are_shared_and_heads_are_not(name):
    tower = tower_of(specs_of(name))
    deepest = dict(tower[tower.depths[-1]].named_parameters())
    for depth in tower.depths[:-1]:
        for parameter, value in tower[depth].named_parameters():
            assert (value is deepest[parameter]) == (parameter.partition(".")[0] not in tower[depth].HEAD)


@every_family
def test_the_deepest_starts_as_if_there_were_no_tower(name):
    specs = specs_of(name)
    tower = tower_of(specs)
    torch.manual_seed(0)
    alone = building.build(specs[max(specs)])
    for one, other in zip(alone.parameters(), tower[max(specs)].parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_copy_shares_nothing(images):
    tower = tower_of(specs_of("resnet"))
    before = copy.deepcopy(tower.state_dict())
    network = tower.copy(2).train()
    functional.cross_entropy(network(images), torch.arange(7)).backward()
    torch.optim.SGD(network.parameters(), lr=1.0).step()
    assert all(torch.equal(value, before[name]) for name, value in tower.state_dict().items())


def test_accuracies_are_those_of_each_depth(splits):
    tower = tower_of(specs_of("cnn"))
    accuracies = tower.accuracies(splits[1])
    assert accuracies == {depth: evaluate(tower[depth].eval(), splits[1]).accuracy for depth in tower.depths}


def test_a_batch_of_one_image_is_no_error():
    tower = tower_of(specs_of("resnet")).train()
    joint_loss(tower, torch.randn(1, 1, 8, 8), torch.tensor([3])).backward()
    assert tower.training and all(p.grad is not None for p in tower.parameters())


def test_a_network_that_is_not_made_of_layers_is_refused(monkeypatch):
    monkeypatch.setattr("minarch.depth.tower.build", lambda spec: nn.Linear(1, 1))
    with pytest.raises(UserError, match="its network is no LayeredNetwork; allowed: one, for it to be cut at a depth"):
        Tower(specs_of("dnn"))
