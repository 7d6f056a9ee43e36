"""What a study can ask for: a family and its knobs. Torch-free, because Snakemake imports it to read the workflow.

A family is a frozen dataclass of knobs; `spec(shape, classes)` turns them into the structural spec, a JSON-able dict
whose per-layer sizes are lists, so that a network is described in the same form after units were cut out of it.
`network` names the module that is built from a spec ("package.module:Class"); its arguments are the spec's fields.
"""

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from itertools import pairwise
from math import prod
from typing import Any, ClassVar

from minarch.errors import UserError

Spec = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Family:
    """The knobs of one architecture; every knob annotated `int` must be an integer of at least 1.

    `depth` counts the layers that the family repeats; minimal sizes are reported for each depth.
    A family of your own is a subclass, named in params.yaml as "package.module:Class".
    """

    network: ClassVar[str]
    name: ClassVar[str]
    depth: int

    def __init_subclass__(cls) -> None:
        cls.name = cls.__dict__.get("name", f"{cls.__module__}:{cls.__qualname__}")

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.type in (int, "int") and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
                raise UserError(
                    f"{self.name}.{field.name}: {value!r} is not allowed, it must be an integer of at least 1"
                )

    @property
    def label(self) -> str:
        """The knobs as a slug that is safe in file names, such as "depth2-width16"."""
        return "-".join(f"{field.name}{getattr(self, field.name)}" for field in fields(self))

    def spec(self, shape: Sequence[int], classes: int) -> Spec:
        """The structure for images of `shape` [C, H, W] and `classes` outputs; UserError where they do not fit."""
        raise NotImplementedError

    def macs(self, shape: Sequence[int], classes: int) -> int | None:
        """Multiply-accumulates for one image, by which long items are started first; None: not known, so first."""
        return None


@dataclass(frozen=True, kw_only=True)
class Dnn(Family):
    """Square multilayer perceptron: `depth` hidden layers of `width` units (arXiv 2601.17987, phase 2)."""

    name: ClassVar[str] = "dnn"
    network: ClassVar[str] = "minarch.models.dnn:DNN"
    width: int

    def spec(self, shape: Sequence[int], classes: int) -> Spec:
        return {"family": self.name, "shape": list(shape), "classes": classes, "hidden": [self.width] * self.depth}

    def macs(self, shape: Sequence[int], classes: int) -> int:
        widths = [prod(shape), *self.spec(shape, classes)["hidden"], classes]
        return sum(before * after for before, after in pairwise(widths))


@dataclass(frozen=True, kw_only=True)
class Cnn(Family):
    """Convolutions 3x3 and a linear classifier; depth 1 is the network of arXiv 2601.17987, deeper is our extension."""

    name: ClassVar[str] = "cnn"
    network: ClassVar[str] = "minarch.models.cnn:CNN"
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

    def macs(self, shape: Sequence[int], classes: int) -> int:
        depth, height, width = shape[0], shape[1] - 2, shape[2] - 2
        total = 0
        for channels in self.spec(shape, classes)["channels"]:
            if total:
                height, width = height // 2, width // 2
            total += 9 * depth * channels * height * width
            depth = channels
        return total + depth * height * width * classes


@dataclass(frozen=True, kw_only=True)
class Vit(Family):
    """Vision transformer; `ffn` is the hidden width of the feed-forward part in multiples of `width`."""

    name: ClassVar[str] = "vit"
    network: ClassVar[str] = "minarch.models.vit:ViT"
    width: int
    heads: int
    patch: int
    ffn: int = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.width % self.heads:
            raise UserError(f"vit.width: {self.width} is not allowed, it must be a multiple of heads ({self.heads})")

    def spec(self, shape: Sequence[int], classes: int) -> Spec:
        if shape[1] % self.patch or shape[2] % self.patch:
            raise UserError(
                f"vit.patch: {self.patch} is not allowed, it must divide the image's {shape[1]}x{shape[2]} pixels"
            )
        return {
            "family": self.name,
            "shape": list(shape),
            "classes": classes,
            "patch": self.patch,
            "width": self.width,
            "head_size": self.width // self.heads,
            "heads": [self.heads] * self.depth,
            "ffn": [self.ffn * self.width] * self.depth,
        }

    def macs(self, shape: Sequence[int], classes: int) -> int:
        tokens = prod(shape[1:]) // self.patch**2 + 1
        block = tokens * self.width * (4 * self.width + 2 * self.ffn * self.width + 2 * tokens)
        return prod(shape) * self.width + self.depth * block + self.width * classes


FAMILIES: dict[str, type[Family]] = {cls.name: cls for cls in (Dnn, Cnn, Vit)}


def family(name: str) -> type[Family]:
    """The family called `name`: one of FAMILIES, or a Family subclass of the user's as "package.module:Class"."""
    if name in FAMILIES:
        return FAMILIES[name]
    module_name, separator, class_name = name.partition(":")
    allowed = f'one of {", ".join(FAMILIES)} or "package.module:Class"'
    if not (separator and module_name and class_name):
        raise UserError(f"family: {name!r} is not known, it must be {allowed}")
    try:
        found = getattr(importlib.import_module(module_name), class_name)
    except (ModuleNotFoundError, AttributeError) as error:
        raise UserError(f"family: {name!r} cannot be imported ({error}), it must be {allowed}") from error
    if not (isinstance(found, type) and issubclass(found, Family)):
        raise UserError(f"family: {name!r} is not a subclass of minarch.models.families.Family, it must be {allowed}")
    return found


def architecture(name: str, knobs: Mapping[str, Any]) -> Family:
    """The family `name` with these knobs; raises UserError for unknown, missing or impossible ones."""
    cls = family(name)
    known = [field for field in fields(cls)]
    for knob in knobs:
        if knob not in {field.name for field in known}:
            names = ", ".join(field.name for field in known)
            raise UserError(
                f"{name}.{knob}: {knobs[knob]!r} is not allowed, {name} has no such knob (its knobs: {names})"
            )
    for field in known:
        if field.name not in knobs and field.default is MISSING and field.default_factory is MISSING:
            raise UserError(f"{name}.{field.name}: missing, it must be given")
    return cls(**knobs)
