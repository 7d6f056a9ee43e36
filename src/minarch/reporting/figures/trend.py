"""Accuracy as a function of the parameter count alone, at several epochs; and how early hopeless sizes can be told."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from minarch.analysis.early import FALSE_ALARMS, MISSED
from minarch.analysis.intervals import VALIDATION
from minarch.analysis.trend import FITTED
from minarch.reporting.figures.regimes import shades
from minarch.reporting.figures.style import (
    QUIET,
    colours,
    label_chance,
    legend_above,
    log_axis,
    missing,
    panels,
    percent_axis,
)
from minarch.reporting.tables import Table, Tables

DASHED = (0, (2, 1.5))
PARTS = (0.125, 0.25, 0.5, 1.0)  # of the budget: the epochs that are drawn


def draw_fits(axes: Axes, rows: pd.DataFrame, colour: str) -> None:
    """A line of the fit at each of PARTS, the last epoch's with the means that it fits."""
    last = rows["epoch"].max()
    epochs = sorted({max(1, round(part * last)) for part in PARTS})
    for epoch, shade in zip(epochs, shades(colour, len(epochs)), strict=True):
        fit = rows[rows["epoch"] == epoch].sort_values("parameters")
        width = 2.2 if epoch == last else 1.0
        axes.plot(fit["parameters"], fit[FITTED], color=shade, linewidth=width, label=f"epoch {epoch}")
    end = rows[rows["epoch"] == last]
    axes.plot(end["parameters"], end[VALIDATION.value], "o", color=colour, markerfacecolor="white", markersize=4.5)


def draw_trend(tables: Tables) -> Figure:
    """One row per data set, one column per family."""
    trend = tables[Table.TREND]
    datasets, families = sorted(trend["dataset"].unique()), sorted(trend["family"].unique())
    chance = 1 / tables[Table.DATA].set_index("dataset")["classes"]
    figure, grid = panels(len(datasets), len(families), row_height=3.0, share_y=True)
    for (i, j), axes in np.ndenumerate(grid):
        rows = trend[(trend["dataset"] == datasets[i]) & (trend["family"] == families[j])]
        axes.set_title(f"{datasets[i]}: {families[j]}")
        axes.set_ylim(0, 1.02)
        percent_axis(axes)
        log_axis(axes, rows["parameters"])
        if rows.empty:
            missing(axes)
            continue
        label_chance(axes, chance[datasets[i]])
        draw_fits(axes, rows, colours(families)[families[j]])
        axes.legend(loc="lower right", bbox_to_anchor=(1, 0.1))
    for axes in grid[-1]:
        axes.set_xlabel("trainable parameters")
    for axes in grid[:, 0]:
        axes.set_ylabel("validation accuracy")
    measured = ("measured, last epoch: mean of a parameter count", {"marker": "o", "markerfacecolor": "white"})
    legend_above(figure, [measured, ("non-decreasing fit", {"linestyle": "-"})])
    return figure


def draw_early(tables: Tables, certain_epochs: Sequence[Mapping[str, Any]]) -> Figure:
    """One row per data set, one column per family: sizes whose label at an epoch is not that of the last epoch.

    Args:
        certain_epochs: of each data set and family the "epoch" from which on there is no false alarm.
    """
    early = tables[Table.EARLY]
    datasets, families = sorted(early["dataset"].unique()), sorted(early["family"].unique())
    certain = {(row["dataset"], row["family"]): row["epoch"] for row in certain_epochs}
    figure, grid = panels(len(datasets), len(families), row_height=2.4, share_x=True, share_y=True)
    for (i, j), axes in np.ndenumerate(grid):
        rows = early[(early["dataset"] == datasets[i]) & (early["family"] == families[j])].sort_values("epoch")
        axes.set_title(f"{datasets[i]}: {families[j]}")
        axes.yaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        if rows.empty:
            missing(axes)
            continue
        colour = colours(families)[families[j]]
        axes.plot(rows["epoch"], rows[FALSE_ALARMS], color=colour)
        axes.plot(rows["epoch"], rows[MISSED], color=colour, linestyle=DASHED)
        epoch = certain[datasets[i], families[j]]
        axes.axvline(epoch, color=QUIET, linewidth=1)
        late = epoch > rows["epoch"].max() / 2
        side = {"xytext": (-4 if late else 4, -2), "ha": "right" if late else "left", "va": "top"}
        place = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points", **side}
        axes.annotate(f"epoch {epoch}", (epoch, 1), color=QUIET, **place)
    for axes in grid[-1]:
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    for axes in grid[:, 0]:
        axes.set_ylim(bottom=0)
        axes.set_ylabel("sizes")
    entries: list[tuple[str, dict[str, Any]]] = [
        ("false alarms: called unstable, but is not in the end", {"linestyle": "-"}),
        ("missed: unstable only in the end", {"linestyle": DASHED}),
        ("no false alarm from here on", {"linestyle": "-", "color": QUIET}),
    ]
    legend_above(figure, entries)
    return figure
