"""Stage sweep: one item per data set, architecture and block of repeats."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from pydantic import Field, model_validator

from minarch.flow.grid import Points, expand_all
from minarch.flow.item import Item
from minarch.flow.stages.section import MOST_REPEATS, Section
from minarch.flow.stages.stage import Before, Stage
from minarch.flow.stages.train import Sweeping, trainings


class Sweep(Section):
    """The grid of architectures: it lists items, so it is in no item's key."""

    repeats: int = Field(5, ge=1, le=MOST_REPEATS, description="trainings of each architecture, each with its own seed")
    block: int | None = Field(
        None, ge=1, le=MOST_REPEATS, description="repeats per item (file-level job); null: all in one"
    )
    families: dict[str, Any] = Field(
        min_length=1, description="family -> knob -> value or list; several grids of one family as a list"
    )

    @cached_property
    def architectures(self) -> dict[str, Points]:
        """Family -> its architectures with their knobs, in the order written."""
        return expand_all(self.families, "families")

    @property
    def blocks(self) -> list[list[int]]:
        """The repeats of each item of an architecture."""
        size = self.block or self.repeats
        return [list(range(first, min(first + size, self.repeats))) for first in range(0, self.repeats, size)]

    @model_validator(mode="after")
    def _buildable(self) -> "Sweep":
        list(self.architectures)  # a mistake in them is told when the file is read
        return self


def items(before: Before, *, sweep: Sweep, train: Sweeping) -> Iterator[Item]:
    for data in before.items["data"]:
        for family, points in sweep.architectures.items():
            for knobs, kind in points:
                yield from trainings(STAGE, data, family, knobs, kind, sweep.blocks, train)


STAGE = Stage(
    name="sweep",
    words="every architecture trained several times",
    sections=("sweep", "train"),
    reads=("data",),
    items=items,
    makes_networks=True,
)
