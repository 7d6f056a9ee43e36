"""Retained accuracy against size, with the depth of each model beside it."""

from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from minarch.analysis.records import MODEL
from minarch.analysis.retention import RETENTION
from minarch.reporting.figures.families import TALLEST, accuracy_axis, fitting
from minarch.reporting.figures.regimes import shades
from minarch.reporting.figures.style import QUIET, colours, legend_above, log_axis, panels
from minarch.reporting.tables import Table, Tables, rows_of
from minarch.reporting.wording import SCOPES

SHIFT = 1.03
LINE = ["dataset", "family", "scope"]


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
        axes.plot([x], [y], "o", color=tint, markersize=11, zorder=3, clip_on=False)
        light = row["depth"] == depths[0]
        place: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 7.5, "fontweight": "bold", "zorder": 4}
        axes.annotate(str(row["depth"]), (x, y), color="black" if light else "white", **place)


def draw_depth(tables: Tables) -> Figure | None:
    """A figure with a row per data set and scope and a column per family of which the table has a slope; of one family
    with a row per data set and a column per scope.
    """
    table = tables[Table.DEPTH]
    if table.empty:
        return None
    sizes = tables[Table.SIZES][[*MODEL, "depth", "parameters"]]
    models = tables[Table.REDUNDANCY].merge(sizes, on=MODEL).dropna(subset=["depth", RETENTION.value])
    models = models[~models["finetuned"].astype(bool)]
    palette = colours(tables[Table.REDUNDANCY]["family"])
    families, scopes = (sorted(set(table[name])) for name in ("family", "scope"))
    datasets = fitting(table["dataset"].unique(), [*product(families, scopes)])
    if len(families) == 1:  # then the scopes lie side by side
        grid_of = [[(dataset, families[0], scope) for scope in scopes] for dataset in datasets]
    else:
        grid_of = [[(dataset, family, scope) for family in families] for dataset, scope in product(datasets, scopes)]
    figure, grid = panels(len(grid_of), len(grid_of[0]), row_height=min(2.8, TALLEST / len(grid_of)), share_y=True)
    for (i, j), axes in np.ndenumerate(grid):
        dataset, family, scope = grid_of[i][j]
        rows = models[(models["dataset"] == dataset) & (models["family"] == family) & (models["scope"] == scope)]
        axes.set_title(f"{dataset}: {family}, {SCOPES[scope]}", fontsize=9)
        log_axis(axes, rows["parameters"])
        if rows.empty:
            axes.text(0.5, 0.5, "not in this study", transform=axes.transAxes, ha="center", color=QUIET)
            continue
        draw_models(axes, rows, palette[family])
    for i, line in enumerate(grid):
        of_line = models[[key in grid_of[i] for key in zip(*(models[name] for name in LINE), strict=True)]]
        accuracy_axis(line[0], of_line[RETENTION.low], of_line[RETENTION.high])
    for axes in grid[-1]:
        axes.set_xlabel("trainable parameters")
    figure.supylabel("retained accuracy", fontsize=9)
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
