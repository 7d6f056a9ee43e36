"""How much further apart poor networks lie than good ones, trained and before."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from minarch.analysis.intervals import of_estimate
from minarch.reporting.figures.families import MOST
from minarch.reporting.figures.style import BAR, FAINT, QUIET, legend_above, log_axis, panels
from minarch.reporting.tables import rows_of

STATES = {"log_ratio": ("trained", "#0072B2", -0.14), "untrained_log_ratio": ("before training", QUIET, 0.14)}
NAMES = {"kl": "symmetrised KL", "js": "Jensen-Shannon distance", "wasserstein": "Wasserstein-1"}


def draw_scopes(axes: Axes, rows: pd.DataFrame, scopes: list[str]) -> None:
    """One line per scope, one dot with its interval for networks as trained and one for them before."""
    axes.axvline(1, color=FAINT, linewidth=1.4, zorder=1)
    for row in rows_of(rows):
        for name, (_, colour, shift) in STATES.items():
            value, low, high = (row[column] for column in of_estimate(name))
            y = scopes.index(row["scope"]) + shift
            axes.plot([low, high], [y, y], color=colour, linewidth=2, alpha=0.55)
            axes.plot([value], [y], "o", color=colour, markersize=4.5)


def draw_ratios(table: pd.DataFrame) -> Figure | None:
    """One row per distance; weights and strengths scaled to one standard deviation, then, if they fit, as they are.

    `table`: verdicts with ratios of distances in place of their logarithms.
    """
    table = table[table["log_ratio"].notna()]
    if table.empty:
        return None
    scopes, distances = list(table["scope"].unique()), list(table["distance"].unique())
    columns = [(quantity, scaled) for scaled in (True, False) for quantity in table["quantity"].unique()]
    columns = columns[: MOST // len(distances)]
    figure, grid = panels(len(distances), len(columns), row_height=0.3 * len(scopes) + 0.7, share_y=True)
    ends = [column for name in STATES for column in of_estimate(name)]
    for (i, j), axes in np.ndenumerate(grid):
        quantity, scaled = columns[j]
        rows = table[(table["distance"] == distances[i]) & (table["quantity"] == quantity)]
        rows = rows[rows["scaled"].astype(bool) == scaled]
        draw_scopes(axes, rows, scopes)
        log_axis(axes, [1.0, *rows[ends].to_numpy().ravel()])
        axes.set_title(f"{quantity}{', scaled' if scaled else ''}")
        axes.set_yticks(range(len(scopes)), scopes)
        axes.set_ylim(len(scopes) - 0.5, -0.5)
        axes.grid(axis="y", visible=False)
        axes.set_xlabel(NAMES.get(distances[i], distances[i]))
    entries = [(name, {"marker": "o", "color": colour}) for name, colour, _ in STATES.values()]
    legend_above(figure, [*entries, ("interval", BAR | {"marker": "_"})])
    return figure
