"""Ladders of sizes."""

from itertools import pairwise

import pytest

from minarch.adaptive.ladder import MOST_PARAMETERS, RATIO, ladders
from minarch.models.build import build
from minarch.models.families import FAMILIES, spec_of

SHAPES = [(1, 8, 8), (1, 28, 28), (3, 32, 32)]


@pytest.mark.parametrize("shape", SHAPES)
def test_every_family_has_a_ladder_from_its_smallest_size_to_the_limit(shape):
    for family, sizes in ladders(shape, 10, 1000).items():
        counts = [size.parameters for size in sizes]
        assert all(after >= RATIO * before for before, after in pairwise(counts)), family
        assert counts[-1] <= MOST_PARAMETERS < counts[-1] * 2 * RATIO, family
        assert sizes[0].knobs[FAMILIES[family].size] <= 2, family
    assert set(ladders(shape, 10, 1000)) == {"dnn", "cnn", "vit", "separable"}


@pytest.mark.parametrize("shape", SHAPES)
def test_its_sizes_are_those_of_the_networks(shape):
    for sizes in ladders(shape, 3, 1000).values():
        for size in (sizes[0], sizes[3]):
            network = build(spec_of(size.kind, shape, 3))
            assert sum(parameter.numel() for parameter in network.parameters()) == size.parameters


def test_a_family_that_does_not_fit_the_images_has_none():
    assert "vit" not in ladders((1, 29, 31), 10, 1000), "no patch tiles them"
    assert "dnn" in ladders((1, 2, 2), 10, 1000)


def test_more_images_take_longer():
    few, many = (ladders((1, 8, 8), 10, images)["cnn"][3].epoch_s for images in (100, 1000))
    assert many == pytest.approx(10 * few)
