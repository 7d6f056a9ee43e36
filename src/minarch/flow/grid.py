"""From a family's grid to its architectures: the product of the knobs' values."""

import re
from collections.abc import Mapping
from itertools import product
from math import prod
from typing import Any

from minarch.errors import UserError, short
from minarch.models.families import Family, architecture, check_knobs, family, family_slug, told

MOST = 100_000  # architectures of a family, and items of a stage
LABEL = re.compile(r"[\w.-]+")  # a part of file names
Points = list[tuple[dict[str, Any], Family]]  # knobs and architecture


def expand_all(families: Mapping[str, Any], field: str) -> dict[str, Points]:
    """Family -> its architectures, in the order written; `field` is what the params file calls the grids.

    Raises:
        UserError: as `expand`, or two families are called the same in file names.
    """
    try:
        architectures = {name: expand(name, grids) for name, grids in families.items()}
        slugs = [family_slug(name) for name in architectures]
        for name, called in zip(architectures, slugs, strict=True):
            if slugs.count(called) > 1:
                raise UserError(f"{name}: is called {called!r} in file names, as another is; allowed: one")
    except UserError as error:
        raise UserError(f"{field}: {error}") from None
    return architectures


def expand(name: str, grids: Any) -> Points:
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
    points, labels = Points(), set[str]()
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
