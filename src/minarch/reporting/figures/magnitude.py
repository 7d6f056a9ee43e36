"""Magnitude pruning without fine-tuning: plateau, degradation, collapse."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from minarch.analysis.records import MODEL
from minarch.reporting.figures.style import QUIET, colours, label_chance, legend_above, panels, percent_axis
from minarch.reporting.tables import ROLES, Tables

LINES = dict(zip(ROLES, [(0, (1, 1.2)), (0, (5, 1.5)), "-"], strict=True))


def draw_model(axes: Axes, curve: pd.DataFrame, found: pd.Series, colour: str) -> None:
    """The mean curve with its interval; the diamond is the end of the plateau, its bar the bootstrap interval."""
    role = str(found["role"])
    axes.fill_between(
        curve["level"], curve["validation_low"], curve["validation_high"], color=colour, alpha=0.12, linewidth=0
    )
    label = f"{role}: {100 * found['redundancy']:.3g}%"
    axes.plot(curve["level"], curve["validation_mean"], color=colour, linestyle=LINES[role], label=label)
    collapsed = curve[curve["phase"] == "collapse"]
    axes.plot(collapsed["level"], collapsed["validation_mean"], "x", color=colour, markersize=4.5)
    end = curve[curve["level"] == found["redundancy"]]["validation_mean"].iloc[0]
    axes.plot([found["redundancy_low"], found["redundancy_high"]], [end] * 2, color=colour, linewidth=4, alpha=0.4)
    axes.plot([found["redundancy"]], [end], "D", color=colour, markeredgecolor="white", zorder=4)


def draw_magnitude(tables: Tables) -> Figure:
    """One row per data set, one column per family, one curve per representative."""
    curves, redundancy = tables["magnitude"], tables["redundancy"]
    datasets, families = sorted(redundancy["dataset"].unique()), sorted(redundancy["family"].unique())
    chance = 1 / tables["data"].set_index("dataset")["classes"]
    figure, grid = panels(len(datasets), len(families), row_height=3.2, share_x=True, share_y=True)
    for (i, j), axes in np.ndenumerate(grid):
        rows = redundancy[(redundancy["dataset"] == datasets[i]) & (redundancy["family"] == families[j])]
        axes.set_title(f"{datasets[i]}: {families[j]}")
        label_chance(axes, chance[datasets[i]])
        axes.set_ylim(0, 1.02)
        percent_axis(axes)
        percent_axis(axes, "x")
        for _, found in rows.iterrows():
            curve = curves[(curves[MODEL] == found[MODEL].tolist()).all(axis=1)]
            draw_model(axes, curve, found, colours(families)[families[j]])
        if rows.empty:
            axes.text(0.5, 0.5, "not in this study", transform=axes.transAxes, ha="center", color=QUIET)
        else:
            axes.legend(title="redundant weights", alignment="left", loc="best")
    for axes in grid[-1]:
        axes.set_xlabel("share of weights set to zero")
    for axes in grid[:, 0]:
        axes.set_ylabel("validation accuracy")
    legend_above(
        figure,
        [("end of the plateau: the weights before it are redundant", {"marker": "D"}), ("collapsed", {"marker": "x"})],
    )
    return figure
