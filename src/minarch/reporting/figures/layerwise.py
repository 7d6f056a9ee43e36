"""Pruning of single layers: points lost when one group of units alone is cut, one heat map per model."""

from itertools import chain

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from minarch.analysis.records import MODEL
from minarch.reporting.figures.families import models_in_panels
from minarch.reporting.figures.style import INK, QUIET, WIDTH
from minarch.reporting.tables import Table, Tables, rows_of
from minarch.reporting.tables.pruning import DROP
from minarch.reporting.wording import role_name

COLOURS = "Blues"  # one hue, so that it reads without colour vision and in print
LINE = 0.2  # inches of a group
DARK = 0.55  # of the scale: from here on the number is white


def draw_model(axes: Axes, rows: pd.DataFrame, worst: float) -> None:
    """Groups in the order of the network, levels from left to right; a dash where the level cut no unit."""
    groups = rows.drop_duplicates("group")
    names, levels = list(groups["group"]), sorted(rows["level"].unique())
    shades = np.full((len(names), len(levels)), np.nan)
    for row in rows_of(rows):
        y, x = names.index(row["group"]), levels.index(row["level"])
        if not row["removed"] > 0:
            axes.text(x, y, "\N{EN DASH}", ha="center", va="center", color=QUIET, fontsize=7)
            continue
        drop = row[DROP.value]
        shades[y, x] = np.clip(drop / worst, 0, 1)
        text = f"{drop:.1f}" if abs(drop) < 9.95 else f"{drop:.0f}"
        colour = "white" if shades[y, x] > DARK else INK
        axes.text(x, y, text.replace("-0.0", "0.0"), ha="center", va="center", color=colour, fontsize=7)
    axes.imshow(shades, cmap=colormaps[COLOURS], vmin=0, vmax=1, aspect="auto")
    labels = [f"{n} ({u})".replace(" and ", "\nand ") for n, u in zip(names, groups["units"], strict=True)]
    axes.set_yticks(range(len(names)), labels, fontsize=6.5)
    axes.set_xticks(range(len(levels)), [f"{100 * level:.3g}%" for level in levels], fontsize=7)
    title = f"{rows['dataset'].iloc[0]}, {role_name(rows['role'].iloc[0])}\n{rows['architecture'].iloc[0]}"
    axes.set_title(title, fontsize=7.5, loc="right")
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)


def draw_layerwise(tables: Tables) -> Figure | None:
    """One panel per model, at most nine, all on one scale from no loss to the largest."""
    table = tables[Table.LAYERWISE]
    cut = table[table["removed"] > 0]
    if cut.empty:
        return None
    models = models_in_panels(tables[Table.REPRESENTATIVES][MODEL].merge(table, on=MODEL))
    heights = [LINE * max(rows["group"].nunique() for rows in line if rows is not None) + 0.75 for line in models]
    figure = Figure(figsize=(WIDTH, sum(heights) + 0.5), layout="constrained")
    grid = figure.subplots(len(models), len(models[0]), squeeze=False, gridspec_kw={"height_ratios": heights})
    worst = max(float(cut[DROP.value].max()), 1.0)
    for axes, rows in zip(grid.flat, chain(*models), strict=True):
        if rows is None:
            axes.set_axis_off()
        else:
            draw_model(axes, rows, worst)
    figure.supxlabel("share of the group's units that is cut", fontsize=9)
    figure.supylabel("group (its units)", fontsize=9)
    return figure
