"""Retained accuracy against size, with the depth of each model beside it."""

from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from minarch.analysis.records import MODEL
from minarch.analysis.retention import RETENTION
from minarch.reporting.figures.families import TALLEST, fitting
from minarch.reporting.figures.regimes import shades
from minarch.reporting.figures.style import QUIET, colours, legend_above, log_axis, panels, percent_axis
from minarch.reporting.tables import Table, Tables, rows_of
from minarch.reporting.wording import SCOPES

SHIFT = 1.03


def draw_models(axes: Axes, models: pd.DataFrame, colour: str) -> None:
    """One numbered disc per model: its depth, the deeper the darker; bar: the interval of its retention.

    Discs are shifted a little, the deeper the further to the right, so that none hides another of its size.
    """
    depths = sorted(models["depth"].unique())
    tints = dict(zip(depths, shades(colour, len(depths)), strict=True))
    for row in rows_of(models):
        x = row["parameters"] * SHIFT ** (depths.index(row["depth"]) - (len(depths) - 1) / 2)
        y, tint = row[RETENTION.value], tints[row["depth"]]
        axes.plot([x, x], [row[RETENTION.low], row[RETENTION.high]], color=tint, linewidth=2, alpha=0.6)
        axes.plot([x], [y], "o", color=tint, markersize=11, zorder=3)
        light = row["depth"] == depths[0]
        place: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 7.5, "fontweight": "bold", "zorder": 4}
        axes.annotate(str(row["depth"]), (x, y), color="black" if light else "white", **place)


def draw_depth(tables: Tables) -> Figure | None:
    """A figure with a row per data set and scope and a column per family of which the table has a slope."""
    table = tables[Table.DEPTH]
    if table.empty:
        return None
    sizes = tables[Table.SIZES][[*MODEL, "depth", "parameters"]]
    models = tables[Table.REDUNDANCY].merge(sizes, on=MODEL).dropna(subset=["depth", RETENTION.value])
    models = models[~models["finetuned"].astype(bool)]
    palette = colours(tables[Table.REDUNDANCY]["family"])
    families, scopes = (sorted(set(table[name])) for name in ("family", "scope"))
    datasets = fitting(table["dataset"].unique(), [*product(families, scopes)])
    lines = [*product(datasets, scopes)]
    figure, grid = panels(len(lines), len(families), row_height=min(2.8, TALLEST / len(lines)), share_y=True)
    for (i, j), axes in np.ndenumerate(grid):
        (dataset, scope), family = lines[i], families[j]
        rows = models[(models["dataset"] == dataset) & (models["family"] == family) & (models["scope"] == scope)]
        axes.set_title(f"{dataset}: {family}, {SCOPES[scope]}", fontsize=9)
        axes.set_ylim(-0.06, 1.06)
        percent_axis(axes)
        log_axis(axes, rows["parameters"])
        if rows.empty:
            axes.text(0.5, 0.5, "not in this study", transform=axes.transAxes, ha="center", color=QUIET)
            continue
        draw_models(axes, rows, palette[family])
    for axes in grid[-1]:
        axes.set_xlabel("trainable parameters")
    for axes in grid[:, 0]:
        axes.set_ylabel("retained accuracy")
    legend_above(
        figure,
        [
            (
                "number: depth, the deeper the darker; shifted a little by it; bar: interval",
                {"marker": "o", "markersize": 9},
            )
        ],
    )
    return figure
