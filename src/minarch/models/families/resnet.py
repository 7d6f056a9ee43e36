"""ResNets of any width, whole or their first blocks: of four stages as torchvision's, or of three for small images."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any, ClassVar

from minarch.errors import UserError, short
from minarch.models.families.base import Family, Spec

BLOCKS: dict[int, tuple[int, ...]] = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}  # by stage
BLOCKS |= {6 * blocks + 2: (blocks,) * 3 for blocks in (3, 5, 7, 9, 18)}
STEMS = {"cifar": 3, "imagenet": 7}  # edge of the first convolution's kernel
Convolution = tuple[int, int, int]  # inputs of a unit, units, places where it is applied; without a bias, with a norm


@dataclass(frozen=True, kw_only=True)
class ResNet(Family):
    """Residual network with `width` channels in the first stage, each further one with twice as many on a quarter of
    the places (arXiv 1512.03385); the bottlenecks of depth 50 widen them to four times as many between them.

    Depths 18, 34 and 50 have four stages, for which `width` is 64 in the paper; depths 20, 32, 44, 56 and 110 have
    three, for which it is 16 (section 4.2, where shortcuts are padded with zeros; here they are 1x1 convolutions).
    `stem` "cifar" begins with a 3x3 convolution (usual for small images, arXiv 2510.10764), "imagenet" as torchvision's
    with a 7x7 one of stride 2 and max-pooling. `levels`: only so many blocks, the first ones (arXiv 2510.10764).
    """

    name: ClassVar[str] = "resnet"
    network: ClassVar[str] = "minarch.models.resnet:ResNet"
    size: ClassVar[str] = "width"
    width: int = 64
    stem: str = "cifar"
    levels: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.depth not in BLOCKS:
            depths = ", ".join(map(str, BLOCKS))
            raise UserError(f"resnet.depth: {self.depth} is not allowed, it must be one of {depths}")
        if self.stem not in tuple(STEMS):
            raise UserError(f"resnet.stem: {short(self.stem)} is not allowed, it must be {' or '.join(STEMS)}")
        most = sum(BLOCKS[self.depth])
        if self.levels is not None and not (type(self.levels) is int and 1 <= self.levels <= most):
            raise UserError(
                f"resnet.levels: {short(self.levels)} is not allowed for depth {self.depth}, it must be an integer from"
                f" 1 to {most}, or null for all blocks"
            )

    @property
    def expansion(self) -> int:
        """Channels between the blocks for one inside; where there are more, the blocks are bottlenecks."""
        return 4 if self.depth == 50 else 1

    @property
    def label(self) -> str:
        return super().label.removesuffix("-levelsNone")

    @property
    def full_depth(self) -> int:
        return len(self.stages)

    def at_depth(self, layers: int) -> "ResNet":
        return replace(self, levels=layers)

    @property
    def stages(self) -> list[int]:
        """The stage of each block, counted from 0."""
        return [stage for stage, count in enumerate(BLOCKS[self.depth]) for _ in range(count)][: self.levels]

    @property
    def outer(self) -> list[int]:
        """Channels between the blocks of each stage that has any."""
        return [self.expansion * self.width * 2**stage for stage in range(self.stages[-1] + 1)]

    def spec(self, shape: Sequence[int], classes: int) -> Spec:
        bottlenecks = self.expansion > 1
        inner: list[list[Any]] = [[] for _ in self.outer]
        for stage in self.stages:
            width = self.width * 2**stage
            inner[stage].append([width, width] if bottlenecks else width)
        spec = {"family": self.name, "shape": list(shape), "classes": classes, "stem": self.stem}
        return spec | {"outer": self.outer, "inner": inner} | ({"width": self.width} if bottlenecks else {})

    def parameters(self, shape: Sequence[int], classes: int) -> int:
        normed = sum((inputs + 2) * units for inputs, units, _ in self._convolutions(shape))
        return normed + (self.outer[-1] + 1) * classes

    def macs(self, shape: Sequence[int], classes: int) -> int:
        convolutions = sum(inputs * units * places for inputs, units, places in self._convolutions(shape))
        return convolutions + self.outer[-1] * classes

    def _convolutions(self, shape: Sequence[int]) -> Iterator[Convolution]:
        halvings = 2 if self.stem == "imagenet" else 0  # before the first stage: by the stem's stride, and by pooling
        # Places after so many halvings, rounded up as by a kernel of edge 2p + 1, padding p and stride 2.
        places = [prod(-(-edge // 2**times) for edge in shape[1:]) for times in range(halvings + 4)]
        yield STEMS[self.stem] ** 2 * shape[0], self.width, places[halvings // 2]
        before, earlier = self.width, places[halvings]
        for stage in self.stages:
            inner, area = self.width * 2**stage, places[halvings + stage]
            outer = self.expansion * inner
            if outer > inner:
                yield before, inner, earlier  # the stride is that of the 3x3 convolution after it
                yield 9 * inner, inner, area
                yield inner, outer, area
            else:
                yield 9 * before, inner, area
                yield 9 * inner, outer, area
            if before != outer:
                yield before, outer, area
            before, earlier = outer, area
