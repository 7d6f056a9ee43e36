"""Layers: what a network's first ones give, an architecture of its family gives, too."""

import json
from itertools import accumulate, pairwise

import pytest
import torch

from minarch.models.build import build, checked
from minarch.models.cost import macs, parameters
from minarch.models.families import Cnn, Dnn, Family, ResNet, Separable, ShapedDnn, Vit, architecture

SHAPE = [3, 16, 16]
KINDS = {
    "dnn": Dnn(depth=4, width=6),
    "shaped-dnn": ShapedDnn(depth=4, width=6, steps="grow-shrink-equal"),
    "cnn": Cnn(depth=3, channels=4),
    "vit": Vit(depth=3, width=8, heads=2, patch=8),
    "resnet-18": ResNet(depth=18, width=4),
    "resnet-34": ResNet(depth=34, width=2, stem="imagenet"),
    "resnet-50": ResNet(depth=50, width=2),
    "resnet-20": ResNet(depth=20, width=2),
    "resnet-32-imagenet": ResNet(depth=32, width=2, stem="imagenet"),
    "resnet-50-imagenet": ResNet(depth=50, width=2, stem="imagenet"),
    "separable": Separable(depth=4, channels=4),
    "separable, windows": Separable(depth=3, channels=4, head=3),
}
FAMILY = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


def deep_network(kind):
    """In evaluation mode, the norms' statistics no longer the initial ones."""
    torch.manual_seed(0)
    network = build(kind.spec(SHAPE, 5))
    with torch.no_grad():
        network(torch.randn(32, *SHAPE))
    return network.eval()


def in_head(network, name):
    return name.partition(".")[0] in network.HEAD


@FAMILY
def test_every_depth_is_a_member_of_the_family(kind):
    for depth in range(1, kind.full_depth + 1):
        shallow = kind.at_depth(depth)
        assert type(shallow) is type(kind) and shallow.full_depth == depth
        spec = shallow.spec(SHAPE, 5)
        network = checked(spec)
        assert network.spec() == spec == json.loads(json.dumps(spec))
        assert parameters(network) == shallow.parameters(SHAPE, 5)
        assert macs(network, SHAPE) == shallow.macs(SHAPE, 5)


@FAMILY
def test_the_full_depth_is_the_architecture_itself(kind):
    assert kind.at_depth(kind.full_depth).spec(SHAPE, 5) == kind.spec(SHAPE, 5)


@FAMILY
def test_a_shallower_one_can_be_made_shallower_still(kind):
    deepest = kind.full_depth - 1
    assert kind.at_depth(deepest).at_depth(1).spec(SHAPE, 5) == kind.at_depth(1).spec(SHAPE, 5)


@FAMILY
@torch.no_grad()
def test_a_shallow_network_gives_what_is_read_after_the_deep_ones_first_layers(kind):
    deep, images = deep_network(kind), torch.randn(4, *SHAPE)
    values, state = list(deep.layers(images)), deep.state_dict()
    assert len(values) == kind.full_depth + 1
    assert deep.read(values[-1]).equal(deep(images))
    for depth in range(1, kind.full_depth + 1):
        shallow = build(kind.at_depth(depth).spec(SHAPE, 5)).eval()
        trunk = {name: state[name] for name in shallow.state_dict() if not in_head(shallow, name)}
        missing, unexpected = shallow.load_state_dict(trunk, strict=False)
        assert all(in_head(shallow, name) for name in missing) and not unexpected
        assert shallow(images).equal(shallow.read(values[depth]))


@FAMILY
def test_the_head_is_what_reading_goes_through(kind):
    """Of the trunk nothing gets a gradient; of the head everything does."""
    network = deep_network(kind)
    *_, last = network.layers(torch.randn(4, *SHAPE))
    network.read(last.detach()).square().sum().backward()
    assert set(network.HEAD) <= {name for name, _ in network.named_children()}
    for name, parameter in network.named_parameters():
        assert (parameter.grad is not None) == in_head(network, name), name


@FAMILY
def test_each_layer_has_parameters_of_its_own_after_those_of_the_layers_before(kind):
    names = []
    for depth in range(1, kind.full_depth + 1):
        with torch.device("meta"):
            network = build(kind.at_depth(depth).spec(SHAPE, 5))
        names.append([name for name, _ in network.named_parameters() if not in_head(network, name)])
    for fewer, more in pairwise(names):
        assert more[: len(fewer)] == fewer and len(more) > len(fewer)


def test_stages_of_a_residual_network_are_filled_one_after_the_other():
    four = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}
    three = {20: (3, 3, 3), 32: (5, 5, 5), 44: (7, 7, 7), 56: (9, 9, 9), 110: (18, 18, 18)}
    for depth, blocks in (four | three).items():
        full = ResNet(depth=depth, width=2)
        assert full.full_depth == sum(blocks)
        ends = list(accumulate(blocks))
        for stages, levels in enumerate(ends, 1):
            spec = full.at_depth(levels).spec(SHAPE, 5)
            assert tuple(len(stage) for stage in spec["inner"]) == blocks[:stages]
        assert [len(stage) for stage in full.at_depth(ends[1] + 1).spec(SHAPE, 5)["inner"]] == [*blocks[:2], 1]


MNIST, RGB = (1, 28, 28), (3, 32, 32)


@pytest.mark.parametrize(
    ("knobs", "shape", "count", "million_macs"),
    [
        ({"depth": 18, "levels": 2}, MNIST, 149_322, 116),
        ({"depth": 34, "levels": 6}, MNIST, 1_044_938, 334),  # of Fashion-MNIST
        ({"depth": 34, "levels": 5}, RGB, 750_666, 362),  # of SVHN
        ({"depth": 50}, RGB, 23_520_842, 1298),
        ({"depth": 50, "levels": 11}, RGB, 6_311_498, 891),  # of CIFAR-10
    ],
)
def test_the_depths_found_in_the_paper(knobs, shape, count, million_macs):
    """arXiv 2510.10764 (docs/methods.md 3.3); the other full networks: test_closed_forms."""
    kind = architecture("resnet", knobs)
    assert (kind.parameters(shape, 10), round(kind.macs(shape, 10) / 1e6)) == (count, million_macs)


def test_a_family_of_the_users_cannot_be_made_shallower_unless_it_says_how():
    class Plain(Family):
        network = "nowhere:Net"

    assert Plain(depth=3).full_depth == 0
