"""torchvision's ResNet-18 and -34 of any width."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from minarch.errors import UserError, short
from minarch.models.families.base import Family, Spec

BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3)}  # of two 3x3 convolutions each, by stage
STEMS = {"cifar": 3, "imagenet": 7}  # edge of the first convolution's kernel


@dataclass(frozen=True, kw_only=True)
class ResNet(Family):
    """Residual network with `width` channels in the first of four stages, each further one with twice as many on a
    quarter of the places (arXiv 1512.03385).

    `stem` "cifar" begins with a 3x3 convolution (usual for small images, arXiv 2510.10764), "imagenet" as torchvision's
    with a 7x7 one of stride 2 and max-pooling.
    """

    name: ClassVar[str] = "resnet"
    network: ClassVar[str] = "minarch.models.resnet:ResNet"
    size: ClassVar[str] = "width"
    width: int = 64
    stem: str = "cifar"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.depth not in BLOCKS:
            raise UserError(f"resnet.depth: {self.depth} is not allowed, it must be {' or '.join(map(str, BLOCKS))}")
        if self.stem not in tuple(STEMS):
            raise UserError(f"resnet.stem: {short(self.stem)} is not allowed, it must be {' or '.join(STEMS)}")

    @property
    def outer(self) -> list[int]:
        """Channels between the blocks of each stage."""
        return [self.width * 2**stage for stage in range(4)]

    def spec(self, shape: Sequence[int], classes: int) -> Spec:
        return {
            "family": self.name,
            "shape": list(shape),
            "classes": classes,
            "stem": self.stem,
            "outer": self.outer,
            "inner": [[channels] * count for channels, count in zip(self.outer, BLOCKS[self.depth], strict=True)],
        }

    def parameters(self, shape: Sequence[int], classes: int) -> int:
        normed = sum((inputs + 2) * units for inputs, units, _ in self._convolutions(shape))
        return normed + (self.outer[-1] + 1) * classes

    def macs(self, shape: Sequence[int], classes: int) -> int:
        convolutions = sum(inputs * units * places for inputs, units, places in self._convolutions(shape))
        return convolutions + self.outer[-1] * classes

    def _convolutions(self, shape: Sequence[int]) -> list[tuple[int, int, int]]:
        """Convolutions as (inputs of a unit, units, places where they are applied); none has a bias, all have norms."""
        before, height, width = shape
        halvings = 1 if self.stem == "imagenet" else 0
        places = [_halved(height, i) * _halved(width, i) for i in range(2 * halvings + 4)]
        convolutions = [(STEMS[self.stem] ** 2 * before, self.width, places[halvings])]
        before = self.width
        for stage, (units, blocks) in enumerate(zip(self.outer, BLOCKS[self.depth], strict=True)):
            area = places[2 * halvings + stage]  # the imagenet stem pools, too
            shortcut = [(before, units, area)] if stage else []
            convolutions += [(9 * before, units, area), *[(9 * units, units, area)] * (2 * blocks - 1), *shortcut]
            before = units
        return convolutions


def _halved(pixels: int, times: int) -> int:
    """Pixels after halvings, rounded up each time, as by a kernel of edge 2p + 1, padding p and stride 2."""
    return -(-pixels // 2**times)
