"""The training loop only trains; what is evaluated, recorded and saved is handed in."""

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional

from minarch.data.tensors import Split


def optimizer_for(model: nn.Module, name: str, learning_rate: float, weight_decay: float) -> torch.optim.Optimizer:
    """Adam, or SGD with momentum 0.9; fused, one call for all parameters."""
    if name == "adam":
        return torch.optim.Adam(model.parameters(), lr=learning_rate, weight_decay=weight_decay, fused=True)
    return torch.optim.SGD(model.parameters(), lr=learning_rate, weight_decay=weight_decay, momentum=0.9, fused=True)


def train(
    model: nn.Module,
    split: Split,
    *,
    epochs: int,
    batch_size: int,
    optimizer: str,
    learning_rate: float,
    weight_decay: float,
    generator: torch.Generator,
    after_epoch: Callable[[int], None] | None = None,
) -> None:
    """Train in place for a fixed number of epochs with cross-entropy; the last batch of an epoch may be smaller.

    Args:
        generator: decides the order of the images, a new one each epoch.
        after_epoch: called with the epoch, counted from 1, for evaluation and records.
    """
    stepper = optimizer_for(model, optimizer, learning_rate, weight_decay)
    model.train()
    for epoch in range(1, epochs + 1):
        for index in torch.randperm(len(split), generator=generator).split(batch_size):
            stepper.zero_grad(set_to_none=True)
            functional.cross_entropy(model(split.batch(index)), split.labels[index]).backward()
            stepper.step()
        if after_epoch is not None:
            after_epoch(epoch)
