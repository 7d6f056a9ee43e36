"""Families: what may be asked for, and what is said about what may not."""

import json
import subprocess
import sys

import pytest

from minarch.errors import UserError
from minarch.models.families import Cnn, Dnn, ResNet, ShapedDnn, Vit, architecture, family


def test_labels_name_every_knob():
    assert Dnn(depth=2, width=16).label == "depth2-width16"
    assert Cnn(channels=8).label == "depth1-channels8"
    assert Vit(depth=1, width=8, heads=2, patch=4).label == "depth1-width8-heads2-patch4-ffn2"
    assert ShapedDnn(depth=1, width=4, steps="").label == "depth1-width4-growth2"
    assert ShapedDnn(depth=3, width=4, steps="grow-equal", growth=1.5).label == "depth3-width4-grow-equal-growth1.5"
    assert ResNet(depth=18).label == "depth18-width64-stemcifar"
    assert ResNet(depth=20, width=16).label == "depth20-width16-stemcifar"
    assert ResNet(depth=50, levels=4).label == "depth50-width64-stemcifar-levels4"


def test_specs_are_json_with_a_size_per_layer():
    specs = [
        architecture(name, knobs).spec([1, 8, 8], 10)
        for name, knobs in [
            ("dnn", {"depth": 3, "width": 5}),
            ("cnn", {"depth": 2, "channels": 4}),
            ("vit", {"depth": 2, "width": 6, "heads": 3, "patch": 4, "ffn": 3}),
            ("shaped-dnn", {"depth": 3, "width": 5, "steps": "grow-shrink"}),
            ("resnet", {"depth": 34, "width": 2}),
            ("resnet", {"depth": 50, "width": 2, "levels": 4}),
            ("resnet", {"depth": 20, "width": 2}),
        ]
    ]
    assert specs == json.loads(json.dumps(specs))
    assert specs[0]["hidden"] == [5, 5, 5]
    assert specs[1]["channels"] == [4, 4]
    assert specs[2] | {"heads": [3, 3], "ffn": [18, 18], "head_size": 2} == specs[2]
    assert specs[3] == {"family": "dnn", "shape": [1, 8, 8], "classes": 10, "hidden": [5, 10, 5]}
    assert specs[4]["outer"] == [2, 4, 8, 16] and [len(stage) for stage in specs[4]["inner"]] == [3, 4, 6, 3]
    bottlenecks = {"width": 2, "outer": [8, 16], "inner": [[[2, 2], [2, 2], [2, 2]], [[4, 4]]]}
    assert specs[5] | bottlenecks == specs[5]


@pytest.mark.parametrize(
    ("name", "knobs", "message"),
    [
        ("dnn", {"depth": 0, "width": 1}, "dnn.depth: 0 is not allowed, it must be an integer from 1 to 1,000"),
        ("dnn", {"depth": 1, "width": 2.5}, "dnn.width: 2.5 is not allowed, it must be an integer from 1 to 1,000,000"),
        ("dnn", {"depth": True, "width": 2}, "dnn.depth: True is not allowed, it must be an integer from 1 to 1,000"),
        ("dnn", {"depth": 1}, "dnn.width: missing, it must be given"),
        (
            "cnn",
            {"channels": 1, "kernel": 5},
            "cnn.kernel: 5 is not allowed, cnn has no such knob; allowed: depth, channels",
        ),
        (
            "vit",
            {"depth": 1, "width": 5, "heads": 2, "patch": 4},
            "vit.width: 5 is not allowed, it must be a multiple of heads (2)",
        ),
        (
            "shaped-dnn",
            {"depth": 3, "width": 4, "steps": "grow"},
            "shaped-dnn.steps: 'grow' is not allowed for depth 3, it must be all or 2 of grow, shrink, equal,"
            " such as 'grow-grow'",
        ),
        (
            "shaped-dnn",
            {"depth": 2, "width": 4, "steps": "bigger"},
            "shaped-dnn.steps: 'bigger' is not allowed for depth 2, it must be all or 1 of grow, shrink, equal,"
            " such as 'grow'",
        ),
        (
            "shaped-dnn",
            {"depth": 1, "width": 4, "steps": 1},
            "shaped-dnn.steps: 1 is not allowed for depth 1, it must be all or 0 of grow, shrink, equal, such as ''",
        ),
        (
            "shaped-dnn",
            {"depth": 1, "width": 4, "steps": "", "growth": 1},
            "shaped-dnn.growth: 1 is not allowed, it must be a number above 1, up to 100",
        ),
        (
            "shaped-dnn",
            {"depth": 1, "width": 4, "steps": "", "growth": "2"},
            "shaped-dnn.growth: '2' is not allowed, it must be a number above 1, up to 100",
        ),
        (
            "shaped-dnn",
            {"depth": 1, "width": 4, "steps": "", "growth": float("inf")},
            "shaped-dnn.growth: inf is not allowed, it must be a number above 1, up to 100",
        ),
        ("shaped-dnn", {"depth": 2, "width": 4}, "shaped-dnn.steps: missing, it must be given"),
        ("resnet", {"depth": 26}, "resnet.depth: 26 is not allowed, it must be one of 18, 34, 50, 20, 32, 44, 56, 110"),
        *(
            (
                "resnet",
                {"depth": 18, "levels": levels},
                f"resnet.levels: {levels!r} is not allowed for depth 18, it must be an integer from 1 to 8, or null for"
                " all blocks",
            )
            for levels in (0, 9, True, "x")
        ),
        (
            "resnet",
            {"depth": 20, "levels": 10},
            "resnet.levels: 10 is not allowed for depth 20, it must be an integer from 1 to 9, or null for all blocks",
        ),
        (
            "resnet",
            {"depth": 18, "stem": "torchvision"},
            "resnet.stem: 'torchvision' is not allowed, it must be cifar or imagenet",
        ),
        (
            "resnet",
            {"depth": 18, "width": 0},
            "resnet.width: 0 is not allowed, it must be an integer from 1 to 1,000,000",
        ),
        (
            "rnn",
            {},
            "family: 'rnn' is not known, it must be one of dnn, cnn, vit, shaped-dnn, resnet,"
            " separable"
            ' or "package.module:Class"',
        ),
    ],
)
def test_impossible_knobs_are_one_line(name, knobs, message):
    with pytest.raises(UserError) as error:
        architecture(name, knobs)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("steps", "growth", "hidden"),
    [
        ("grow-grow-grow", 2.0, [5, 10, 20, 40]),
        ("shrink-shrink-shrink", 2, [5, 2, 1, 1]),
        ("equal-grow-shrink", 2.0, [5, 5, 10, 5]),
        ("grow-shrink-grow", 1.5, [5, 7, 4, 6]),
    ],
)
def test_layers_grow_and_shrink_by_the_factor_rounded_down(steps, growth, hidden):
    assert ShapedDnn(depth=4, width=5, steps=steps, growth=growth).hidden == hidden


@pytest.mark.parametrize("name", ["no.such.module:Net", "json:Missing", "json:dumps", ":", "dnn:"])
def test_what_is_no_family_is_one_line(name):
    with pytest.raises(UserError, match="it must be one of dnn, cnn, vit"):
        family(name)


def test_networks_that_do_not_fit_the_image():
    with pytest.raises(UserError, match=r"vit.patch: 3 is not allowed, it must divide the image's 8x8 pixels"):
        Vit(depth=1, width=4, heads=2, patch=3).spec([1, 8, 8], 10)
    with pytest.raises(UserError, match="for images of 2x8 pixels, it needs at least 3x3"):
        Cnn(channels=1).spec([1, 2, 8], 10)


def test_importing_families_does_not_import_torch():
    code = "import sys, minarch.models.families; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
