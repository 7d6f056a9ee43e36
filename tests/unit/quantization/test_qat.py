"""Quantization-aware training gives back what INT8 took, and never costs validation accuracy."""

from dataclasses import replace

import pytest
import torch
from quantize_items import QAT

from minarch.models.weights import load_networks
from minarch.quantization.int8 import calibration_images, quantize_int8
from minarch.quantization.qat import train_quantized
from minarch.training.evaluate import evaluate
from minarch.training.loop import Recipe

RECIPE = Recipe(**{name: value for name, value in QAT.items() if name != "seed"})


@pytest.fixture
def damaged(damaged_item, splits):
    """(float network, its INT8 copy in torch)."""
    network = load_networks(damaged_item)[0]
    drawn = calibration_images(splits["train"].images, 64, seed=0)
    images = replace(splits["train"], images=drawn).batch(slice(None))
    return network, quantize_int8(network, images, preset="mixed", transformer=False, target="any")


def test_training_recovers_most_of_what_quantization_damaged(damaged, splits):
    network, quantized = damaged
    intact, before = (evaluate(either, splits["validation"]).accuracy for either in (network, quantized))
    assert intact - before > 0.1
    train_quantized(quantized, splits, RECIPE, seed=0)
    after = evaluate(quantized, splits["validation"]).accuracy
    assert after - before > 0.6 * (intact - before)
    assert not quantized.training


def test_the_best_epoch_is_kept_and_the_start_counts(damaged, splits):
    """A training that destroys the network leaves it as it was."""
    _, quantized = damaged
    before = {name: tensor.clone() for name, tensor in quantized.state_dict().items()}
    ruinous = Recipe(epochs=1, batch_size=32, optimizer="sgd", learning_rate=1e6, weight_decay=0.0)
    train_quantized(quantized, splits, ruinous, seed=0)
    for name, tensor in quantized.state_dict().items():
        assert tensor.equal(before[name]), name


def test_the_seed_decides(damaged_item, splits):
    trained = []
    for seed in (0, 0, 1):
        network = load_networks(damaged_item)[0]
        images = splits["train"].batch(slice(64))
        quantized = quantize_int8(network, images, preset="mixed", transformer=False, target="any")
        short = replace(RECIPE, epochs=6)  # the first ones may be worse than the start
        train_quantized(quantized, splits, short, seed)
        trained.append(torch.cat([parameter.detach().flatten() for parameter in quantized.parameters()]))
    assert trained[0].equal(trained[1]) and not trained[0].equal(trained[2])
