"""Theta over the epochs: how the gates of a network end at 0 or 1 while it is trained."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from minarch.analysis.complexity import CURVE
from minarch.reporting.figures.style import legend_above, panels
from minarch.reporting.tables.gates import LAYER

ACROSS = DOWN = 3  # curves, and panels of each: groups of units, and one for all layers
COLOUR, LAYERS = "#0072B2", "#D55E00"


def draw_gates(gates: pd.DataFrame) -> Figure | None:
    """A row per curve, the first DOWN of them: a panel per group whose gates moved, and one for the layers'.

    Of many groups some are drawn, evenly from the first to the last.
    """
    rows = [(curve, moved(table)) for _, table in gates.groupby(CURVE, sort=False) for curve in [table.iloc[0]]]
    rows = [(curve, table) for curve, table in rows if len(table)][:DOWN]
    if not rows:
        return None
    drawn = [panels_of(table) for _, table in rows]
    figure, grid = panels(len(rows), max(map(len, drawn)), row_height=1.8, share_x=False, share_y=True)
    for line, (curve, _), parts in zip(grid, rows, drawn, strict=True):
        for axes, (title, table) in zip(line, parts, strict=False):
            draw_part(axes, table)
            axes.set_title(f"\n{title}", fontsize=7, fontweight="normal")  # above it the curve is named
            axes.set_ylim(-0.04, 1.04)
            axes.set_yticks([0, 0.5, 1])
            axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
            axes.tick_params(labelsize=7)
            axes.set_xlabel("epoch", fontsize=7, labelpad=1)
        for axes in line[len(parts) :]:
            axes.set_axis_off()
        line[0].set_ylabel("theta", fontsize=8)
        knobs = f"nu {curve['nu']:g}, alpha {curve['alpha']:g}, beta {curve['beta']:g}"
        name = f"{curve['dataset']}, {curve['whole']}, {knobs}"
        place: dict[str, Any] = {"xycoords": "axes fraction", "xytext": (0, 17), "textcoords": "offset points"}
        named = line[0].annotate(name, (0, 1), fontsize=7.5, fontweight="bold", **place)
        named.set_in_layout(False)  # it may be wider than its panel
    entries: list[tuple[str, dict[str, Any]]] = [
        ("units of a group: median", {"color": COLOUR, "linestyle": "-"}),
        ("middle half", {"color": COLOUR, "marker": "s", "markersize": 9, "alpha": 0.35}),
        ("all", {"color": COLOUR, "marker": "s", "markersize": 9, "alpha": 0.15}),
        ("a layer", {"color": LAYERS, "linestyle": "-", "linewidth": 1.1}),
    ]
    legend_above(figure, entries)
    return figure


def moved(table: pd.DataFrame) -> pd.DataFrame:
    """The groups and layers some gate of which left 1."""
    return table[table.groupby(["group", "kind"])["min"].transform("min") < 1]


def panels_of(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """The title and rows of each panel of a curve."""
    units, layers = table[table["kind"] != LAYER], table[table["kind"] == LAYER]
    names, room = list(units["group"].unique()), ACROSS - bool(len(layers))
    picked = np.unique(np.linspace(0, len(names) - 1, min(room, len(names))).round().astype(int)) if names else []
    parts = [(names[i], units[units["group"] == names[i]]) for i in picked]
    return [*parts, ("layers", layers)] if len(layers) else parts


def draw_part(axes: Axes, table: pd.DataFrame) -> None:
    """Quantiles over a group's units as bands, or a line per layer."""
    for (_, kind), rows in table.groupby(["group", "kind"], sort=False):
        if kind == LAYER:
            axes.plot(rows["epoch"], rows["median"], color=LAYERS, linewidth=1.1, alpha=0.8)
            continue
        for low, high, alpha in (("min", "max", 0.15), ("q25", "q75", 0.25)):
            axes.fill_between(rows["epoch"], rows[low], rows[high], color=COLOUR, alpha=alpha, linewidth=0)
        axes.plot(rows["epoch"], rows["median"], color=COLOUR, linewidth=1.4)
