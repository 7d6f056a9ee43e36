"""Panels of towers (networks at full depth), and ways to a depth as the lines of a panel."""

from collections.abc import Sequence
from textwrap import fill
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from minarch.analysis.search import TOWER
from minarch.reporting.tables import rows_of

MOST = 9  # panels: towers of a data set
ACROSS = 3
TITLE, WIDE = 32, 42  # characters of a panel's title, beside names of ways and without

Rows = list[dict[str, Any]]


def rows_by_tower(table: pd.DataFrame) -> list[Rows]:
    """The rows of each tower that is drawn."""
    return [rows_of(rows) for _, rows in table.groupby(TOWER, sort=False)][:MOST]


def name_tower(axes: Axes, row: dict[str, Any]) -> None:
    """The title of a tower's panel."""
    axes.set_title(f"{row['dataset']}\n{fill(row['tower'], TITLE)}", fontsize=7)


def label_ways(axes: Axes, ways: Sequence[Rows], panel: int, across: int) -> None:
    """The names of a panel's ways, from top to bottom; not where the panel to the left has them."""
    names = [[row["way"] for row in rows] for rows in ways[: panel + 1]]
    named = panel % across and names[panel] == names[panel - 1]
    axes.set_yticks(range(len(names[panel])), [] if named else names[panel])
