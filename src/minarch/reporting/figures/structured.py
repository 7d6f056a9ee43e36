"""Structured pruning: accuracy of the physically smaller networks, right after the cut and after fine-tuning."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from minarch.analysis.records import MODEL
from minarch.reporting.figures.magnitude import LINES
from minarch.reporting.figures.style import QUIET, colours, legend_above, log_axis, panels, percent_axis
from minarch.reporting.tables import ROLES, Tables


def draw_model(axes: Axes, rows: pd.DataFrame, colour: str) -> None:
    """One representative: the original as a square, each level as hollow (cut) and filled (fine-tuned) circle."""
    rows = rows.sort_values("level")
    first = rows.iloc[0]
    x = [first["parameters_before"], *rows["parameters"]]
    axes.plot(
        x,
        [first["validation_base_mean"], *rows["validation_finetuned_mean"]],
        color=colour,
        linestyle=LINES[first["role"]],
    )
    axes.vlines(
        rows["parameters"],
        rows["validation_pruned_mean"],
        rows["validation_finetuned_mean"],
        color=colour,
        linewidth=0.8,
        alpha=0.5,
    )
    axes.vlines(
        rows["parameters"],
        rows["validation_finetuned_low"],
        rows["validation_finetuned_high"],
        color=colour,
        linewidth=2.5,
        alpha=0.5,
    )
    axes.plot(rows["parameters"], rows["validation_pruned_mean"], "o", color=colour, markerfacecolor="white")
    axes.plot(rows["parameters"], rows["validation_finetuned_mean"], "o", color=colour)
    axes.plot([first["parameters_before"]], [first["validation_base_mean"]], "s", color=colour, markersize=7)


def draw_structured(tables: Tables) -> Figure:
    """One row per data set, one column per family."""
    pruning = tables["pruning"]
    datasets, families = sorted(pruning["dataset"].unique()), sorted(pruning["family"].unique())
    figure, grid = panels(len(datasets), len(families), row_height=3.2, share_y=True)
    for (i, j), axes in np.ndenumerate(grid):
        rows = pruning[(pruning["dataset"] == datasets[i]) & (pruning["family"] == families[j])]
        axes.set_title(f"{datasets[i]}: {families[j]}")
        percent_axis(axes)
        log_axis(axes, [*rows["parameters"], *rows["parameters_before"]])
        if rows.empty:
            axes.text(0.5, 0.5, "not in this study", transform=axes.transAxes, ha="center", color=QUIET)
        for _, model in rows.groupby([*MODEL, "importance"]):
            draw_model(axes, model, colours(families)[families[j]])
    for axes in grid[-1]:
        axes.set_xlabel("parameters that remain")
    for axes, dataset in zip(grid[:, 0], datasets, strict=True):
        shown = pruning.loc[pruning["dataset"] == dataset, ["validation_pruned_mean", "validation_base_mean"]]
        axes.set_ylim(max(0, shown.min(axis=None) - 0.05), min(1.02, shown.max(axis=None) + 0.05))
        axes.set_ylabel("validation accuracy")
    marks = [("original", {"marker": "s"}), ("cut", {"marker": "o", "markerfacecolor": "white"})]
    marks.append(("fine-tuned (bar: interval)", {"marker": "o"}))
    legend_above(figure, marks + [(role, {"linestyle": LINES[role]}) for role in ROLES if role in set(pruning["role"])])
    return figure
