"""The sizes of each family that an adaptive sweep can train, from hopelessly small to ample (our choice)."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from math import prod
from typing import Any

from minarch.errors import UserError
from minarch.flow import cost
from minarch.models.families import FAMILIES, Family, architecture, spec_of

RATIO = 2**0.5  # of the parameters of neighbours, at least
MOST_PARAMETERS = 50_000
# What an INT8 file has at least besides a byte for each parameter: measured on networks of these shapes.
FURTHER_BYTES = {"dnn": 1_300, "cnn": 1_900, "separable": 2_500, "vit": 8_500}
MOST_TOKENS = 64  # patches of an image: attention takes their square
DEEPEST_CNN = 4  # further layers bring no accuracy per parameter on images of 28 to 32 pixels


@dataclass(frozen=True)
class Size:
    """A step of a ladder: the knobs as a params file has them, and what follows from them."""

    knobs: dict[str, Any]
    kind: Family
    parameters: int
    bytes: int  # estimated, of its file in INT8
    epoch_s: float  # estimated seconds of one epoch of one training; right in proportion only


def ladders(shape: tuple[int, int, int], classes: int, images: int) -> dict[str, list[Size]]:
    """Family -> its sizes by parameters, each at least RATIO times as large as the one before.

    Args:
        shape: [C, H, W] of an image.
        images: that are trained on.
    """
    made = {family: list(_sizes(family, knobs, shape, classes, images)) for family, knobs in _shapes(shape)}
    return {family: sizes for family, sizes in made.items() if sizes}


def _shapes(shape: tuple[int, int, int]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Families with the knobs that stay the same, those that fit images of `shape`."""
    yield "dnn", {"depth": 2}
    for depth in range(DEEPEST_CNN, 0, -1):
        if _fits("cnn", {"depth": depth, "channels": 1}, shape):
            yield "cnn", {"depth": depth}
            break
    if _fits("separable", {"channels": 1}, shape):
        yield "separable", {"depth": 3}
    for patch in range(2, min(shape[1:]) + 1):
        tokens = prod(shape[1:]) / patch**2
        if tokens <= MOST_TOKENS and _fits("vit", {"depth": 1, "width": 2, "heads": 2, "patch": patch}, shape):
            yield "vit", {"depth": 2, "heads": 2, "patch": patch}
            break


def _fits(family: str, knobs: dict[str, Any], shape: Sequence[int]) -> bool:
    with suppress(UserError):
        spec_of(architecture(family, knobs), shape, 2)
        return True
    return False


def _sizes(
    family: str, knobs: dict[str, Any], shape: tuple[int, int, int], classes: int, images: int
) -> Iterator[Size]:
    knob, least = FAMILIES[family].size, 0.0
    for value in count(1):
        with suppress(UserError):  # not every width is a multiple of the heads
            kind = architecture(family, {**knobs, knob: value})
            parameters = kind.parameters(shape, classes)
            assert parameters is not None, "these families tell their parameters"
            if parameters > MOST_PARAMETERS:
                return
            if parameters >= least:
                seconds = cost.seconds(kind, shape, classes, images)
                yield Size({**knobs, knob: value}, kind, parameters, parameters + FURTHER_BYTES[family], seconds)
                least = RATIO * parameters
