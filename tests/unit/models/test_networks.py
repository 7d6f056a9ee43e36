"""Networks: parameters and MACs equal the closed forms, specs are read back, gradients reach everything."""

import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from minarch.errors import UserError
from minarch.models.build import build
from minarch.models.cost import macs, parameters
from minarch.models.families import Cnn, Dnn, Vit, architecture

FEW = st.integers(1, 4)
SMALL = st.integers(1, 12)
SHAPES = st.tuples(st.sampled_from([1, 3]), st.integers(3, 9), st.integers(3, 9))
CLOSED_FORMS = settings(max_examples=30, deadline=None)


@given(depth=st.integers(1, 4), width=SMALL, shape=SHAPES, classes=SMALL)
@CLOSED_FORMS
def test_dnn_closed_forms(depth, width, shape, classes):
    network = build(Dnn(depth=depth, width=width).spec(shape, classes))
    pixels = shape[0] * shape[1] * shape[2]
    assert parameters(network) == (pixels + 1) * width + (depth - 1) * (width + 1) * width + classes * (width + 1)
    assert macs(network, shape) == pixels * width + (depth - 1) * width**2 + classes * width


@given(
    depth=st.integers(1, 3),
    channels=SMALL,
    shape=st.tuples(st.sampled_from([1, 3]), *[st.integers(6, 13)] * 2),
    classes=SMALL,
)
@CLOSED_FORMS
def test_cnn_closed_forms(depth, channels, shape, classes):
    network = build(Cnn(depth=depth, channels=channels).spec(shape, classes))
    areas = [((shape[1] - 2) // 2**i) * ((shape[2] - 2) // 2**i) for i in range(depth)]
    assert parameters(network) == (
        channels * (9 * shape[0] + 1)
        + (depth - 1) * channels * (9 * channels + 1)
        + classes * (channels * areas[-1] + 1)
    )
    deeper = sum(areas[1:]) * 9 * channels**2
    assert macs(network, shape) == areas[0] * channels * 9 * shape[0] + deeper + areas[-1] * channels * classes


def test_a_cnn_too_deep_for_its_images_is_refused():
    Cnn(depth=3, channels=1).spec((1, 6, 6), 10)
    with pytest.raises(UserError, match=r"cnn.depth: 3 is not allowed for images of 5x6 pixels, it needs at least 6x6"):
        Cnn(depth=3, channels=1).spec((1, 5, 6), 10)


@given(depth=FEW, head_size=FEW, heads=FEW, patch=FEW, ffn=FEW)
@CLOSED_FORMS
def test_vit_closed_forms(depth, head_size, heads, patch, ffn):
    width, shape, classes = heads * head_size, (3, 2 * patch, 3 * patch), 7
    network = build(Vit(depth=depth, width=width, heads=heads, patch=patch, ffn=ffn).spec(shape, classes))
    pixels, tokens, hidden = 3 * patch**2, 7, ffn * width
    block = 2 * 2 * width + 4 * width**2 + 3 * width + 2 * width * hidden + hidden + width  # no bias of the keys
    assert parameters(network) == (
        width * (pixels + 1) + width + tokens * width + depth * block + 2 * width + classes * (width + 1)
    )
    block = tokens * (4 * width**2 + 2 * width * hidden) + 2 * tokens**2 * width
    assert macs(network, shape) == 6 * pixels * width + depth * block + classes * width


def test_the_paper_s_sizes():
    count = {
        (name, size): parameters(build(architecture(name, knobs).spec([1, 28, 28], 10)))
        for name, size, knobs in [
            ("dnn", 1, {"depth": 1, "width": 1}),
            ("dnn", 100, {"depth": 4, "width": 100}),
            ("cnn", 1, {"channels": 1}),
            ("cnn", 32, {"channels": 32}),
        ]
    }
    assert count == {("dnn", 1): 805, ("dnn", 100): 109_810, ("cnn", 1): 6_780, ("cnn", 32): 216_650}


SPECS = [
    {"family": "dnn", "shape": [1, 8, 8], "classes": 10, "hidden": [5, 3, 8]},
    {"family": "cnn", "shape": [3, 8, 8], "classes": 10, "channels": [4, 2, 3]},
    {"family": "vit", "shape": [1, 8, 8], "classes": 10}
    | {"patch": 4, "width": 6, "head_size": 2, "heads": [3, 1], "ffn": [5, 9]},
    {"family": "resnet", "shape": [3, 8, 8], "classes": 10, "stem": "cifar"}
    | {"outer": [4, 5, 3, 8], "inner": [[2, 3], [5, 1], [4, 4], [6, 2]]},
    {"family": "resnet", "shape": [3, 8, 8], "classes": 10, "stem": "cifar", "width": 3}
    | {"outer": [6, 6, 8], "inner": [[[2, 3], 0, 5], [], [0, [4, 2]]]},
    {"family": "vit", "shape": [1, 8, 8], "classes": 10}
    | {"patch": 4, "width": 6, "head_size": 2, "heads": [0, 3, 0, 1], "ffn": [5, 0, 0, 9]},
    {"family": "separable", "shape": [3, 8, 8], "classes": 10, "head": 3, "channels": [4, 2, 5, 3]},
]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec["family"])
def test_a_spec_builds_the_network_that_tells_it(spec):
    network = build(spec)
    assert network.spec() == spec
    assert network(torch.zeros(5, *spec["shape"])).shape == (5, 10)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec["family"])
def test_every_parameter_gets_a_gradient(spec):
    torch.manual_seed(0)
    network = build(spec)
    network(torch.randn(64, *spec["shape"])).square().sum().backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.abs().max() > 0] == []


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec["family"])
def test_the_seed_decides_the_weights(spec):
    def first() -> torch.Tensor:
        torch.manual_seed(3)
        return torch.cat([p.flatten() for p in build(spec).parameters()])

    assert first().equal(first())


def test_vit_tokens_talk_to_each_other():
    """Changing one patch changes the logits, which are read off the class token: attention works."""
    torch.manual_seed(0)
    network = build(SPECS[2])
    images = torch.randn(1, 1, 8, 8).repeat(2, 1, 1, 1)
    images[1, :, 4:, 4:] += 1
    logits = network(images)
    assert (logits[0] - logits[1]).abs().max() > 1e-4


def test_a_family_of_the_user_s_own(tmp_path, monkeypatch):
    (tmp_path / "own_nets.py").write_text(
        "from dataclasses import dataclass\n"
        "from typing import ClassVar\n"
        "from torch import nn\n"
        "from minarch.models.families import Family\n"
        "@dataclass(frozen=True, kw_only=True)\n"
        "class Flat(Family):\n"
        "    network: ClassVar[str] = 'own_nets:Net'\n"
        "    depth: int = 1\n"
        "    gain: int\n"
        "    def spec(self, shape, classes):\n"
        "        return {'family': self.name, 'shape': list(shape), 'classes': classes, 'gain': self.gain}\n"
        "class Net(nn.Module):\n"
        "    def __init__(self, shape, classes, gain):\n"
        "        super().__init__()\n"
        "        self.shape, self.gain = shape, gain\n"
        "        self.layer = nn.Linear(shape[0] * shape[1] * shape[2], classes)\n"
        "    def forward(self, images):\n"
        "        return self.gain * self.layer(images.flatten(1))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    flat = architecture("own_nets:Flat", {"gain": 2})
    assert (flat.name, flat.label, flat.depth) == ("own_nets:Flat", "depth1-gain2", 1)
    assert parameters(build(flat.spec([1, 8, 8], 10))) == 650
    sys.modules.pop("own_nets")
