"""The residual network is torchvision's, learns, and is stored with its buffers."""

import json

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from minarch.data.tensors import Split
from minarch.data.vision import datasets  # noqa: F401 - before torchvision's models, beside a CPU build of torch
from minarch.models.build import build, checked
from minarch.models.cost import macs
from minarch.models.families import ResNet
from minarch.models.weights import load_networks, save_networks
from minarch.training.blocks import measure, train_repeats
from minarch.training.loop import Recipe
from minarch.training.repeats import Task
from minarch.training.stacked.products import Products
from minarch.training.strategy import Strategy

from torchvision.models import resnet18, resnet34, resnet50  # isort: skip

TINY = {"depth": 18, "width": 4}
TORCHVISIONS = pytest.mark.parametrize(("depth", "theirs"), [(18, resnet18), (34, resnet34), (50, resnet50)])


@TORCHVISIONS
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


@TORCHVISIONS
def test_it_starts_as_torchvisions(depth, theirs):
    torch.manual_seed(0)
    network, original = build(ResNet(depth=depth, stem="imagenet").spec([3, 64, 64], 10)), theirs(num_classes=10)
    theirs = dict(original.named_parameters())
    for name, value in network.named_parameters():
        if value.dim() == 1:  # too few to compare, or all equal
            continue
        torch.testing.assert_close(value.std(), theirs[name].std(), rtol=0.1, atol=1e-3)
        torch.testing.assert_close(value.mean(), theirs[name].mean(), rtol=0, atol=5e-3)


def test_published_sizes():
    """ResNet-50 as torchvision states it."""
    fifty = ResNet(depth=50, stem="imagenet")
    assert fifty.parameters([3, 224, 224], 1000) == 25_557_032
    assert round(fifty.macs([3, 224, 224], 1000) / 1e6) == 4089


@pytest.mark.parametrize(
    ("depth", "million", "whole"),
    [(20, 0.27, 272_474), (32, 0.46, 466_906), (44, 0.66, 661_338), (56, 0.85, 855_770), (110, 1.7, 1_730_714)],
)
def test_three_stages_have_the_papers_parameters_and_two_projections(depth, million, whole):
    """arXiv 1512.03385, section 4.2 and table 6, whose shortcuts have no parameters (docs/methods.md 3.3)."""
    projections = (16 * 32 + 2 * 32) + (32 * 64 + 2 * 64)
    kind = ResNet(depth=depth, width=16)
    assert kind.parameters([3, 32, 32], 10) == 97_216 * (depth - 2) // 6 - 21_926 + projections == whole
    assert whole - projections == pytest.approx(million * 1e6, abs=5e4 if depth == 110 else 5e3)


FEW = st.integers(1, 4)
BRANCH = st.one_of(st.just(0), FEW, st.lists(FEW, min_size=2, max_size=2))


@st.composite
def structures(draw):
    """A spec of any stages and blocks, in the form in which a network tells it."""
    spec = {"family": "resnet", "shape": [3, 9, 12], "classes": 5, "stem": draw(st.sampled_from(["cifar", "imagenet"]))}
    inner = draw(st.lists(st.lists(BRANCH, max_size=3), min_size=1, max_size=5))
    stem = draw(FEW)
    projected = inner[0] and draw(st.booleans())
    outer = []
    for position, blocks in enumerate(inner):
        before = outer[-1] if outer else stem
        outer.append(draw(FEW) if blocks and (position or projected) else before)
    return spec | {"outer": outer, "inner": inner} | ({"width": stem} if projected else {})


@given(spec=structures())
@settings(max_examples=60, deadline=None)
def test_any_stages_and_blocks_are_told_as_they_were_given(spec):
    assert checked(spec).spec() == spec


def renamed(network, names):
    """The state of `network`, its modules called otherwise."""
    state = {}
    for name, value in network.state_dict().items():
        first, _, rest = name.partition(".")
        state[f"{names.get(first, first)}.{rest}"] = value
    return state


@pytest.mark.parametrize("absent", [0, 1, 2, 3])
@torch.no_grad()
def test_an_absent_stage_neither_halves_nor_changes_channels(absent):
    """Without it the network is that of one stage less, of which the second and all further ones halve."""
    torch.manual_seed(0)
    spec = {"family": "resnet", "shape": [3, 16, 16], "classes": 5, "stem": "cifar"}
    outer, inner = [4, 6, 8, 10], [[2, 3], [4], [[2, 3]], [5]]
    inner[absent] = []
    network = build(spec | {"outer": outer, "inner": inner}).eval()
    told = network.spec()
    assert told["outer"] == [*outer[:absent], outer[max(absent - 1, 0)], *outer[absent + 1 :]]
    assert told["inner"] == inner
    images = torch.randn(4, 3, 16, 16)
    *_, last = network.layers(images)
    logits = network(images)
    edge = 16 // 2 ** (3 if absent == 0 else 2)
    assert last.shape == (4, 8 if absent == 3 else 10, edge, edge)
    assert network.read(last).equal(logits)
    if absent > 0:
        left = [position for position in range(4) if position != absent]
        fewer = build(spec | {"outer": [outer[i] for i in left], "inner": [inner[i] for i in left]}).eval()
        names = {f"layer{position + 1}": f"layer{i + 1}" for i, position in enumerate(left)}
        fewer.load_state_dict(renamed(network, names))
        assert fewer(images).equal(logits)


@torch.no_grad()
def test_the_stem_keeps_its_channels_where_the_first_stage_is_absent():
    spec = {"family": "resnet", "shape": [3, 8, 8], "classes": 5, "stem": "cifar", "inner": [[], [3]]}
    network = build(spec | {"outer": [9, 6], "width": 4})
    assert network.spec() == spec | {"outer": [4, 6]}
    assert network.get_parameter("layer2.0.conv1.weight").shape[1] == 4


@pytest.mark.parametrize("block", ["layer1.0", "layer1.1", "layer2.0", "layer2.1"])
@torch.no_grad()
def test_a_removed_branch_is_one_that_adds_nothing(block):
    torch.manual_seed(0)
    spec = {"family": "resnet", "shape": [3, 8, 8], "classes": 5, "stem": "cifar", "outer": [4, 6], "width": 3}
    inner = [[[2, 3], 4], [3, [2, 2]]]
    network = build(spec | {"inner": inner})
    network.train()(torch.randn(32, 3, 8, 8))  # statistics, which a removed branch must not need
    bottleneck = isinstance(network.get_submodule(block).inner, list)
    last = network.get_submodule(f"{block}.{'bn3' if bottleneck else 'bn2'}")
    last.weight.zero_()
    stage, position = int(block[5]) - 1, int(block[7])
    removed = [[*entries] for entries in inner]
    removed[stage][position] = 0
    without = build(spec | {"inner": removed})
    assert {name.split(".")[2] for name in without.state_dict() if name.startswith(block)} <= {"downsample"}
    without.load_state_dict(
        {name: value for name, value in network.state_dict().items() if name in without.state_dict()}
    )
    images = torch.randn(4, 3, 8, 8)
    assert without.eval()(images).equal(network.eval()(images))


def test_a_single_image_in_training():
    """The last batch of an epoch may be one image, of which torch's norms refuse one value per channel."""
    torch.manual_seed(0)
    network = build(ResNet(**TINY).spec([1, 8, 8], 10))
    before = {name: value.clone() for name, value in network.named_buffers()}
    image = torch.randn(1, 1, 8, 8)
    network(image).sum().backward()
    macs(network, [1, 8, 8])
    next(network.layers(image))  # no further: the others are never computed
    assert network.training
    assert all(value.equal(before[name]) for name, value in network.named_buffers())
    assert all(p.grad is not None for p in network.parameters())


@pytest.mark.parametrize("at_once", [0, 2])
def test_training_keeps_the_norms_statistics(tmp_path, at_once):
    """What is stored after training, and loaded, is what was measured: best and final epoch with buffers of their
    own.
    """
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (33, 1, 8, 8), dtype=torch.uint8, generator=generator)  # 33: a last batch of one
    split = Split(images, torch.arange(33) % 4, torch.tensor([127.5]), torch.tensor([73.9]))
    recipe = Recipe(epochs=2, batch_size=16, optimizer="adam", learning_rate=1e-2, weight_decay=0.0)
    task = Task(ResNet(**TINY).spec([1, 8, 8], 4), {}, split, split, recipe)
    strategy = Strategy(at_once, Products(torch.device("cpu")))
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
