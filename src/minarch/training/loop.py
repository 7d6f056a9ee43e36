"""The training loop only trains; what is evaluated, recorded and saved is handed in."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from minarch.data.tensors import Split

Loss = Callable[[nn.Module, Tensor, Tensor], Tensor]  # of a model for images and their labels: what is minimised


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The options of a training; the study's section says what each means."""

    epochs: int
    batch_size: int
    optimizer: str
    learning_rate: float
    weight_decay: float
    shared_batches: bool = False
    give_up_after: int | None = None

    @classmethod
    def of(cls, training: Mapping[str, Any]) -> "Recipe":
        """The recipe in a section of the study; what else stands there is for others to read."""
        return cls(**{field.name: training[field.name] for field in fields(cls) if field.name in training})


def optimizer_for(parameters: Iterable[Tensor], recipe: Recipe) -> torch.optim.Optimizer:
    """Make Adam, or SGD with momentum 0.9; fused, one call for all parameters."""
    rate, decay = recipe.learning_rate, recipe.weight_decay
    if recipe.optimizer == "adam":
        return torch.optim.Adam(parameters, lr=rate, weight_decay=decay, fused=True)
    return torch.optim.SGD(parameters, lr=rate, weight_decay=decay, momentum=0.9, fused=True)


def cross_entropy(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """The mean cross-entropy of a batch, in nats."""
    return functional.cross_entropy(model(images), labels)


def train(
    model: nn.Module,
    split: Split,
    recipe: Recipe,
    generator: torch.Generator,
    after_epoch: Callable[[int], bool] | None = None,
    *,
    stepper: torch.optim.Optimizer | None = None,
    loss: Loss = cross_entropy,
) -> None:
    """Train in place for a fixed number of epochs; the last batch of an epoch may be smaller.

    This is the reference that every faster way of training must equal.

    Args:
        generator: decides the order of the images, a new one each epoch.
        after_epoch: called with the epoch, counted from 1, for evaluation and records; training ends when it returns
            True.
        stepper: by default the optimizer of the recipe.
    """
    stepper = stepper or optimizer_for(model.parameters(), recipe)
    model.train()
    for epoch in range(1, recipe.epochs + 1):
        order = torch.randperm(len(split), generator=generator).to(split.labels.device)
        for index in order.split(recipe.batch_size):
            step(model, split, index, stepper, loss)
        if after_epoch is not None and after_epoch(epoch):
            break


def step(
    model: nn.Module, split: Split, index: Tensor, stepper: torch.optim.Optimizer, loss: Loss = cross_entropy
) -> None:
    """Train on one batch: the images at `index` int64 [B]."""
    stepper.zero_grad(set_to_none=True)
    loss(model, split.batch(index), split.labels[index]).backward()
    stepper.step()
