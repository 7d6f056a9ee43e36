"""Ties between classes: sums that are equal but for their last bits count as equal, on every processor."""

from copy import deepcopy

import numpy as np
import pytest
import torch

from minarch.data.tensors import load_split
from minarch.models.weights import load_networks
from minarch.quantization.precision import reduced
from minarch.quantization.ties import EQUAL, Tied, tied
from minarch.training.evaluate import is_right


def right(logits):
    """Of every image whether class 0, and whether class 1 is right."""
    return [is_right(logits, logits[:, [label]]).tolist() for label in (0, 1)]


def test_what_differs_in_its_last_bits_is_a_tie_and_no_class_is_right():
    logits = torch.tensor([[1.0, 1.0 + 1e-6, -3.0], [-3.0, -3.0 - 1e-6, -90.0], [0.0, 1e-5, 2e-9]])
    assert right(logits) != [[False] * 3] * 2
    assert right(tied(logits)) == [[False] * 3, [False, False, True]]
    assert tied(logits)[:, 2].equal(logits[:, 2])


@pytest.mark.parametrize("scale", [1e-20, 1.0, 1e20])
def test_it_is_relative_to_the_largest_logit(scale):
    logits = scale * torch.tensor([[1.0, 1.0 - 3 * EQUAL], [1.0, 1.0 - EQUAL / 3]])
    assert right(tied(logits)) == [[True, False], [False, False]]


def test_what_is_not_finite_stays():
    logits = torch.tensor([[torch.inf, 1.0], [torch.nan, 1.0], [-torch.inf, 1.0], [torch.inf, torch.inf]])
    torch.testing.assert_close(tied(logits), logits, equal_nan=True, rtol=0, atol=0)


def test_equal_sums_in_another_order_are_a_tie():
    """Two classes add the same pixels, one from the front and one from the back, as another processor would."""
    pixels = np.random.default_rng(0).random((500, 300), np.float32)
    sums = [np.add.accumulate(order, axis=1)[:, -1] for order in (pixels, pixels[:, ::-1])]
    pairs = torch.from_numpy(np.stack(sums, 1))
    assert np.mean(right(pairs)) > 0.4
    assert right(tied(pairs)) == [[False] * 500] * 2


@pytest.mark.parametrize("family", ["dnn", "cnn", "vit"])
def test_accuracy_is_that_of_float64_and_of_batches_of_any_size(sweep_items, data_item, family):
    split = load_split(data_item, "test")
    images, labels = split.batch(slice(None)), split.labels[:, None]
    for network in load_networks(sweep_items[family]).values():
        coarse = reduced(network, "int2", "tensor")
        in_double = tied(deepcopy(coarse).double()(images.double()))
        expected = is_right(in_double, in_double.gather(1, labels))
        for size in (1, 17, 256):
            logits = torch.cat([Tied(coarse)(part) for part in images.split(size)])
            assert is_right(logits, logits.gather(1, labels)).equal(expected)
