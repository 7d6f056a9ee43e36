"""The residual network is torchvision's, learns, and is stored with its buffers."""

import json

import pytest
import torch

from minarch.data.tensors import Split
from minarch.data.vision import datasets  # noqa: F401 - before torchvision's models, beside a CPU build of torch
from minarch.models.build import build
from minarch.models.cost import macs
from minarch.models.families import ResNet
from minarch.models.weights import load_networks, save_networks
from minarch.training.blocks import measure, train_repeats
from minarch.training.loop import Recipe
from minarch.training.repeats import Task
from minarch.training.strategy import choose

from torchvision.models import resnet18, resnet34  # isort: skip

TINY = {"depth": 18, "width": 4}


@pytest.mark.parametrize(("depth", "theirs"), [(18, resnet18), (34, resnet34)])
def test_torchvisions_state_fits_and_gives_the_same_outputs(depth, theirs):
    torch.manual_seed(0)
    network, original = build(ResNet(depth=depth, stem="imagenet").spec([3, 64, 64], 10)), theirs(num_classes=10)
    expected = {name: value.shape for name, value in original.state_dict().items()}
    assert list({name: value.shape for name, value in network.state_dict().items()}.items()) == list(expected.items())
    assert [n for n, _ in network.named_parameters()] == [n for n, _ in original.named_parameters()]
    images = torch.randn(4, 3, 64, 64)
    with torch.no_grad():
        original(images)  # in training mode: the norms' statistics are no longer the initial ones
        network.load_state_dict(original.state_dict())
        torch.testing.assert_close(network.eval()(images), original.eval()(images))


def test_it_starts_as_torchvisions():
    torch.manual_seed(0)
    network, original = build(ResNet(depth=18, stem="imagenet").spec([3, 64, 64], 10)), resnet18(num_classes=10)
    theirs = dict(original.named_parameters())
    for name, value in network.named_parameters():
        if value.dim() == 1:  # too few to compare, or all equal
            continue
        torch.testing.assert_close(value.std(), theirs[name].std(), rtol=0.1, atol=1e-3)
        torch.testing.assert_close(value.mean(), theirs[name].mean(), rtol=0, atol=5e-3)


def test_a_single_image_in_training():
    """The last batch of an epoch may be one image, of which torch's norms refuse one value per channel."""
    torch.manual_seed(0)
    network = build(ResNet(**TINY).spec([1, 8, 8], 10))
    before = {name: value.clone() for name, value in network.named_buffers()}
    network(torch.randn(1, 1, 8, 8)).sum().backward()
    macs(network, [1, 8, 8])
    assert network.training
    assert all(value.equal(before[name]) for name, value in network.named_buffers())
    assert all(p.grad is not None for p in network.parameters())


def test_training_keeps_the_norms_statistics(tmp_path):
    """What is stored after training, and loaded, is what was measured: best and final epoch with buffers of their
    own.
    """
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (33, 1, 8, 8), dtype=torch.uint8, generator=generator)  # 33: a last batch of one
    split = Split(images, torch.arange(33) % 4, torch.tensor([127.5]), torch.tensor([73.9]))
    recipe = Recipe(epochs=2, batch_size=16, optimizer="adam", learning_rate=1e-2, weight_decay=0.0)
    task = Task(ResNet(**TINY).spec([1, 8, 8], 4), {}, split, split, recipe)
    strategy = choose(task, 2, "auto", torch.device("cpu"))
    assert strategy.at_once == 0
    results = train_repeats(task, [0, 1], strategy)
    for name, epoch in (("final", lambda result: 2), ("best", lambda result: result.best_epoch)):
        networks = {result.repeat: result.networks[name] for result in results}
        save_networks(tmp_path / "weights.safetensors", networks)
        entries = [{"repeat": repeat, "spec": network.spec()} for repeat, network in networks.items()]
        (tmp_path / "results.json").write_text(json.dumps({"weights": "weights.safetensors", "repeats": entries}))
        loaded = load_networks(tmp_path)
        for result in results:
            state = networks[result.repeat].state_dict()
            assert all(value.equal(state[key]) for key, value in loaded[result.repeat].state_dict().items())
            assert state["bn1.num_batches_tracked"] == 2 * epoch(result)
            ((loss, accuracy),) = measure(task, [loaded[result.repeat]], split, strategy)
            assert (loss, accuracy) == pytest.approx(result.curve[epoch(result) - 1][2:])
