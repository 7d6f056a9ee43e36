"""The training loop only trains; what is evaluated, recorded and saved is handed in."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from minarch.data.tensors import Split
from minarch.training.augment import Augment, Moves
from minarch.training.schedule import share

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
    schedule: str = "constant"
    warmup: int = 0
    label_smoothing: float = 0.0
    augment: Augment | None = None
    behind: int = 0  # epochs of the schedule that are over before the training begins

    @classmethod
    def of(cls, training: Mapping[str, Any]) -> "Recipe":
        """The recipe in a section of the study; what else stands there is for others to read."""
        options = {field.name: training[field.name] for field in fields(cls) if field.name in training}
        if options.get("augment") is not None:
            options["augment"] = Augment(**options["augment"])
        return cls(**options)

    def rates(self, epoch: int, steps: int) -> list[float]:
        """The learning rates of an epoch's steps; epochs are counted from 1."""
        first, warmup, whole = (
            count * steps for count in (self.behind + epoch - 1, self.warmup, self.behind + self.epochs)
        )
        return [self.learning_rate * share(self.schedule, first + step, warmup, whole) for step in range(steps)]


def optimizer_for(parameters: Iterable[Tensor], recipe: Recipe) -> torch.optim.Optimizer:
    """Make Adam, or SGD with momentum 0.9; fused, one call for all parameters."""
    rate, decay = recipe.learning_rate, recipe.weight_decay
    if recipe.optimizer == "adam":
        return torch.optim.Adam(parameters, lr=rate, weight_decay=decay, fused=True)
    return torch.optim.SGD(parameters, lr=rate, weight_decay=decay, momentum=0.9, fused=True)


def cross_entropy(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """The mean cross-entropy of a batch, in nats."""
    return functional.cross_entropy(model(images), labels)


def loss_of(recipe: Recipe) -> Loss:
    """The mean cross-entropy of a batch, of labels that are smoothed as the recipe says.

    Smoothing by s gives every class s/K, and the true one 1 - s more (C. Szegedy et al., *Rethinking the Inception
    Architecture for Computer Vision*, CVPR 2016, section 7).
    """

    def smoothed(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
        return functional.cross_entropy(model(images), labels, label_smoothing=recipe.label_smoothing)

    return smoothed if recipe.label_smoothing else cross_entropy


def train(
    model: nn.Module,
    split: Split,
    recipe: Recipe,
    generator: torch.Generator,
    after_epoch: Callable[[int], bool] | None = None,
    *,
    factor: Callable[[], float] = lambda: 1.0,
    loss: Loss | None = None,
) -> None:
    """Train in place for a fixed number of epochs; the last batch of an epoch may be smaller.

    This is the reference that every faster way of training must equal.

    Args:
        generator: decides the order of the images, a new one each epoch; the seed that it began with and the epoch
            decide how they are moved, if they are.
        after_epoch: called with the epoch, counted from 1, for evaluation and records; training ends when it returns
            True.
        factor: called before every epoch for what its learning rates are multiplied by.
        loss: by default that of the recipe.
    """
    stepper, loss = optimizer_for(model.parameters(), recipe), loss or loss_of(recipe)
    moves = None if recipe.augment is None else Moves(recipe.augment, split)
    model.train()
    for epoch in range(1, recipe.epochs + 1):
        order = torch.randperm(len(split), generator=generator).to(split.labels.device)
        seen = split if moves is None else moves.moved(generator.initial_seed(), epoch)
        parts, by = order.split(recipe.batch_size), factor()
        for index, rate in zip(parts, recipe.rates(epoch, len(parts)), strict=True):
            for group in stepper.param_groups:
                group["lr"] = rate * by
            step(model, seen, index, stepper, loss)
        if after_epoch is not None and after_epoch(epoch):
            break


def step(
    model: nn.Module, split: Split, index: Tensor, stepper: torch.optim.Optimizer, loss: Loss = cross_entropy
) -> None:
    """Train on one batch: the images at `index` int64 [B]."""
    stepper.zero_grad(set_to_none=True)
    loss(model, split.batch(index), split.labels[index]).backward()
    stepper.step()
