"""Quantization-aware training: a network is trained on with its quantizers in place."""

import torch
from torch import nn

from minarch.data.tensors import Split
from minarch.models.weights import finite
from minarch.training.evaluate import evaluate
from minarch.training.loop import Recipe, train
from minarch.training.repeats import Repeat

NOWHERE = float("nan")


def train_quantized(network: nn.Module, splits: dict[str, Split], recipe: Recipe, seed: int) -> None:
    """Train weights and ranges of a fake-quantized network, in place, straight through the rounding.

    It is left as it was after the epoch of best validation accuracy, of equal ones that of the lowest loss; the start
    counts as one, so that training never costs any.

    Args:
        seed: decides the order of the images, and dropout.
    """
    result, kept = Repeat(0, seed), dict[str, torch.Tensor]()

    def after_epoch(_: int) -> bool:
        validation = evaluate(network, splits["validation"])
        if finite(network) and result.record((NOWHERE, NOWHERE, validation.loss, validation.accuracy)):
            kept.update({name: tensor.clone() for name, tensor in network.state_dict().items()})
        return False

    after_epoch(0)
    torch.manual_seed(seed)
    train(network, splits["train"], recipe, torch.Generator().manual_seed(seed), after_epoch)
    network.load_state_dict(kept)
    network.eval()
