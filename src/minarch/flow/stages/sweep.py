"""Stage sweep: one item per data set, architecture and block of repeats."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from pydantic import Field, model_validator

from minarch.errors import UserError, short
from minarch.flow.grid import Points, expand, expand_all
from minarch.flow.item import Item
from minarch.flow.stages.section import MOST_REPEATS, Section
from minarch.flow.stages.stage import Before, Stage
from minarch.flow.stages.train import Sweeping, trainings

REPEATS = "repeats"  # of one grid, beside its knobs


class Sweep(Section):
    """The grid of architectures: it lists items, so it is in no item's key."""

    repeats: int = Field(5, ge=1, le=MOST_REPEATS, description="trainings of each architecture, each with its own seed")
    block: int | None = Field(
        None, ge=1, le=MOST_REPEATS, description="repeats per item (file-level job); null: all in one"
    )
    families: dict[str, Any] = Field(
        min_length=1,
        description="family -> knob -> value or list; several grids of one family as a list; a grid may have repeats of"
        " its own",
    )

    @cached_property
    def architectures(self) -> dict[str, Points]:
        """Family -> its architectures with their knobs, in the order written."""
        plain = {name: [knobs for knobs, _ in grids] for name, grids in self._grids.items()}
        return expand_all(
            {name: plain[name] if isinstance(grids, list) else plain[name][0] for name, grids in self.families.items()},
            "families",
        )

    @cached_property
    def repeats_of(self) -> dict[str, list[int]]:
        """Family -> how often each of its `architectures` is trained."""
        return {
            name: [repeats for knobs, repeats in grids for _ in (expand(name, knobs) if len(grids) > 1 else points)]
            for (name, grids), points in zip(self._grids.items(), self.architectures.values(), strict=True)
        }

    @property
    def most_repeats(self) -> int:
        """Of the architecture that is trained most often."""
        return max(repeats for counts in self.repeats_of.values() for repeats in counts)

    def blocks(self, repeats: int) -> list[list[int]]:
        """The repeats of each item of an architecture that is trained so often."""
        size = self.block or repeats
        return [list(range(first, min(first + size, repeats))) for first in range(0, repeats, size)]

    @cached_property
    def _grids(self) -> dict[str, list[tuple[Any, int]]]:
        """Family -> its grids without what is no knob, and how often the architectures of each are trained."""
        listed = {name: grids if isinstance(grids, list) else [grids] for name, grids in self.families.items()}
        return {name: [self._grid(name, grid) for grid in grids] for name, grids in listed.items()}

    def _grid(self, name: str, grid: Any) -> tuple[Any, int]:
        if not isinstance(grid, dict) or REPEATS not in grid:
            return grid, self.repeats
        repeats = grid[REPEATS]
        if not (type(repeats) is int and 1 <= repeats <= MOST_REPEATS):
            raise UserError(
                f"families: {name}.{REPEATS}: {short(repeats)} is not allowed, it must be an integer from 1 to"
                f" {MOST_REPEATS:,}"
            )
        return {knob: value for knob, value in grid.items() if knob != REPEATS}, repeats

    @model_validator(mode="after")
    def _buildable(self) -> "Sweep":
        list(self.architectures)  # a mistake in them is told when the file is read
        return self


def items(before: Before, *, sweep: Sweep, train: Sweeping) -> Iterator[Item]:
    for data in before.items["data"]:
        for family, points in sweep.architectures.items():
            for (knobs, kind), repeats in zip(points, sweep.repeats_of[family], strict=True):
                yield from trainings(STAGE, data, family, knobs, kind, sweep.blocks(repeats), train)


STAGE = Stage(
    name="sweep",
    words="every architecture trained several times",
    sections=("sweep", "train"),
    reads=("data",),
    items=items,
    makes_networks=True,
)
