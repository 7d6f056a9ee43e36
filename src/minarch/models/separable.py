"""Network of depthwise-separable convolutions. Shapes: B images, [C, H, W] one image, K classes."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import ClassVar

from torch import Tensor, nn
from torch.nn import functional

from minarch.models.families import Spec
from minarch.models.families.separable import halved
from minarch.models.network import LayeredNetwork


class Block(nn.Module):
    """Means of 2x2 places, where the maps are large enough -> 3x3 filter of each channel -> mix, norm and ReLU."""

    def __init__(self, before: int, after: int, halves: bool) -> None:
        super().__init__()
        self.halves = halves
        self.depthwise = nn.Conv2d(before, before, kernel_size=3, padding=1, groups=before, bias=False)
        self.pointwise = nn.Conv2d(before, after, kernel_size=1, bias=False)
        self.norm = nn.BatchNorm2d(after)

    def forward(self, maps: Tensor) -> Tensor:
        """Maps [B, before, H, W] -> [B, after, H', W']."""
        read = functional.avg_pool2d(maps, 2) if self.halves else maps
        made: Tensor = self.norm(self.pointwise(self.depthwise(read))).relu()
        return made


class Separable(LayeredNetwork):
    """3x3 convolution, norm and ReLU -> blocks -> means over `head` x `head` windows -> K logits.

    `channels` are those of the first convolution and of each block. The windows are equal and reach from edge to edge;
    they overlap where an edge is no multiple of `head`. Neither convolution has a bias, which the norm
    would take away again; between the depthwise and the pointwise one there is nothing.
    """

    HEAD: ClassVar = ("classifier",)

    def __init__(self, shape: Sequence[int], classes: int, head: int, channels: Sequence[int]) -> None:
        super().__init__()
        self.shape, self.head = tuple(shape), head
        self.stem = nn.Conv2d(shape[0], channels[0], kernel_size=3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels[0])
        self.blocks, edges = nn.ModuleList(), self.shape[1:]
        for before, after in pairwise(channels):
            smaller = halved(edges, head)
            self.blocks.append(Block(before, after, halves=smaller != edges))
            edges = smaller
        self.strides = [edge // head for edge in edges]
        self.windows = [edge - (head - 1) * stride for edge, stride in zip(edges, self.strides, strict=True)]
        self.classifier = nn.Linear(channels[-1] * head**2, classes)

    def layers(self, images: Tensor) -> Iterator[Tensor]:
        values = self.norm(self.stem(images)).relu()
        yield values
        for block in self.blocks:
            values = block(values)
            yield values

    def read(self, values: Tensor) -> Tensor:
        means = functional.avg_pool2d(values, self.windows, self.strides)
        logits: Tensor = self.classifier(means.flatten(1))
        return logits

    def spec(self) -> Spec:
        """The structure as it is now, read off the weights."""
        made = [self.stem, *(block.get_submodule("pointwise") for block in self.blocks)]
        return {
            "family": "separable",
            "shape": list(self.shape),
            "classes": len(self.classifier.weight),
            "head": self.head,
            "channels": [len(layer.get_parameter("weight")) for layer in made],
        }
