"""What every family is: knobs, and what follows from them without building anything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

from minarch.errors import UserError, short

Spec = dict[str, Any]
MOST, MOST_LAYERS = 1_000_000, 1_000  # of what a knob counts; of `depth`


@dataclass(frozen=True, kw_only=True)
class Family:
    """The knobs of one architecture; every knob annotated `int` must be an integer from 1 to 1,000,000.

    `depth` counts the layers that the family repeats, at most 1,000; minimal sizes are reported for each depth.
    `size` names the integer knob that `convergence.refine` may vary.
    Stage depth searches among an architecture's first 1 to `full_depth` layers, which `at_depth` gives.
    A family of your own is a subclass, named in params.yaml as "package.module:Class".
    """

    network: ClassVar[str]
    name: ClassVar[str]
    size: ClassVar[str] = ""
    depth: int

    def __init_subclass__(cls) -> None:
        cls.name = cls.__dict__.get("name", f"{cls.__module__}:{cls.__qualname__}")

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            most = MOST_LAYERS if field.name == "depth" else MOST
            if field.type in (int, "int") and not (type(value) is int and 1 <= value <= most):
                raise UserError(
                    f"{self.name}.{field.name}: {short(value)} is not allowed, it must be an integer from 1 to {most:,}"
                )

    @classmethod
    def points(cls, knobs: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The knobs that one combination of a grid's values stands for: itself, where no value means several."""
        return [dict(knobs)]

    @property
    def label(self) -> str:
        """The knobs as a slug that is safe in file names, such as "depth2-width16"."""
        return "-".join(f"{field.name}{getattr(self, field.name)}" for field in fields(self))

    @property
    def full_depth(self) -> int:
        """Layers of which the first ones are an architecture of the family, too; 0: it cannot be made shallower."""
        return 0

    def at_depth(self, layers: int) -> "Family":
        """The architecture of the first `layers` (1 to `full_depth`) of this one's layers."""
        raise NotImplementedError

    def spec(self, shape: Sequence[int], classes: int) -> Spec:
        """The structure for images of `shape` [C, H, W] and `classes` outputs; UserError where they do not fit."""
        raise NotImplementedError

    def parameters(self, shape: Sequence[int], classes: int) -> int | None:
        """Trainable values, biases included; None: not known before a network is built."""
        return None

    def macs(self, shape: Sequence[int], classes: int) -> int | None:
        """Multiply-accumulates for one image, by which long items are started first; None: not known, so first."""
        return None


@dataclass(frozen=True, kw_only=True)
class Layered(Family):
    """A family whose `depth` counts equal layers, so that fewer of them are the same architecture, shallower."""

    @property
    def full_depth(self) -> int:
        return self.depth

    def at_depth(self, layers: int) -> "Family":
        return replace(self, depth=layers)
