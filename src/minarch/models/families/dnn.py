"""Multilayer perceptrons: square ones, and those whose layers grow and shrink."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, product
from math import prod
from typing import Any, ClassVar

from minarch.errors import UserError, short
from minarch.models.families.base import MOST, Layered, Spec

CHANGES = ("grow", "shrink", "equal")
ALL = "all"
DEEPEST = 8  # layers of which a grid takes all patterns: 3^7
MOST_GROWTH = 100


@dataclass(frozen=True, kw_only=True)
class Dnn(Layered):
    """Square multilayer perceptron: `depth` hidden layers of `width` units (arXiv 2601.17987, phase 2)."""

    name: ClassVar[str] = "dnn"
    network: ClassVar[str] = "minarch.models.dnn:DNN"
    size: ClassVar[str] = "width"
    width: int

    @property
    def hidden(self) -> list[int]:
        """Units of each hidden layer."""
        return [self.width] * self.depth

    def spec(self, shape: Sequence[int], classes: int) -> Spec:
        return {"family": self.name, "shape": list(shape), "classes": classes, "hidden": self.hidden}

    def parameters(self, shape: Sequence[int], classes: int) -> int:
        return sum((before + 1) * after for before, after in pairwise([prod(shape), *self.hidden, classes]))

    def macs(self, shape: Sequence[int], classes: int) -> int:
        return sum(before * after for before, after in pairwise([prod(shape), *self.hidden, classes]))


@dataclass(frozen=True, kw_only=True)
class ShapedDnn(Dnn):
    """Multilayer perceptron whose first hidden layer has `width` units; `steps` says for each further one whether it
    grows, shrinks or stays equal, such as "grow-shrink" for a depth of 3, "" for 1 (arXiv 2601.17987, phase 1).

    After n units come int(n * growth), max(1, int(n / growth)) or n (docs/methods.md 1.1: our inference). In a
    grid, `steps: all` stands for all 3^(depth - 1) patterns. Some give the same network (1 unit shrinks to 1); each is
    an architecture of its own all the same, as the paper counts them.
    """

    name: ClassVar[str] = "shaped-dnn"
    steps: str
    growth: float = 2.0

    def __post_init__(self) -> None:
        super().__post_init__()
        pattern = self.steps.split("-") if isinstance(self.steps, str) and self.steps else []
        if not isinstance(self.steps, str) or len(pattern) != self.depth - 1 or not set(pattern) <= set(CHANGES):
            raise UserError(
                f"{self.name}.steps: {short(self.steps)} is not allowed for depth {self.depth}, it must be {ALL} or"
                f" {self.depth - 1} of {', '.join(CHANGES)}, such as {short('-'.join(CHANGES[:1] * (self.depth - 1)))}"
            )
        number = isinstance(self.growth, int | float) and not isinstance(self.growth, bool)
        if not (number and 1 < self.growth <= MOST_GROWTH):
            raise UserError(
                f"{self.name}.growth: {short(self.growth)} is not allowed, it must be a number above 1, up to"
                f" {MOST_GROWTH}"
            )
        if max(self.hidden) > MOST:
            raise UserError(
                f"{self.name}.growth: {self.growth} is not allowed for width {self.width} and these steps, it must give"
                f" at most {MOST:,} units in a layer"
            )

    @classmethod
    def points(cls, knobs: Mapping[str, Any]) -> list[dict[str, Any]]:
        depth = knobs.get("depth")
        if knobs.get("steps") != ALL or not isinstance(depth, int) or depth < 1:  # a wrong depth is refused later
            return super().points(knobs)
        if depth > DEEPEST:
            raise UserError(
                f"{cls.name}.steps: {ALL!r} is not allowed for depth {depth}, it must be a list of patterns above depth"
                f" {DEEPEST}"
            )
        return [{**knobs, "steps": "-".join(pattern)} for pattern in product(CHANGES, repeat=depth - 1)]

    @property
    def label(self) -> str:
        steps = f"-{self.steps}" if self.steps else ""
        return f"depth{self.depth}-width{self.width}{steps}-growth{self.growth:g}"

    @property
    def hidden(self) -> list[int]:
        units = [self.width]
        for step in self.steps.split("-") if self.steps else ():
            grown = min(int(units[-1] * self.growth), MOST + 1)  # too large is refused; larger would overflow
            shrunk = max(1, int(units[-1] / self.growth))
            units.append({"grow": grown, "shrink": shrunk, "equal": units[-1]}[step])
        return units

    def at_depth(self, layers: int) -> "ShapedDnn":
        return replace(self, depth=layers, steps="-".join(self.steps.split("-")[: layers - 1]))

    def spec(self, shape: Sequence[int], classes: int) -> Spec:
        return super().spec(shape, classes) | {"family": Dnn.name}
