"""Methods of structured pruning against their controls: differences of accuracy, one by one."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from minarch.analysis.complexity import CANNOT_TELL
from minarch.analysis.controls import CONTROLS, DIFFERENCE
from minarch.analysis.multiplicity import adjusted_name
from minarch.reporting.figures.families import MOST
from minarch.reporting.figures.style import QUIET, colours, legend_above, panels
from minarch.reporting.tables import Table, Tables, rows_of

NAMES = {
    ("random", "pruned"): "random units, after the cut",
    ("random", "finetuned"): "random units, trained",
    ("fresh", "finetuned"): "fresh weights, trained",
    ("nearest", "finetuned"): "nearest of the sweep",
}


def draw_differences(axes: Axes, rows: pd.DataFrame, lines: list[tuple[str, str]], palette: dict[str, str]) -> None:
    """One line per method and family; within it the levels from top to bottom, filled where the case is told apart."""
    levels = sorted(rows["level"].unique())
    axes.axvline(0, color=QUIET, linewidth=1)
    for row in rows_of(rows):
        y = lines.index((row["method"], row["family"])) + 0.7 * ((levels.index(row["level"]) + 0.5) / len(levels) - 0.5)
        low, high, colour = row[DIFFERENCE.low], row[DIFFERENCE.high], palette[row["family"]]
        axes.plot([low, high], [y, y], color=colour, linewidth=1, alpha=0.4)
        face = colour if row[adjusted_name()] != CANNOT_TELL else "white"
        axes.plot([row[DIFFERENCE.value]], [y], "o", color=colour, markerfacecolor=face, markersize=4)
    # Intervals of a few wild models must not flatten all others; the table has every number.
    means = np.append(rows[DIFFERENCE.value], 0)
    margin = max(0.5, 0.3 * (means.max() - means.min()))
    axes.set_xlim(means.min() - margin, means.max() + margin)


def draw_controls(tables: Tables) -> Figure | None:
    """One row per data set, one column per control and step, as many as fit."""
    table = tables[Table.CONTROLS]
    if table.empty:
        return None
    compared = set(zip(table["control"], table["step"], strict=True))
    datasets, palette = list(table["dataset"].unique()), colours(table["family"])
    columns = sorted(compared, key=lambda pair: (pair[1] == "pruned", CONTROLS.index(pair[0])))  # once trained first
    columns = columns[: max(1, MOST // len(datasets))]
    lines = sorted(set(zip(table["method"], table["family"], strict=True)))
    figure, grid = panels(len(datasets), len(columns), row_height=0.26 * len(lines) + 0.7, share_y=True)
    for (i, j), axes in np.ndenumerate(grid):
        control, step = columns[j]
        rows = table[(table["dataset"] == datasets[i]) & (table["control"] == control) & (table["step"] == step)]
        axes.set_title(NAMES[control, step], fontsize=8.5)
        axes.set_yticks(range(len(lines)), [f"{method}, {family}" for method, family in lines])
        axes.set_ylim(len(lines) - 0.5, -0.5)
        axes.grid(axis="y", visible=False)
        axes.locator_params(axis="x", nbins=5)
        draw_differences(axes, rows, lines, palette)
    for axes, dataset in zip(grid[:, 0], datasets, strict=True):
        axes.set_ylabel(dataset, fontweight="bold")
    for axes in grid[-1]:
        axes.set_xlabel("method - control, points", fontsize=8.5)
    families = sorted(table["family"].unique())
    entries = [(family, {"marker": "o", "color": palette[family]}) for family in families]
    kinds = [("not told apart, all judged together", {"marker": "o", "markerfacecolor": "white"})]
    kinds.append(("told apart", {"marker": "o"}))
    legend_above(figure, [*entries, *kinds])
    return figure
