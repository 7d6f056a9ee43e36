"""Distances between the weights of good and of poor networks: means of the three blocks."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from minarch.reporting.figures.families import MOST
from minarch.reporting.figures.style import BAR, QUIET, legend_above, panels
from minarch.reporting.tables import rows_of

BLOCKS = ("good-good", "good-poor", "poor-poor")
COLOURS = dict(zip(BLOCKS, ["#0072B2", QUIET, "#D55E00"], strict=True))
NAMES = {"kl": "symmetrised KL", "js": "Jensen-Shannon distance", "wasserstein": "Wasserstein-1"}


def draw_blocks(axes: Axes, rows: pd.DataFrame, scopes: list[str]) -> None:
    """One line per scope, one dot per block with its interval."""
    for row in rows_of(rows):
        y = scopes.index(row["scope"]) + 0.22 * (BLOCKS.index(row["block"]) - 1)
        colour = COLOURS[row["block"]]
        axes.plot([row["low"], row["high"]], [y, y], color=colour, linewidth=2, alpha=0.55)
        axes.plot([row["mean"]], [y], "o", color=colour, markersize=4.5)


def draw_similarity(table: pd.DataFrame) -> Figure | None:
    """One row per distance; weights and strengths scaled to one standard deviation, then, if they fit, as they are."""
    if table.empty:
        return None
    scopes, distances = list(table["scope"].unique()), list(table["distance"].unique())
    columns = [(quantity, scaled) for scaled in (True, False) for quantity in table["quantity"].unique()]
    columns = columns[: MOST // len(distances)]
    figure, grid = panels(len(distances), len(columns), row_height=0.36 * len(scopes) + 0.6, share_y=True)
    for (i, j), axes in np.ndenumerate(grid):
        quantity, scaled = columns[j]
        rows = table[(table["distance"] == distances[i]) & (table["quantity"] == quantity)]
        draw_blocks(axes, rows[rows["scaled"].astype(bool) == scaled], scopes)
        axes.set_title(f"{quantity}{', scaled' if scaled else ''}")
        axes.set_yticks(range(len(scopes)), scopes)
        axes.set_ylim(len(scopes) - 0.5, -0.5)
        axes.grid(axis="y", visible=False)
        axes.set_xlim(left=0)
        axes.locator_params(axis="x", nbins=4)
        axes.set_xlabel(NAMES.get(distances[i], distances[i]))
    entries = [(f"{name} pairs", {"marker": "o", "color": colour}) for name, colour in COLOURS.items()]
    legend_above(figure, [*entries, ("interval of the mean", BAR | {"marker": "_"})])
    return figure
