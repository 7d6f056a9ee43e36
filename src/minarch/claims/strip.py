"""Effects drawn beside their numbers: a point with its interval on the axis of a table."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from minarch.claims.claim import Row

WIDTH, HEIGHT, EDGE = 180, 14, 4  # pixels


@dataclass(frozen=True)
class Axis:
    """From the lowest to the highest value of a table."""

    low: float
    high: float
    null: float  # the effect that the tests are about

    def at(self, value: float) -> str:
        """The pixel of a value."""
        share = (value - self.low) / (self.high - self.low)
        return f"{EDGE + share * (WIDTH - 2 * EDGE):.1f}"

    def drawn(self, row: Row) -> Markup:
        """A case as SVG: a line at what is tested, the interval where it is known, and the effect."""
        if row.effect is None or math.isnan(row.effect):
            return Markup("")
        y, null = HEIGHT // 2, self.at(self.null)
        parts = [Markup('<line x1="{0}" x2="{0}" y1="0" y2="{1}"/>').format(null, HEIGHT)]
        if row.low is not None and row.high is not None and row.interval:
            ends = (self.at(row.low), self.at(row.high), y)
            parts.append(Markup('<line class="range" x1="{0}" x2="{1}" y1="{2}" y2="{2}"/>').format(*ends))
        parts.append(Markup('<circle cx="{}" cy="{}" r="3"/>').format(self.at(row.effect), y))
        head = Markup('<svg class="interval {}" width="{}" height="{}">').format(row.verdict, WIDTH, HEIGHT)
        return head + Markup("").join(parts) + Markup("</svg>")


def scale(rows: Sequence[Row]) -> Axis:
    """The axis on which all rows of a table have room, and what they are tested against: the same for all."""
    ends = [value for row in rows for value in (row.effect, row.low, row.high)]
    known = [value for value in ends if value is not None and math.isfinite(value)]
    (null,) = {row.null for row in rows}
    low, high = min([null, *known]), max([null, *known])
    return Axis(low, high if high > low else low + 1.0, null)
