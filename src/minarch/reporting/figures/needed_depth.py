"""Accuracy against depth, and below it the depths that each way ends with."""

from collections import Counter
from math import ceil
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from minarch.analysis.intervals import VALIDATION
from minarch.analysis.search import FULL, TOWER, depths_of
from minarch.reporting.figures.style import INK, QUIET, WIDTH, colours, legend_above, percent_axis, short_number
from minarch.reporting.figures.ways import ACROSS, MOST, Rows, label_ways, name_tower, rows_by_tower
from minarch.reporting.tables import Table, Tables, rows_of

HEIGHT, LINE = 2.9, 0.26  # inches of a panel, and of each way below it
NUMBERS, DEPTHS = 6, 10  # labels of the axes of MACs and of depth: more would run into each other


def draw_accuracy(axes: Axes, depths: pd.DataFrame, colour: str) -> None:
    """Mean and interval of each depth trained alone, its repeats as dots, and the line that the target draws."""
    for row in rows_of(depths):
        repeats = [float(value) for value in row["validation_repeats"].split()]
        axes.plot([row["depth"]] * len(repeats), repeats, "o", color=colour, markersize=3, alpha=0.35, linewidth=0)
    axes.plot(depths["depth"], depths[VALIDATION.value], "o-", color=colour, linewidth=1.2, markersize=4.5, zorder=3)
    axes.vlines(depths["depth"], depths[VALIDATION.low], depths[VALIDATION.high], color=colour, linewidth=2, alpha=0.5)
    threshold = depths["threshold"].iloc[0]
    if pd.notna(threshold):
        axes.axhline(threshold, color=QUIET, linewidth=1, linestyle=(0, (4, 2)), zorder=2)
    percent_axis(axes)


def draw_macs(axes: Axes, depths: pd.DataFrame) -> None:
    """An axis on top: the multiply-accumulates of one image, at some of the depths and always at the deepest."""
    shown = depths[:: -ceil(len(depths) / NUMBERS)]
    top = axes.secondary_xaxis("top")
    top.set_xticks(shown["depth"], [short_number(macs) for macs in shown["macs"]], fontsize=7, color=QUIET)
    top.xaxis.set_minor_locator(NullLocator())
    top.tick_params(length=2, pad=1)
    top.set_xlabel("MACs of one image", fontsize=7, color=QUIET, loc="right", labelpad=3)
    top.spines["top"].set_visible(False)


def draw_ends(axes: Axes, ways: Rows) -> None:
    """One line per way: at each depth that repeats ended with a disc with their number."""
    for y, row in enumerate(ways):
        for depth, count in Counter(depths_of(row["depths"])).items():
            axes.plot([depth], [y], "o", color=INK, markersize=9)
            place: dict[str, Any] = {"ha": "center", "va": "center_baseline", "fontsize": 6, "fontweight": "bold"}
            axes.annotate(str(count), (depth, y), color="white", **place)
    axes.set_ylim(len(ways) - 0.4, -0.6)
    axes.spines["left"].set_visible(False)


def draw_needed_depth(tables: Tables) -> Figure | None:
    """One panel per tower, the first MOST of them: depths trained alone, and the depths that searches end with."""
    depths, odn = tables[Table.DEPTHS], tables[Table.ODN]
    if depths.empty:
        return None
    towers = [rows for _, rows in depths.groupby(TOWER, sort=False)][:MOST]
    ways = [[row for row in rows if row["way"] != FULL] for rows in rows_by_tower(odn)]
    lines, palette = max(1, *map(len, ways)), colours(depths["family"])
    across = min(ACROSS, len(towers))
    down = ceil(len(towers) / across)
    figure = Figure(figsize=(WIDTH, down * (HEIGHT + LINE * lines) + 0.6), layout="constrained")
    grid = figure.subplots(2 * down, across, squeeze=False, height_ratios=[HEIGHT, LINE * lines] * down)
    panels = grid.reshape(down, 2, across).transpose(0, 2, 1).reshape(-1, 2)  # accuracy and ends of each, row by row
    for i, column in enumerate(panels):
        if i >= len(towers):
            for axes in column:
                axes.set_axis_off()
            continue
        rows, (accuracy, ends) = towers[i], column
        name_tower(accuracy, rows_of(rows)[0])
        draw_accuracy(accuracy, rows, palette[rows["family"].iloc[0]])
        draw_macs(accuracy, rows)
        draw_ends(ends, ways[i])
        label_ways(ends, ways, i, across)
        levels = sorted({*rows["depth"], *(depth for row in ways[i] for depth in depths_of(row["depths"]))})
        for axes in column:
            axes.set_xlim(levels[0] - 0.5, levels[-1] + 0.5)
            axes.set_xticks(levels, labels=[])
            axes.tick_params(labelsize=8)
        every = ceil(len(levels) / DEPTHS)
        labelled = set(levels[::-every])  # the deepest is
        ends.set_xticks(levels, labels=[str(level) if level in labelled else "" for level in levels])
        ends.set_xlabel("depth (layers)", fontsize=8.5)
    for axes in grid[::2, 0]:
        axes.set_ylabel("validation accuracy")
    entries: list[tuple[str, dict[str, Any]]] = [
        ("depth trained alone: mean, bar: interval", {"marker": "o"}),
        ("a repeat", {"marker": "o", "markersize": 3, "alpha": 0.5}),
        ("the target less the tolerance", {"linestyle": (0, (4, 2)), "color": QUIET}),
        ("so many repeats end with this depth", {"marker": "o", "markersize": 9}),
    ]
    legend_above(figure, entries, columns=4)
    return figure
