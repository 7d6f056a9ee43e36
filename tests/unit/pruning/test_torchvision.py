"""torchvision's own resnet18, resnet50 and vgg11_bn, cut to half of every layer."""

import pytest
import torch
from networks import Vgg, closed_form
from torch import nn

from minarch.data.vision import datasets  # noqa: F401 - before torchvision's models, beside a CPU build of torch
from minarch.models.build import build
from minarch.models.cost import macs, parameters
from minarch.models.families import ResNet
from minarch.pruning.cut import masked
from minarch.pruning.structured import Criterion, prune_structured

from torchvision.models import resnet18, resnet50, vgg11_bn  # isort: skip

SHAPE = [3, 32, 32]


def narrow_vgg(num_classes):
    """With 64 instead of 4096 hidden neurons, or this takes half a minute."""
    network = vgg11_bn(num_classes=num_classes)
    for position, (before, after) in {0: (25088, 64), 3: (64, 64), 6: (64, num_classes)}.items():
        network.classifier[position] = nn.Linear(before, after)
    return network


def bottlenecks(width):
    """The spec of resnet50, whose width is 64."""
    stages = [(width * 2**stage, count) for stage, count in enumerate((3, 4, 6, 3))]
    return {"family": "resnet", "shape": SHAPE, "classes": 10, "stem": "imagenet", "width": width} | {
        "outer": [4 * inner for inner, _ in stages],
        "inner": [[[inner, inner]] * count for inner, count in stages],
    }


CASES = {
    "resnet18": (resnet18, *(ResNet(depth=18, stem="imagenet", width=width).spec(SHAPE, 10) for width in (64, 32))),
    "resnet50": (resnet50, bottlenecks(64), bottlenecks(32)),
    "vgg11_bn": (narrow_vgg, Vgg(hidden=64).spec(SHAPE, 10), Vgg(width=32, hidden=32).spec(SHAPE, 10)),
}


@pytest.mark.parametrize("name", CASES)
@torch.no_grad()
def test_half_of_every_layer(name):
    theirs, full, half = CASES[name]
    torch.manual_seed(0)
    original = theirs(num_classes=10).train()
    original(torch.randn(16, *SHAPE))  # the norms' statistics are no longer the initial ones
    with torch.device("meta"):
        network = build(full)
    assert list(network.state_dict()) == list(original.state_dict())
    network.load_state_dict(original.eval().state_dict(), assign=True)
    assert network.eval().spec() == full

    cut = prune_structured(network, level=0.5, criterion=Criterion())  # from 64 units on, multiples of 8
    assert cut.network.spec() == half
    assert cut.removed_share == 0.5
    assert (parameters(cut.network), macs(cut.network, SHAPE)) == closed_form(half)
    if name == "resnet18":
        kind = ResNet(depth=18, stem="imagenet", width=32)
        assert (parameters(cut.network), macs(cut.network, SHAPE)) == (kind.parameters(SHAPE, 10), kind.macs(SHAPE, 10))

    images = torch.randn(8, *SHAPE)
    original.load_state_dict(masked(network, cut.groups, cut.masks).state_dict())
    expected = original(images)
    assert float((cut.network(images) - expected).abs().max() / expected.abs().max()) <= 1e-5
