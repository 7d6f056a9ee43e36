"""Accuracy as a function of the parameter count alone, at several epochs; and how early hopeless sizes can be told."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from minarch.analysis.early import FALSE_ALARMS, MISSED
from minarch.analysis.intervals import VALIDATION
from minarch.analysis.trend import FITTED
from minarch.reporting.figures.families import accuracy_axis, family_panels
from minarch.reporting.figures.regimes import shades
from minarch.reporting.figures.style import QUIET, colours, label_chance, legend_above, log_axis
from minarch.reporting.tables import Table, Tables

DASHED = (0, (2, 1.5))
PARTS = (0.125, 0.25, 0.5, 1.0)  # of the budget: the epochs that are drawn


def draw_fits(axes: Axes, rows: pd.DataFrame, colour: str) -> None:
    """A line of the fit at each of PARTS, the last epoch's with the means that it fits."""
    last = rows["epoch"].max()
    epochs = sorted({max(1, round(part * last)) for part in PARTS})
    for epoch, shade in zip(epochs, shades(colour, len(epochs)), strict=True):
        fit = rows[rows["epoch"] == epoch].sort_values("parameters")
        axes.plot(fit["parameters"], fit[FITTED], color=shade, linewidth=2.2 if epoch == last else 1.0)
    end = rows[rows["epoch"] == last]
    axes.plot(end["parameters"], end[VALIDATION.value], "o", color=colour, markerfacecolor="white", markersize=4)


def draw_trend(tables: Tables) -> Figure:
    """One row per data set, one column per family."""
    trend = tables[Table.TREND]
    chance = 1 / tables[Table.DATA].set_index("dataset")["classes"]
    figure, filled = family_panels(trend, row_height=3.0, x="trainable parameters", y="validation accuracy")
    for panel in filled:
        of_dataset = trend[trend["dataset"] == panel.dataset]
        log_axis(panel.axes, panel.rows["parameters"])
        label_chance(panel.axes, chance[panel.dataset])
        draw_fits(panel.axes, panel.rows, colours(trend["family"])[panel.family])
        accuracy_axis(panel.axes, of_dataset[VALIDATION.value], [chance[panel.dataset]])
    measured = ("measured, last epoch: mean of a parameter count", {"marker": "o", "markerfacecolor": "white"})
    later = ("non-decreasing fit after 1/8, 1/4, 1/2 and all of the epochs: the later the darker", {"linestyle": "-"})
    legend_above(figure, [measured, later])
    return figure


def draw_early(tables: Tables, certain_epochs: Sequence[Mapping[str, Any]]) -> Figure:
    """One row per data set, one column per family: sizes whose label at an epoch is not that of the last epoch.

    Args:
        certain_epochs: of each data set and family the "epoch" from which on there is no false alarm.
    """
    early = tables[Table.EARLY]
    certain = {(row["dataset"], row["family"]): row["epoch"] for row in certain_epochs}
    figure, filled = family_panels(early, row_height=2.3, x="epoch", y="sizes", share_x=True)
    for panel in filled:
        axes, rows, colour = panel.axes, panel.rows.sort_values("epoch"), colours(early["family"])[panel.family]
        axes.plot(rows["epoch"], rows[FALSE_ALARMS], color=colour)
        axes.plot(rows["epoch"], rows[MISSED], color=colour, linestyle=DASHED)
        wrong = early.loc[early["dataset"] == panel.dataset, [FALSE_ALARMS, MISSED]]
        axes.set_ylim(0, 1.06 * max(1, wrong.to_numpy().max()))
        axes.yaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        epoch = certain[panel.dataset, panel.family]
        axes.axvline(epoch, color=QUIET, linewidth=1)
        late = epoch > rows["epoch"].max() / 2
        side = {"xytext": (-4 if late else 4, -2), "ha": "right" if late else "left", "va": "top"}
        place: dict[str, Any] = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points", **side}
        axes.annotate(f"epoch {epoch}", (epoch, 1), color=QUIET, **place)
    entries: list[tuple[str, dict[str, Any]]] = [
        ("false alarms: called unstable, but is not in the end", {"linestyle": "-"}),
        ("missed: unstable only in the end", {"linestyle": DASHED}),
        ("no false alarm from here on", {"linestyle": "-", "color": QUIET}),
    ]
    legend_above(figure, entries)
    return figure
