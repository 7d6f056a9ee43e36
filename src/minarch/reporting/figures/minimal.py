"""Minimal sizes with their bootstrap intervals, by data set, family and depth."""

import pandas as pd
from matplotlib.figure import Figure

from minarch.analysis.minimal import P_MIN, P_NEAR_BEST
from minarch.reporting.figures.style import INK, colours, legend_above, log_axis, panels
from minarch.reporting.tables import Table, Tables
from minarch.reporting.tables.sweep import COUNTS


def draw_minimal(tables: Tables) -> Figure:
    """One row per family and depth: P_min (filled), P_near_best (hollow); an arrow: the interval leaves the grid."""
    minimal = tables[Table.MINIMAL]
    datasets = sorted(minimal["dataset"].unique())
    rows_per_set = max(len(rows) for _, rows in minimal.groupby("dataset"))
    figure, grid = panels(len(datasets), 1, row_height=0.36 * rows_per_set + 0.7, share_x=True)
    palette = colours(minimal["family"])
    largest = float(tables[Table.SIZES]["parameters"].max())
    for axes, dataset in zip(grid[:, 0], datasets, strict=True):
        rows = minimal[minimal["dataset"] == dataset].reset_index(drop=True)
        labels = []
        for y, row in rows.iterrows():
            colour = palette[row["family"]]
            labels.append(f"{row['family']}, {'all depths' if row['depth'] == 'all' else 'depth ' + row['depth']}")
            for columns, shift, face in [(P_MIN, -0.14, colour), (P_NEAR_BEST, 0.14, "white")]:
                value, low, high = row[list(columns)]
                if pd.isna(low):
                    continue
                end = largest if pd.isna(high) else float(high)
                axes.plot([float(low), end], [y + shift] * 2, color=colour, linewidth=2, alpha=0.55)
                if pd.isna(high):
                    axes.plot([end], [y + shift], ">", color=colour)
                if pd.notna(value):
                    axes.plot([float(value)], [y + shift], "o", color=colour, markerfacecolor=face)
        axes.set_yticks(range(len(rows)), labels)
        for label, depth in zip(axes.get_yticklabels(), rows["depth"], strict=True):
            label.set_fontweight("bold" if depth == "all" else "normal")
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.grid(axis="y", visible=False)
        axes.set_title(dataset)
        log_axis(axes, [*minimal[COUNTS].stack().astype(float), largest])
    grid[-1, 0].set_xlabel("trainable parameters")
    legend_above(
        figure,
        [
            ("P_min: every larger size learns reliably", {"marker": "o", "color": INK}),
            ("P_near_best: as good as the best within the margin", {"marker": "o", "markerfacecolor": "white"}),
        ],
    )
    return figure
