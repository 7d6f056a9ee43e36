"""From a family's grid to its architectures: the product of the knobs' values."""

import re
from itertools import product
from math import prod
from typing import Any

from minarch.errors import UserError, short
from minarch.models.families import Family, architecture, check_knobs, family, told

MOST = 100_000  # architectures of a family, and items of a stage
LABEL = re.compile(r"[\w.-]+")  # a part of file names


def expand(name: str, grids: Any) -> list[tuple[dict[str, Any], Family]]:
    """The architectures of one family as (knobs, architecture), in the order written.

    Args:
        name: a registered family, or `module:Class` for one of the user's own.
        grids: knob -> value or list of values; or a list of such grids.

    Raises:
        UserError: an unknown family or knob, a value that the family refuses, no architecture, one twice, or too many.
    """
    listed = grids if isinstance(grids, list) else [grids]
    if not all(isinstance(grid, dict) for grid in listed):
        raise UserError(
            f"{name}: {short(grids)} is not allowed; allowed: knob -> value or list, or a list of such grids"
        )
    size, values = 0, []
    for grid in listed:
        check_knobs(name, grid)
        values.append([value if isinstance(value, list) else [value] for value in grid.values()])
        size += prod(map(len, values[-1]))
    if not size:
        raise UserError(f"{name}: {short(grids)} lists no architecture; allowed: at least one value for every knob")
    if size > MOST:
        raise UserError(f"{name}: its grid lists {size:,} architectures; allowed: at most {MOST:,}")
    points, labels = list[tuple[dict[str, Any], Family]](), set[str]()
    for grid, of_grid in zip(listed, values, strict=True):
        for combination in product(*of_grid):
            with told(name):
                several = family(name).points(dict(zip(grid, combination, strict=True)))
            for knobs in several:
                kind = architecture(name, knobs)
                labels.add(_label(name, kind, labels))
                points.append((knobs, kind))
                if len(points) > MOST:
                    raise UserError(f"{name}: its grid lists more than {MOST:,} architectures; allowed: fewer")
    return points


def _label(name: str, kind: Family, before: set[str]) -> str:
    with told(name):
        label = kind.label
    if not isinstance(label, str) or not LABEL.fullmatch(label):
        raise UserError(f"{name}: {short(label)} cannot name an architecture's files; allowed: letters, digits and _.-")
    if label in before:
        raise UserError(f"{name}: {label} is listed twice; allowed: each architecture once")
    return label
