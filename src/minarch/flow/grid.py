"""From a family's grid to its architectures: the product of the knobs' values."""

from collections import Counter
from itertools import product
from typing import Any

from minarch.errors import UserError
from minarch.models.families import Family, architecture, family


def expand(name: str, grids: dict[str, Any] | list[dict[str, Any]]) -> list[tuple[dict[str, Any], Family]]:
    """The architectures of one family as (knobs, architecture), in the order written.

    Args:
        name: a registered family, or `module:Class` for one of the user's own.
        grids: knob -> value or list of values; or a list of such grids.

    Raises:
        UserError: an unknown family or knob, or a value that the family refuses.
    """
    points = []
    for grid in grids if isinstance(grids, list) else [grids]:
        values = [v if isinstance(v, list) else [v] for v in grid.values()]
        for combination in product(*values):
            for knobs in family(name).points(dict(zip(grid, combination, strict=True))):
                points.append((knobs, architecture(name, knobs)))
    labels = Counter(a.label for _, a in points)
    if twice := next((label for label, count in labels.items() if count > 1), None):
        raise UserError(f"{name}: {twice} is listed twice; allowed: each architecture once")
    return points
