"""Minimal sizes with their bootstrap intervals, by data set, family and depth."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from minarch.analysis.minimal import P_MIN, P_NEAR_BEST
from minarch.reporting.figures.style import INK, P_MIN_SAID, P_NEAR_BEST_SAID, colours, legend_above, log_axis, panels
from minarch.reporting.tables import Table, Tables
from minarch.reporting.tables.edges import ALL, AT_LEAST, AT_MOST, MORE, minimal_rows
from minarch.reporting.tables.sweep import COUNTS

ARROWS = {AT_MOST: "<", AT_LEAST: ">", MORE: ">"}


def draw_minimal(tables: Tables) -> Figure:
    """One line per family and depth: P_min (filled) and P_near_best (hollow), an arrow where one lies at an edge."""
    rows = minimal_rows(tables)
    datasets = list(dict.fromkeys(row["dataset"] for row in rows))
    by_dataset = [[row for row in rows if row["dataset"] == dataset] for dataset in datasets]
    height = 0.3 * max(map(len, by_dataset)) + 0.7
    figure, grid = panels(len(datasets), 1, row_height=height, share_x=True)
    palette = colours(row["family"] for row in rows)
    largest = float(tables[Table.SIZES]["parameters"].max())
    for axes, dataset, lines in zip(grid[:, 0], datasets, by_dataset, strict=True):
        for y, row in enumerate(lines):
            draw_line(axes, y, row, palette[row["family"]], largest)
        names = [
            f"{row['family']}, {'all depths' if row['depth'] == ALL else 'depth ' + row['depth']}" for row in lines
        ]
        axes.set_yticks(range(len(lines)), names, fontsize=8)
        for label, row in zip(axes.get_yticklabels(), lines, strict=True):
            label.set_fontweight("bold" if row["depth"] == ALL else "normal")
        axes.set_ylim(len(lines) - 0.5, -0.5)
        axes.grid(axis="y", visible=False)
        axes.set_title(dataset)
        log_axis(axes, [*tables[Table.MINIMAL][COUNTS].stack().astype(float), largest])
    grid[-1, 0].set_xlabel("trainable parameters")
    entries: list[tuple[str, dict[str, Any]]] = [
        (f"{P_MIN_SAID}: every larger size learns reliably", {"marker": "o", "color": INK}),
        (f"{P_NEAR_BEST_SAID}: as good as the best within the margin", {"marker": "o", "markerfacecolor": "white"}),
        ("at the edge of what was run", {"marker": "<"}),
    ]
    legend_above(figure, entries)
    return figure


def draw_line(axes: Axes, y: int, row: dict[str, Any], colour: str, largest: float) -> None:
    """Both numbers of a row with their intervals; one that leaves the sizes that were run ends at `largest`."""
    for columns, shift, face in [(P_MIN, -0.14, colour), (P_NEAR_BEST, 0.14, "white")]:
        value, low, high = row[columns.value], row[columns.low], row[columns.high]
        if pd.isna(value):
            continue
        if pd.notna(low):
            end = largest if pd.isna(high) else float(high)
            axes.plot([float(low), end], [y + shift] * 2, color=colour, linewidth=2, alpha=0.55)
        marker = ARROWS.get(row[f"{columns.value}_sign"], "o")
        axes.plot([float(value)], [y + shift], marker, color=colour, markerfacecolor=face)
