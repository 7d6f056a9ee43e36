"""Networks of depthwise-separable convolutions: where maps are halved, what the classifier reads, what is refused."""

import pytest
import torch
from torch.nn import functional

from minarch.errors import UserError
from minarch.models.build import build
from minarch.models.families import Separable


@pytest.mark.parametrize(
    ("shape", "head", "edges"),
    [
        ((1, 28, 28), 1, [(28, 28), (14, 14), (7, 7), (3, 3), (3, 3)]),
        ((1, 8, 8), 1, [(8, 8), (4, 4), (4, 4), (4, 4), (4, 4)]),
        ((3, 32, 32), 4, [(32, 32), (16, 16), (8, 8), (4, 4), (4, 4)]),
        ((1, 28, 28), 5, [(28, 28), (14, 14), (7, 7), (7, 7), (7, 7)]),
        ((1, 9, 20), 2, [(9, 20), (4, 10), (4, 10), (4, 10), (4, 10)]),
    ],
)
@torch.no_grad()
def test_maps_are_halved_as_long_as_enough_is_left(shape, head, edges):
    network = build(Separable(depth=4, channels=4, head=head).spec(shape, 10)).eval()
    values = list(network.layers(torch.randn(2, *shape)))
    assert [tuple(maps.shape[2:]) for maps in values] == edges
    assert [maps.shape[1] for maps in values] == [4, 5, 6, 7, 8]


@pytest.mark.parametrize("head", range(1, 8))
def test_the_classifier_reads_every_place_through_equal_windows(head):
    """Of 7x7 places."""
    network = build(Separable(depth=2, channels=4, head=head).spec((1, 28, 28), 10)).eval()
    maps = torch.randn(3, 6, 7, 7, requires_grad=True)
    logits = network.read(maps)
    if head in (1, 7):
        means = functional.adaptive_avg_pool2d(maps, head).flatten(1)
        torch.testing.assert_close(logits, network.classifier(means))
    logits.square().sum().backward()
    assert maps.grad.abs().min() > 0
    assert network.classifier.in_features == 6 * head**2


def test_images_that_are_too_small_are_refused():
    with pytest.raises(UserError) as error:
        Separable(channels=4, head=5).spec((1, 4, 8), 10)
    assert str(error.value) == "separable.head: 5 is not allowed for images of 4x8 pixels, it needs at least 5x5"


def test_a_batch_of_one_image_can_be_trained_on():
    network = build(Separable(channels=4).spec((1, 2, 2), 10)).train()
    assert network(torch.randn(1, 1, 2, 2)).isfinite().all()
