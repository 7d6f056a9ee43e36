"""Closed forms of parameters and MACs: those of the built network, and the numbers of the papers (docs/methods.md)."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from minarch.models.build import build
from minarch.models.cost import macs, parameters
from minarch.models.families import Cnn, Dnn, Family, ResNet, Separable, ShapedDnn, Vit
from minarch.models.families.resnet import BLOCKS

SMALL = st.integers(1, 12)
PROPERTY = settings(max_examples=60, deadline=None)
IMAGES = st.tuples(st.sampled_from([1, 3]), *[st.integers(8, 20)] * 2)
MNIST, CIFAR10 = (1, 28, 28), (3, 32, 32)


@st.composite
def shaped(draw):
    steps = draw(st.lists(st.sampled_from(["grow", "shrink", "equal"]), max_size=4))
    growth = draw(st.floats(1, 4, exclude_min=True))
    return ShapedDnn(depth=len(steps) + 1, width=draw(SMALL), steps="-".join(steps), growth=growth)


@st.composite
def resnets(draw):
    stem = draw(st.sampled_from(["cifar", "imagenet"]))
    kind = ResNet(depth=draw(st.sampled_from(sorted(BLOCKS))), width=draw(SMALL), stem=stem)
    levels = draw(st.none() | st.integers(1, kind.full_depth))
    return kind.at_depth(levels) if levels else kind


KINDS = st.one_of(
    st.builds(Dnn, depth=st.integers(1, 4), width=SMALL),
    shaped(),
    st.builds(Cnn, depth=st.integers(1, 3), channels=SMALL),
    resnets(),
    st.builds(Separable, depth=st.integers(1, 4), channels=SMALL, head=st.integers(1, 4)),
)


def assert_equal_to_the_built(kind, shape, classes):
    with torch.device("meta"):
        network = build(kind.spec(shape, classes))
    assert kind.parameters(shape, classes) == parameters(network)
    assert kind.macs(shape, classes) == macs(network, shape)


@given(kind=KINDS, shape=IMAGES, classes=SMALL)
@PROPERTY
def test_what_a_family_tells_is_what_is_built(kind, shape, classes):
    assert_equal_to_the_built(kind, shape, classes)


@pytest.mark.parametrize("stem", ["cifar", "imagenet"])
@pytest.mark.parametrize("depth", BLOCKS)
def test_what_a_resnet_of_any_depth_tells_is_what_is_built(depth, stem):
    assert_equal_to_the_built(ResNet(depth=depth, width=3, stem=stem), (3, 17, 20), 7)


@given(size=st.integers(1, 4), heads=st.integers(1, 4), depth=st.integers(1, 3), patch=st.integers(1, 4), ffn=SMALL)
@PROPERTY
def test_what_a_vit_tells_is_what_is_built(size, heads, depth, patch, ffn):
    kind = Vit(depth=depth, width=heads * size, heads=heads, patch=patch, ffn=ffn)
    assert_equal_to_the_built(kind, (3, 2 * patch, 5 * patch), 7)


def test_a_family_of_the_users_need_not_tell():
    assert Family.parameters(Dnn(depth=1, width=1), MNIST, 10) is None


WIDTHS = [1, 2, 3, 5, 10, 20, 30, 50, 100, 200, 500, 1000]
SQUARE = {  # docs/methods.md 1.1
    (MNIST, 1): [805, 1600, 2395, 3985, 7960, 15910, 23860, 39760, 79510, 159010, 397510, 795010],
    (MNIST, 4): [811, 1618, 2431, 4075, 8290, 17170, 26650, 47410, 109810, 279610, 1149010, 3798010],
    (CIFAR10, 1): [3093, 6176, 9259, 15425, 30840, 61670, 92500, 154160, 308310, 616610, 1541510, 3083010],
    (CIFAR10, 4): [3099, 6194, 9295, 15515, 31170, 62930, 95290, 161810, 338610, 737210, 2293010, 6086010],
}


@pytest.mark.parametrize(("shape", "depth"), SQUARE)
def test_square_dnns(shape, depth):
    assert [Dnn(depth=depth, width=width).parameters(shape, 10) for width in WIDTHS] == SQUARE[shape, depth]
    equal = "-".join(["equal"] * (depth - 1))
    shaped_counts = [ShapedDnn(depth=depth, width=width, steps=equal).parameters(shape, 10) for width in WIDTHS]
    assert shaped_counts == SQUARE[shape, depth]


def test_cnns():
    for channels in range(1, 33):
        assert Cnn(channels=channels).parameters(MNIST, 10) == 6770 * channels + 10
        assert Cnn(channels=channels).parameters(CIFAR10, 10) == 9028 * channels + 10


@pytest.mark.parametrize(
    ("depth", "shape", "classes", "count", "million_macs"),
    [
        (18, MNIST, 10, 11_172_810, 456),
        (18, MNIST, 26, 11_181_018, 456),
        (34, MNIST, 10, 21_280_970, 936),
        (34, CIFAR10, 10, 21_282_122, 1159),
    ],
)
def test_resnets(depth, shape, classes, count, million_macs):
    """The full networks of arXiv 2510.10764 (docs/methods.md 3.3)."""
    kind = ResNet(depth=depth)
    assert kind.parameters(shape, classes) == count
    assert round(kind.macs(shape, classes) / 1e6) == million_macs
