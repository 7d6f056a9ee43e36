"""Structured pruning: accuracy of the physically smaller networks against the computation that they need."""

from itertools import chain
from textwrap import fill
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from minarch.analysis.controls import is_control
from minarch.reporting.figures.families import TALLEST, models_in_panels
from minarch.reporting.figures.style import BAR, INK, legend_above, log_axis, panels, percent_axis
from minarch.reporting.tables import Table, Tables
from minarch.reporting.tables.pruning import FRONT, accuracy_column
from minarch.reporting.tables.read import REMOVED_SHARE
from minarch.reporting.wording import role_name

BASE, PRUNED, FINETUNED = accuracy_column("base"), accuracy_column("pruned"), accuracy_column("finetuned")
# Methods in colour with one marker each, controls in grey and black.
LOOKS = [("#0072B2", "o"), ("#D55E00", "D"), ("#009E73", "v"), ("#CC79A7", "P"), ("#E69F00", "^"), ("#56B4E9", "X")]
PLAIN = [("#8c8c8c", "o"), (INK, "o"), ("#b8b8b8", "D"), ("#555555", "D")]
TITLE = 30  # characters
EDGE = {"markeredgecolor": INK, "markeredgewidth": 1.3, "markersize": 7}  # of a network on the front


def looks(pruning: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """The properties of each method's line: colour, marker, dotted for a control."""
    methods = pruning.drop_duplicates("method").sort_values("method")
    lines: dict[str, dict[str, Any]] = {}
    for control, rows in methods.groupby(is_control(methods)):
        choice, line = (PLAIN, (0, (1, 1.2))) if control else (LOOKS, "-")
        for i, name in enumerate(rows["method"]):
            colour, marker = choice[i % len(choice)]
            lines[name] = {"color": colour, "marker": marker, "linestyle": line}
    return lines


def draw_method(axes: Axes, rows: pd.DataFrame, look: dict[str, Any], cut: bool) -> None:
    """A line from the original over the levels, with intervals; `cut`: also right after the cut, hollow."""
    rows = rows.sort_values("macs", ascending=False)
    first, tuned = rows.iloc[0], rows[FINETUNED.value]
    x, y = [first["macs_before"], *rows["macs"]], [first[BASE.value], *tuned]
    axes.plot(x, y, **look | {"marker": ""}, linewidth=1.2)
    axes.vlines(
        rows["macs"],
        rows[FINETUNED.low],
        rows[FINETUNED.high],
        color=look["color"],
        linewidth=2,
        alpha=0.35,
    )
    if cut:
        after = rows[PRUNED.value]
        axes.vlines(rows["macs"], after, tuned, color=look["color"], linewidth=0.8, alpha=0.5)
        axes.plot(rows["macs"], after, **look | {"linestyle": "none", "markerfacecolor": "white"})
    for front, points in rows.groupby(FRONT):
        edge = EDGE if front else {}
        axes.plot(points["macs"], points[FINETUNED.value], **look | edge | {"linestyle": "none"})


def limits(rows: pd.DataFrame, columns: list[str]) -> tuple[float, float]:
    """The ends of the accuracy axis, which all models of a data set and family share."""
    low, high = float(np.nanmin(rows[columns])), float(np.nanmax(rows[columns]))
    margin = max(0.01, 0.06 * (high - low))
    return max(0.0, low - margin), min(1.02, high + margin)


def draw_structured(tables: Tables) -> Figure | None:
    """One panel per model, at most nine, one line per method; what removed nothing is left out.

    Right after the cut only where there is one method: several would hide how they differ once trained.
    """
    pruning = tables[Table.PRUNING]
    pruning = pruning[(pruning[REMOVED_SHARE] > 0) & pruning[FINETUNED.value].notna()]
    if pruning.empty:
        return None
    methods = looks(pruning)
    shown = [BASE.value, FINETUNED.value]
    shown += [PRUNED.value] if len(methods) == 1 else []
    models = models_in_panels(pruning.sort_values("parameters_before", kind="stable"))
    figure, grid = panels(len(models), len(models[0]), row_height=min(2.5, TALLEST / len(models)))
    for axes, rows in zip(grid.flat, chain(*models), strict=True):
        if rows is None:
            axes.set_axis_off()
            continue
        first = rows.iloc[0]
        name = fill(first["architecture"], TITLE)  # of a ViT it is longer than the panel is wide
        axes.set_title(f"{first['dataset']}, {role_name(first['role'])}\n{name}", fontsize=7)
        for method, of_method in rows.groupby("method"):
            draw_method(axes, of_method, methods[str(method)], cut=len(methods) == 1)
        axes.plot([first["macs_before"]], [first[BASE.value]], "s", color=INK, markersize=7, zorder=4)
        log_axis(axes, [*rows["macs"], *rows["macs_before"]])
        family = (pruning["dataset"] == first["dataset"]) & (pruning["family"] == first["family"])
        axes.set_ylim(*limits(pruning[family], shown))
        percent_axis(axes)
        axes.tick_params(labelsize=7.5)
    figure.supxlabel("MACs that remain", fontsize=9)
    figure.supylabel("validation accuracy", fontsize=9)
    entries: list[tuple[str, dict[str, Any]]] = [("original", {"marker": "s"})]
    for name, look in methods.items():
        if len(methods) == 1:
            entries.append((f"{name}, after the cut", look | {"markerfacecolor": "white", "linestyle": "none"}))
        entries.append((f"{name}, then trained" if len(methods) == 1 else name, look))
    entries += [("on the data set's front", EDGE | {"marker": "o", "color": "white"}), ("interval of the mean", BAR)]
    legend_above(figure, entries, columns=6)
    return figure
