"""Plain convolutional networks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from minarch.errors import UserError
from minarch.models.families.base import Layered, Spec


@dataclass(frozen=True, kw_only=True)
class Cnn(Layered):
    """Convolutions 3x3 and a linear classifier; depth 1 is the network of arXiv 2601.17987, deeper is our extension."""

    name: ClassVar[str] = "cnn"
    network: ClassVar[str] = "minarch.models.cnn:CNN"
    size: ClassVar[str] = "channels"
    depth: int = 1
    channels: int

    def spec(self, shape: Sequence[int], classes: int) -> Spec:
        smallest = 2 + 2 ** (self.depth - 1)  # after the first convolution, each further one halves what is left
        if min(shape[1:]) < smallest:
            raise UserError(
                f"cnn.depth: {self.depth} is not allowed for images of {shape[1]}x{shape[2]} pixels,"
                f" it needs at least {smallest}x{smallest}"
            )
        return {"family": self.name, "shape": list(shape), "classes": classes, "channels": [self.channels] * self.depth}

    def parameters(self, shape: Sequence[int], classes: int) -> int:
        return sum((inputs + 1) * units for inputs, units, _ in self._layers(shape, classes))

    def macs(self, shape: Sequence[int], classes: int) -> int:
        return sum(inputs * units * places for inputs, units, places in self._layers(shape, classes))

    def _layers(self, shape: Sequence[int], classes: int) -> list[tuple[int, int, int]]:
        """Layers as (inputs of a unit, units, places where they are applied)."""
        places = [((shape[1] - 2) // 2**i) * ((shape[2] - 2) // 2**i) for i in range(self.depth)]
        inputs = [9 * shape[0], *[9 * self.channels] * (self.depth - 1)]
        layers = [(count, self.channels, area) for count, area in zip(inputs, places, strict=True)]
        return [*layers, (self.channels * places[-1], classes, 1)]
