"""torchvision's ResNet-18, -34 and -50 of any width, whole or their first blocks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from minarch.errors import UserError, short
from minarch.models.families.base import Family, Spec

BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}  # by stage
BOTTLENECKS = (50,)  # depths whose blocks are 1x1, 3x3 and 1x1 convolutions, the last of EXPANSION times as many units
EXPANSION = 4
STEMS = {"cifar": 3, "imagenet": 7}  # edge of the first convolution's kernel
Convolution = tuple[int, int, int]  # inputs of a unit, units, places where it is applied; without a bias, with a norm


@dataclass(frozen=True, kw_only=True)
class ResNet(Family):
    """Residual network with `width` channels in the first of four stages, each further one with twice as many on a
    quarter of the places (arXiv 1512.03385); the bottlenecks of depth 50 widen them to four times as many between them.

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
            *others, last = map(str, BLOCKS)
            allowed = f"{', '.join(others)} or {last}"
            raise UserError(f"resnet.depth: {self.depth} is not allowed, it must be {allowed}")
        if self.stem not in tuple(STEMS):
            raise UserError(f"resnet.stem: {short(self.stem)} is not allowed, it must be {' or '.join(STEMS)}")
        most = sum(BLOCKS[self.depth])
        if self.levels is not None and not (type(self.levels) is int and 1 <= self.levels <= most):
            raise UserError(
                f"resnet.levels: {short(self.levels)} is not allowed for depth {self.depth}, it must be an integer from"
                f" 1 to {most}, or null for all blocks"
            )

    @property
    def label(self) -> str:
        return super().label if self.levels is not None else super().label.removesuffix("-levelsNone")

    @property
    def full_depth(self) -> int:
        return sum(self.blocks)

    def at_depth(self, layers: int) -> "ResNet":
        return replace(self, levels=layers)

    @property
    def blocks(self) -> list[int]:
        """Blocks of each stage that has any."""
        left, blocks = self.levels or sum(BLOCKS[self.depth]), []
        for count in BLOCKS[self.depth]:
            blocks.append(min(count, left))
            left -= blocks[-1]
        return [count for count in blocks if count]

    def spec(self, shape: Sequence[int], classes: int) -> Spec:
        widths = [self.width * 2**stage for stage in range(len(self.blocks))]
        bottlenecks = self.depth in BOTTLENECKS
        spec: Spec = {
            "family": self.name,
            "shape": list(shape),
            "classes": classes,
            "stem": self.stem,
            "outer": [width * EXPANSION for width in widths] if bottlenecks else widths,
            "inner": [
                [[width, width] if bottlenecks else width for _ in range(count)]
                for width, count in zip(widths, self.blocks, strict=True)
            ],
        }
        return spec | {"width": self.width} if bottlenecks else spec

    def parameters(self, shape: Sequence[int], classes: int) -> int:
        spec = self.spec(shape, classes)
        normed = sum((inputs + 2) * units for inputs, units, _ in _convolutions(spec))
        return normed + (spec["outer"][-1] + 1) * classes

    def macs(self, shape: Sequence[int], classes: int) -> int:
        spec = self.spec(shape, classes)
        return sum(inputs * units * places for inputs, units, places in _convolutions(spec)) + (
            spec["outer"][-1] * classes
        )


def _convolutions(spec: Spec) -> list[Convolution]:
    """The convolutions of a residual network with blocks in every stage."""
    colours, *edges = spec["shape"]
    halvings = 1 if spec["stem"] == "imagenet" else 0

    def places(stage: int) -> int:
        """Those of a stage's convolutions; of stage -1 those of the stem, which with stem "imagenet" pools, too."""
        times = halvings if stage < 0 else 2 * halvings + stage
        return _halved(edges[0], times) * _halved(edges[1], times)

    before = spec.get("width") or spec["outer"][0]
    convolutions = [(STEMS[spec["stem"]] ** 2 * colours, before, places(-1))]
    for stage, (outer, blocks) in enumerate(zip(spec["outer"], spec["inner"], strict=True)):
        for position, inner in enumerate(blocks):
            projects = position == 0 and (stage > 0 or "width" in spec)
            earlier = places(stage - 1) if position == 0 and stage else places(stage)
            convolutions += _branch(before, inner, outer, earlier, places(stage))
            convolutions += [(before, outer, places(stage))] if projects else []
            before = outer
    return convolutions


def _branch(before: int, inner: int | Sequence[int], outer: int, earlier: int, places: int) -> list[Convolution]:
    """The convolutions of a block: the first 3x3 one has the stride, so that one before it is applied at the places of
    the stage `earlier`.
    """
    if isinstance(inner, int):
        return [(9 * before, inner, places), (9 * inner, outer, places)]
    return [(before, inner[0], earlier), (9 * inner[0], inner[1], places), (inner[1], outer, places)]


def _halved(pixels: int, times: int) -> int:
    """Pixels after halvings, rounded up each time, as by a kernel of edge 2p + 1, padding p and stride 2."""
    return -(-pixels // 2**times)
