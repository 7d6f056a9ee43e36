"""Accuracy against parameters: where a family starts to learn, and where it starts to overfit."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from minarch.analysis.intervals import VALIDATION
from minarch.analysis.minimal import P_MIN
from minarch.analysis.regimes import LEARNING, OVERFITTING, UNSTABLE
from minarch.reporting.figures.style import (
    QUIET,
    colours,
    label_chance,
    legend_above,
    log_axis,
    panels,
    percent_axis,
    short_number,
)
from minarch.reporting.tables import Table, Tables, rows_of

MARKERS = {UNSTABLE: "o", LEARNING: "o", OVERFITTING: "D"}


def shades(colour: str, count: int) -> list[tuple[float, ...]]:
    """Tints from a light one to the full colour."""
    base = np.array(to_rgb(colour))
    return [tuple(1 - (1 - base) * share) for share in np.linspace(0.45, 1, count)] if count > 1 else [tuple(base)]


def draw_depth(axes: Axes, sizes: pd.DataFrame, colour: tuple[float, ...], label: str) -> None:
    """The sizes of one depth in their order, each with its interval and its regime's marker."""
    axes.plot(sizes["parameters"], sizes[VALIDATION.value], color=colour, label=label)
    axes.vlines(sizes["parameters"], sizes[VALIDATION.low], sizes[VALIDATION.high], color=colour, linewidth=1)
    for regime, rows in sizes.groupby("regime"):
        face = "white" if regime == UNSTABLE else colour
        axes.plot(
            rows["parameters"],
            rows[VALIDATION.value],
            MARKERS[str(regime)],
            color=colour,
            markerfacecolor=face,
            zorder=3,
        )


def draw_minimum(axes: Axes, minimal: pd.DataFrame, largest: float) -> None:
    """Grey below P_min with a line on it, and the bootstrap interval as a bar at the foot."""
    for row in rows_of(minimal[minimal[P_MIN.value].notna()]):
        p_min, *ends = (row[column] for column in P_MIN)
        axes.axvspan(axes.get_xlim()[0], p_min, color="#f4f4f4", zorder=0)
        axes.axvline(p_min, color=QUIET, linewidth=1, linestyle=(0, (4, 2)))
        ends = [largest if pd.isna(end) else end for end in ends]
        axes.plot(ends, [0.02, 0.02], color=QUIET, linewidth=4, solid_capstyle="butt")
        axes.annotate(
            f"P_min {short_number(p_min)}",
            (p_min, 0.02),
            xytext=(5, 6),
            textcoords="offset points",
            color=QUIET,
        )


def draw_regimes(tables: Tables) -> Figure:
    """One row per data set, one column per family, one line per depth; bars are intervals of the mean."""
    sizes, minimal = tables[Table.SIZES], tables[Table.MINIMAL]
    datasets, families = sorted(sizes["dataset"].unique()), sorted(sizes["family"].unique())
    chance = 1 / tables[Table.DATA].set_index("dataset")["classes"]
    figure, grid = panels(len(datasets), len(families), row_height=3.4, share_y=True)
    for (i, j), axes in np.ndenumerate(grid):
        dataset, family = datasets[i], families[j]
        rows = sizes[(sizes["dataset"] == dataset) & (sizes["family"] == family)]
        axes.set_title(f"{dataset}: {family}")
        axes.set_ylim(0, 1.02)
        percent_axis(axes)
        log_axis(axes, rows["parameters"])
        if rows.empty:
            axes.text(0.5, 0.5, "not in this study", transform=axes.transAxes, ha="center", color=QUIET)
            continue
        border = minimal[(minimal["dataset"] == dataset) & (minimal["family"] == family) & (minimal["depth"] == "all")]
        draw_minimum(axes, border, rows["parameters"].max())
        label_chance(axes, chance[dataset])
        depths = sorted(rows["depth"].dropna().unique()) or [pd.NA]
        for depth, colour in zip(depths, shades(colours(families)[family], len(depths)), strict=True):
            of_depth = rows if pd.isna(depth) else rows[rows["depth"] == depth]
            draw_depth(axes, of_depth.sort_values("parameters"), colour, "" if pd.isna(depth) else f"depth {depth}")
        if len(depths) > 1:
            axes.legend(loc="lower right", bbox_to_anchor=(1, 0.12))
    for axes in grid[-1]:
        axes.set_xlabel("trainable parameters")
    for axes in grid[:, 0]:
        axes.set_ylabel("validation accuracy, last epoch")
    legend_above(
        figure,
        [
            ("unstable", {"marker": "o", "markerfacecolor": "white"}),
            ("learning", {"marker": "o"}),
            ("overfitting", {"marker": "D"}),
            ("P_min of the family (below: grey), bar: bootstrap interval", {"linestyle": (0, (4, 2)), "color": QUIET}),
        ],
    )
    return figure
