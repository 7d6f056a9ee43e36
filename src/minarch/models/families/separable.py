"""Networks of depthwise-separable convolutions, which take few parameters for each channel."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import ClassVar

from minarch.errors import UserError
from minarch.models.families.base import Layered, Spec

SMALLEST = 3  # places: no block halves an edge to fewer


@dataclass(frozen=True, kw_only=True)
class Separable(Layered):
    """A 3x3 convolution of `channels` units, then `depth` blocks: a depthwise 3x3 convolution, which filters every
    channel by itself, and a pointwise one, which mixes them (arXiv 1704.04861, section 3.1).

    Each block has a quarter of `channels` more than what it reads, rounded down, which are the means of 2x2 places,
    unless fewer than 3x3 or `head` x `head` would be left. The classifier reads the means over
    `head` x `head` equal windows of the last maps; with 1 these are whole maps. The growth, the means in the place of
    strides and the norm after pointwise convolutions only are our choices (docs/methods.md 1.1).
    """

    name: ClassVar[str] = "separable"
    network: ClassVar[str] = "minarch.models.separable:Separable"
    size: ClassVar[str] = "channels"
    depth: int = 3
    channels: int
    head: int = 1

    @property
    def widths(self) -> list[int]:
        """The channels of the first convolution and of each block."""
        return [self.channels * (4 + position) // 4 for position in range(self.depth + 1)]

    def spec(self, shape: Sequence[int], classes: int) -> Spec:
        smallest = max(self.head, 2)  # of one place, a norm has no variance in a batch of one image
        if min(shape[1:]) < smallest:
            raise UserError(
                f"separable.head: {self.head} is not allowed for images of {shape[1]}x{shape[2]} pixels, it needs at"
                f" least {smallest}x{smallest}"
            )
        spec = {"family": self.name, "shape": list(shape), "classes": classes, "head": self.head}
        return spec | {"channels": self.widths}

    def parameters(self, shape: Sequence[int], classes: int) -> int:
        norms = 2 * sum(self.widths)
        return norms + classes + sum(weights for weights, _ in self._layers(shape, classes))

    def macs(self, shape: Sequence[int], classes: int) -> int:
        return sum(weights * places for weights, places in self._layers(shape, classes))

    def _layers(self, shape: Sequence[int], classes: int) -> Iterator[tuple[int, int]]:
        """Layers as (weights, places where they are applied)."""
        edges = tuple(shape[1:])
        yield 9 * shape[0] * self.channels, prod(edges)
        for before, after in pairwise(self.widths):
            edges = halved(edges, self.head)
            yield 9 * before + before * after, prod(edges)
        yield self.widths[-1] * self.head**2 * classes, 1


def halved(edges: tuple[int, ...], head: int) -> tuple[int, ...]:
    """The height and width of the maps that a block computes from maps of these `edges`."""
    half = tuple(edge // 2 for edge in edges)
    return half if min(half) >= max(head, SMALLEST) else edges
