"""Accuracy against parameters: where a family starts to learn, and where it starts to overfit."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from minarch.analysis.intervals import VALIDATION
from minarch.analysis.minimal import P_MIN
from minarch.analysis.regimes import LEARNING, OVERFITTING, UNSTABLE
from minarch.reporting.figures.families import Panel, accuracy_axis, family_panels
from minarch.reporting.figures.style import (
    P_MIN_SAID,
    QUIET,
    colours,
    label_chance,
    legend_above,
    log_axis,
    short_number,
)
from minarch.reporting.figures.sweep_map import with_width
from minarch.reporting.tables import Table, Tables
from minarch.reporting.tables.edges import ALL, MORE, minimal_rows

MARKERS = {UNSTABLE: "o", LEARNING: "o", OVERFITTING: "D"}
FOOT = 0.02  # of the panel's height


def shades(colour: str, count: int) -> list[tuple[float, ...]]:
    """Tints from a light one to the full colour."""
    base = np.array(to_rgb(colour))
    return [tuple(1 - (1 - base) * share) for share in np.linspace(0.45, 1, count)] if count > 1 else [tuple(base)]


def draw_marks(axes: Axes, sizes: pd.DataFrame, colour: Any, size: float) -> None:
    """A mark per size, by its regime."""
    for regime, rows in sizes.groupby("regime"):
        face = "white" if regime == UNSTABLE else colour
        look: dict[str, Any] = {"color": colour, "markerfacecolor": face, "markersize": size, "zorder": 3}
        axes.plot(rows["parameters"], rows[VALIDATION.value], MARKERS[str(regime)], **look)


def draw_sizes(axes: Axes, sizes: pd.DataFrame, colour: str) -> None:
    """A line per depth, the deeper the darker, each size with its interval.

    Where depth and width leave the shape open, a line would run to and fro between shapes: then the sizes are points,
    and the line is their envelope, the best of at most so many parameters.
    """
    depths = sorted(sizes["depth"].dropna().unique()) or [pd.NA]
    shaped = with_width(sizes).duplicated(["depth", "width"]).any()
    for depth, tint in zip(depths, shades(colour, len(depths)), strict=True):
        rows = (sizes if pd.isna(depth) else sizes[sizes["depth"] == depth]).sort_values("parameters")
        if not shaped:
            axes.plot(rows["parameters"], rows[VALIDATION.value], color=tint)
            axes.vlines(rows["parameters"], rows[VALIDATION.low], rows[VALIDATION.high], color=tint, linewidth=1)
        draw_marks(axes, rows, tint, 3 if shaped else 5)
    if shaped:
        rows = sizes.sort_values("parameters")
        axes.plot(rows["parameters"], rows[VALIDATION.value].cummax(), color=colour, drawstyle="steps-post", zorder=4)


def draw_minimum(axes: Axes, row: dict[str, Any], largest: float) -> None:
    """Grey below P_min with a line on it and its number above, the bootstrap interval as a bar at the foot."""
    p_min, low, high = (row[column] for column in P_MIN)
    if pd.isna(p_min) or row["p_min_sign"] == MORE:
        return
    axes.axvspan(axes.get_xlim()[0], p_min, color="#f4f4f4", zorder=0)
    axes.axvline(p_min, color=QUIET, linewidth=1, linestyle=(0, (4, 2)))
    ends = [low, largest if pd.isna(high) else high]
    foot: dict[str, Any] = {"transform": axes.get_xaxis_transform(), "color": QUIET, "solid_capstyle": "butt"}
    axes.plot(ends, [FOOT, FOOT], linewidth=4, **foot)
    number = f"{P_MIN_SAID} {row['p_min_sign']}{short_number(p_min)}"
    axes.set_title(number, loc="right", color=QUIET, fontsize=7.5, fontweight="normal")


def draw_regimes(tables: Tables) -> Figure:
    """One row per data set, one column per family; bars are intervals of the mean."""
    sizes = tables[Table.SIZES]
    borders = {(row["dataset"], row["family"]): row for row in minimal_rows(tables) if row["depth"] == ALL}
    chance = 1 / tables[Table.DATA].set_index("dataset")["classes"]
    figure, filled = family_panels(sizes, row_height=3.2, x="trainable parameters", y="validation accuracy")
    for panel in filled:
        log_axis(panel.axes, panel.rows["parameters"])
        draw_minimum(panel.axes, borders[panel.dataset, panel.family], panel.rows["parameters"].max())
        label_chance(panel.axes, chance[panel.dataset])
        draw_sizes(panel.axes, panel.rows, colours(sizes["family"])[panel.family])
        set_range(panel, sizes, chance[panel.dataset])
    entries: list[tuple[str, dict[str, Any]]] = [
        ("unstable", {"marker": "o", "markerfacecolor": "white"}),
        ("learning", {"marker": "o"}),
        ("overfitting", {"marker": "D"}),
        ("the deeper the darker", {"linestyle": "-"}),
        (f"{P_MIN_SAID}, bar: bootstrap interval", {"linestyle": (0, (4, 2)), "color": QUIET}),
    ]
    legend_above(figure, entries)
    return figure


def set_range(panel: Panel, sizes: pd.DataFrame, chance: float) -> None:
    """The accuracy axis of a data set, from chance or below up to its best size."""
    of_dataset = sizes[sizes["dataset"] == panel.dataset]
    accuracy_axis(panel.axes, of_dataset[VALIDATION.value], [chance])
