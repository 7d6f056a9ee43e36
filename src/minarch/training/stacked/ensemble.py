"""R networks of one architecture trained and measured as one, each as if alone.

Shapes: R repeats, S = R or (shared batches) 1, N images, B images of a batch, K classes.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Tensor, nn

from minarch.models.families import Spec
from minarch.training.evaluate import is_right
from minarch.training.loop import Recipe, optimizer_for
from minarch.training.stacked.cnn import StackedCNN
from minarch.training.stacked.dnn import StackedDNN
from minarch.training.stacked.grouped import Grouped
from minarch.training.stacked.parameters import Parameters
from minarch.training.stacked.pixels import Pixels
from minarch.training.stacked.products import Products
from minarch.training.stacked.single import Single
from minarch.training.stacked.vit import StackedViT

MEASURED_AT_ONCE = 512, 2048  # images, and images times networks: more would not fit the caches


class Gradients(Protocol):
    """R networks of one family, and their gradients."""

    def forward(self, images: Tensor) -> Tensor:
        """Images [S, B, CHW] -> logits [R, K, B]."""

    def backward(self, gradient: Tensor) -> None:
        """The parameters' gradients from that of the logits [R, K, B]."""


FAMILIES: dict[str, Callable[[Parameters, Spec, Products], Gradients]] = {
    "dnn": StackedDNN,
    "cnn": StackedCNN,
    "vit": StackedViT,
    "resnet": Grouped,
    "separable": Grouped,
}


def stackable(spec: Spec) -> bool:
    """True if networks of this family can be stacked; all others are trained one by one."""
    return spec["family"] in FAMILIES


def written(spec: Spec) -> bool:
    """True if this family's gradients are written here by hand, those of stacked networks, too."""
    return stackable(spec) and FAMILIES[spec["family"]] is not Grouped


class Ensemble:
    """Networks of one architecture, stacked on the device of `products`."""

    def __init__(self, spec: Spec, networks: Sequence[nn.Module], recipe: Recipe, products: Products) -> None:
        self.spec, self.recipe, self.products = spec, recipe, products
        self._take(Parameters.of(networks, products.device))

    def _take(self, parameters: Parameters) -> None:
        self.parameters = parameters
        self.factors: Tensor | None = None
        self.gradients = self.gradients_of(parameters)
        self.optimizer = optimizer_for([parameters.trained], self.recipe)

    def gradients_of(self, parameters: Parameters) -> Gradients:
        """The networks of these parameters, and their gradients."""
        return FAMILIES[self.spec["family"]](parameters, self.spec, self.products)

    def select(self, repeats: Sequence[int]) -> None:
        """Go on with some of the repeats only, their optimizer's state included."""
        before, states = self.parameters, self.optimizer.state[self.parameters.trained]
        self._take(Parameters(before.shapes, before.select(before.flat, repeats), len(before.statistics)))
        self.optimizer.state[self.parameters.trained] = {
            name: before.select(value, repeats) if value.shape == before.trained.shape else value
            for name, value in states.items()
        }

    def scale_steps(self, factors: Sequence[float]) -> None:
        """Multiply the repeats' learning rates by factors [R], which the optimizer's one call cannot tell apart; a step
        of Adam and of SGD is proportional to its rate.
        """
        same = all(factor == 1 for factor in factors)
        device = self.parameters.flat.device
        self.factors = None if same else self.parameters.spread(torch.tensor(factors, device=device))

    @torch.no_grad()
    def epoch(self, pixels: Pixels, orders: Tensor, number: int = 1) -> None:
        """One pass over the images in orders int64 [S, N], the training's epoch of this number; never waits for the
        device.
        """
        parts = orders.to(pixels.images.device).split(self.recipe.batch_size, dim=1)
        for index, rate in zip(parts, self.recipe.rates(number, len(parts)), strict=True):
            self.optimizer.param_groups[0]["lr"] = rate
            self.step(pixels, index)

    @torch.no_grad()
    def step(self, pixels: Pixels, index: Tensor) -> None:
        """Train every network on a batch, indices [S, B]; the loss is each network's mean cross-entropy."""
        self.differentiate(pixels, index)
        if self.factors is None:
            self.optimizer.step()
        else:
            trained = self.parameters.trained
            before = trained.clone()
            self.optimizer.step()
            torch.lerp(before, trained, self.factors, out=trained)

    def differentiate(self, pixels: Pixels, index: Tensor) -> None:
        """Leave the gradients of a batch's loss with the parameters."""
        images, targets = pixels.batch(index)
        if smoothing := self.recipe.label_smoothing:
            targets = targets * (1 - smoothing) + smoothing / targets.shape[1]
        gradient = torch.softmax(self.gradients.forward(images), 1)
        self.gradients.backward(gradient.sub_(targets).div_(index.shape[1]))

    @torch.no_grad()
    def measure(self, pixels: Pixels) -> tuple[Tensor, Tensor]:
        """Mean cross-entropy and share of right answers on a split, float64 [R] each, on the device."""
        if not isinstance(self.gradients, Single):
            return self._measure(pixels)
        self.gradients.network.eval()
        measured = self._measure(pixels)
        self.gradients.network.train()
        return measured

    def _measure(self, pixels: Pixels) -> tuple[Tensor, Tensor]:
        repeats, device = self.parameters.repeats, pixels.images.device
        loss = torch.zeros(repeats, dtype=torch.float64, device=device)
        right = torch.zeros(repeats, dtype=torch.float64, device=device)
        count = min(MEASURED_AT_ONCE[0], max(self.recipe.batch_size, MEASURED_AT_ONCE[1] // repeats))
        for start in range(0, len(pixels), count):
            images, labels = pixels.part(slice(start, start + count))
            logits = self.gradients.forward(images)
            index = labels[:, None].expand(repeats, 1, -1)
            right += is_right(logits, logits.gather(1, index)).sum(1)
            loss -= torch.log_softmax(logits, 1).gather(1, index).sum((1, 2))
        return loss / len(pixels), right / len(pixels)
