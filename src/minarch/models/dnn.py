"""Multilayer perceptron with ReLU. Shapes: B images, [C, H, W] one image, K classes."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import prod
from typing import ClassVar

from torch import Tensor, nn

from minarch.models.families import Spec
from minarch.models.network import LayeredNetwork


class DNN(LayeredNetwork):
    """Flattened image -> hidden Linear + ReLU layers of the given widths -> K logits.

    With equal widths n and L layers over d = C*H*W inputs it has (d+1)n + (L-1)(n+1)n + K(n+1) parameters.
    """

    HEAD: ClassVar = ("classifier",)

    def __init__(self, shape: Sequence[int], classes: int, hidden: Sequence[int]) -> None:
        super().__init__()
        self.shape = tuple(shape)
        self.hidden = nn.ModuleList(nn.Linear(before, after) for before, after in pairwise([prod(shape), *hidden]))
        self.classifier = nn.Linear(hidden[-1], classes)

    def layers(self, images: Tensor) -> Iterator[Tensor]:
        values = images.flatten(1)
        yield values
        for layer in self.hidden:
            values = layer(values).relu()
            yield values

    def read(self, values: Tensor) -> Tensor:
        logits: Tensor = self.classifier(values)
        return logits

    def spec(self) -> Spec:
        """The structure as it is now, read off the weights."""
        return {
            "family": "dnn",
            "shape": list(self.shape),
            "classes": len(self.classifier.weight),
            "hidden": [len(layer.get_parameter("weight")) for layer in self.hidden],
        }
