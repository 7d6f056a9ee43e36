"""Accuracy against bytes of every final model, by the route that led to it, with the answer marked."""

from math import ceil
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from minarch.analysis.front import pareto_front, worthwhile
from minarch.analysis.intervals import TEST, VALIDATION
from minarch.analysis.routes import in_order
from minarch.quantization import FLOAT32, INT8
from minarch.reporting.figures.style import INK, QUIET, legend_above, log_axis, panels, percent_axis
from minarch.reporting.tables import Table, Tables, rows_of
from minarch.reporting.tables.models import RECOMMENDED

MOST = 8  # entries that a line of the legend holds
WINDOW, MARGIN = 0.06, 0.005  # of accuracy below the best, and around what is drawn
MARKERS = {FLOAT32: "o", INT8: "D", "int4": "s", "nf4": "^"}
COLOURS = ["#0072B2", "#E69F00", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#000000"]  # Okabe and Ito
STAR: dict[str, Any] = {"marker": "*", "color": "#F0E442", "markeredgecolor": INK}
SPLITS = {"validation images, which chose": VALIDATION, "test images, which chose nothing": TEST}


def draw_points(axes: Axes, models: pd.DataFrame, accuracy: str, colour: str) -> None:
    """A point per model of a route, hollow in fewer bits."""
    for row in rows_of(models):
        face = colour if row["precision"] == FLOAT32 else "white"
        axes.plot(row["bytes"], row[accuracy], MARKERS[row["precision"]], color=colour, markerfacecolor=face, zorder=3)


def draw_front(axes: Axes, models: pd.DataFrame, colour: str) -> None:
    """The line of the models of a route that no other of them beats on validation images."""
    bytes_, accuracy = (models[name].to_numpy(float) for name in ("bytes", VALIDATION.value))
    front = models[pareto_front(bytes_, accuracy)].sort_values(["bytes", VALIDATION.value])
    axes.plot(front["bytes"], front[VALIDATION.value], color=colour, linewidth=1.1, alpha=0.7, drawstyle="steps-post")


def draw_answer(axes: Axes, answer: dict[str, Any], sizes: np.ndarray, bound: float) -> None:
    """The answer with its name to the left, above the bound that it keeps: there is no smaller model.

    Args:
        sizes: bytes of the models that are drawn; the axis leaves room for the name.
    """
    lines = str(answer["model"]).split(", ")
    room = min(0.5, 0.06 + 0.0135 * max(map(len, lines)))  # of the axis, on its logarithmic scale
    left = answer["bytes"] / (sizes.max() / answer["bytes"]) ** (room / (1 - room))
    log_axis(axes, [min(sizes.min(), left), sizes.max()], unit="B")
    axes.axhline(bound, color=QUIET, linewidth=0.9, linestyle=(0, (1, 2)), zorder=1)
    axes.plot(answer["bytes"], answer[VALIDATION.value], **STAR, markersize=15, zorder=5)
    place: dict[str, Any] = {"xytext": (-10, 6), "textcoords": "offset points", "ha": "right", "va": "bottom"}
    axes.annotate("\n".join(lines), (answer["bytes"], answer[VALIDATION.value]), fontsize=8, zorder=6, **place)


def draw_routes(tables: Tables, max_drop_points: float) -> Figure | None:
    """One row per data set that has an answer: the same models on validation and on test images."""
    models, front = worthwhile(tables[Table.MODELS]), tables[Table.FRONT]
    answers = rows_of(front[front[RECOMMENDED].astype(bool)])
    if not answers:
        return None
    best = models["dataset"].map(front.groupby("dataset")[VALIDATION.value].max())
    models = models[models[VALIDATION.value] >= best - WINDOW]
    palette = {route: COLOURS[i % len(COLOURS)] for i, route in enumerate(in_order(models["route"]))}
    figure, grid = panels(len(answers), len(SPLITS), row_height=3.6, share_x="row", share_y=True)
    for line, answer in zip(grid, answers, strict=True):
        rows = models[models["dataset"] == answer["dataset"]]
        for axes, (title, accuracy) in zip(line, SPLITS.items(), strict=True):
            for route, of_route in rows.groupby("route"):
                draw_points(axes, of_route, accuracy.value, palette[str(route)])
            percent_axis(axes)
            axes.set_title(f"{answer['dataset']}: {title}")
            axes.set_xlabel("bytes on disk")
        for route, of_route in rows.groupby("route"):
            draw_front(line[0], of_route, palette[str(route)])
        best_of_all = front.loc[front["dataset"] == answer["dataset"], VALIDATION.value].max()
        draw_answer(line[0], answer, rows["bytes"].to_numpy(float), best_of_all - max_drop_points / 100)
        line[1].plot(answer["bytes"], answer[TEST.value], **STAR, markersize=15, zorder=5)
        line[1].vlines(answer["bytes"], answer[TEST.low], answer[TEST.high], color=INK, linewidth=1.3, zorder=4)
        accuracies = rows[[VALIDATION.value, TEST.value]].to_numpy(float)
        lowest = max(best_of_all - WINDOW, np.nanmin(accuracies))
        line[0].set_ylim(lowest - MARGIN, min(np.nanmax(accuracies), 1.0) + 2 * MARGIN)
        line[0].set_ylabel("accuracy")
    entries = [(route, {"marker": "o", "color": colour}) for route, colour in palette.items()]
    hollow = {name: {} if name == FLOAT32 else {"markerfacecolor": "white"} for name in MARKERS}
    kinds = [(n.upper(), {"marker": MARKERS[n], **hollow[n]}) for n in MARKERS if n in set(models["precision"])]
    points = f"{max_drop_points:g} point{'' if max_drop_points == 1 else 's'}"
    bound = (f"{points} below the best", {"linestyle": (0, (1, 2)), "color": QUIET})
    legend = [*entries, *kinds, ("the answer", STAR | {"markersize": 12}), bound]
    legend_above(figure, legend, columns=len(legend) if len(legend) <= MOST else ceil(len(legend) / 2))
    return figure
