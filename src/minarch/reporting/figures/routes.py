"""Accuracy against bytes of every final model, by the route that led to it, with the answer marked."""

from math import ceil
from textwrap import wrap
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from minarch.analysis.front import pareto_front, worthwhile
from minarch.analysis.intervals import VALIDATION, Columns
from minarch.analysis.routes import in_order
from minarch.analysis.sampling import TEST_SAMPLED
from minarch.quantization import FLOAT32, INT8
from minarch.reporting.figures.families import TALLEST, note_rest
from minarch.reporting.figures.style import INK, QUIET, legend_above, log_axis, panels, percent_axis
from minarch.reporting.tables import Table, Tables, rows_of
from minarch.reporting.tables.models import RECOMMENDED
from minarch.reporting.wording import exact_percent

MOST, ACROSS = 9, 3  # panels of the figure, and of a row
NAME = 20  # characters of a line of a name
LINE = 8  # entries of the legend
LINE_HEIGHT, LABELS = 0.14, 0.4  # inches of a line of a name, and of what stands around a panel
WINDOW, MARGIN = 0.06, 0.005  # of accuracy below the best, and around what is drawn
MARKERS = {FLOAT32: "o", INT8: "D", "int4": "s", "nf4": "^"}
COLOURS = ["#0072B2", "#E69F00", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#000000"]  # Okabe and Ito
STAR: dict[str, Any] = {"marker": "*", "color": "#F0E442", "markeredgecolor": INK}
SPLITS = {"validation images, which chose": VALIDATION, "test images, which chose nothing": TEST_SAMPLED}


def draw_models(axes: Axes, models: pd.DataFrame, accuracy: Columns, palette: dict[str, str]) -> None:
    """A point per model, hollow in fewer bits. On validation images a line per route joins the models that no other of
    the route beats there.
    """
    for route, of_route in models.groupby("route"):
        colour = palette[str(route)]
        for row in rows_of(of_route):
            face = colour if row["precision"] == FLOAT32 else "white"
            look: dict[str, Any] = {"color": colour, "markerfacecolor": face, "zorder": 3}
            axes.plot(row["bytes"], row[accuracy.value], MARKERS[row["precision"]], **look)
        if accuracy == VALIDATION:
            cost, value = (of_route[name].to_numpy(float) for name in ("bytes", accuracy.value))
            front = of_route[pareto_front(cost, value)].sort_values(["bytes", accuracy.value])
            steps: dict[str, Any] = {"color": colour, "linewidth": 1.1, "alpha": 0.7, "drawstyle": "steps-post"}
            axes.plot(front["bytes"], front[accuracy.value], **steps)


def name_lines(answer: dict[str, Any]) -> list[str]:
    """The name of its model in lines: a new one after every comma, and where it gets too long, at a hyphen."""
    return [line for part in str(answer["model"]).split(", ") for line in wrap(part, NAME)]


def draw_answer(axes: Axes, answer: dict[str, Any], accuracy: Columns, sizes: np.ndarray, target: float | None) -> None:
    """The answer: on validation images its name above and to the left, where no model is as good; on test images its
    interval over trainings and test images.

    Args:
        sizes: bytes of the models that are drawn; the axis leaves room for the name.
        target: if there is one, the name stands below it: smaller models, which are not reliable, can be as good.
    """
    lines = name_lines(answer)
    width = axes.get_position().width or 0.4
    room = min(0.6, 0.06 + 0.0054 * max(map(len, lines)) / width)  # of the axis, on its logarithmic scale
    free = sizes.max() / answer["bytes"] if target is None else answer["bytes"] / sizes.min()
    span = free ** (room / (1 - room))
    ends = [answer["bytes"] / span, sizes.max()] if target is None else [sizes.min(), answer["bytes"] * span]
    log_axis(axes, [min(sizes.min(), ends[0]), max(sizes.max(), ends[1])], unit="B")
    axes.plot(answer["bytes"], answer[accuracy.value], **STAR, markersize=15, zorder=5)
    if accuracy == TEST_SAMPLED:
        axes.vlines(answer["bytes"], answer[accuracy.low], answer[accuracy.high], color=INK, linewidth=1.3, zorder=4)
        return
    place: dict[str, Any] = {"xytext": (-10, 6), "textcoords": "offset points", "ha": "right", "va": "bottom"}
    at = answer[accuracy.value]
    if target is not None:
        axes.vlines(answer["bytes"], target, at, color=QUIET, linewidth=0.9, zorder=1)
        place |= {"xytext": (-3, -4), "ha": "left", "va": "top"}
        at = target
    axes.annotate("\n".join(lines), (answer["bytes"], at), fontsize=8, zorder=6, **place)


def draw_routes(tables: Tables, max_drop_points: float, target: float | None = None) -> Figure | None:
    """Of one data set its models on validation and on test images; of several those on validation images, one panel
    for each of the first MOST that have an answer. A line shows the bound: so far below the best, or the target.
    """
    models, front = worthwhile(tables[Table.MODELS]), tables[Table.FRONT]
    answers = rows_of(front[front[RECOMMENDED].astype(bool)])[:MOST]
    if not answers:
        return None
    best = models["dataset"].map(front.groupby("dataset")[VALIDATION.value].max())
    shortest = pd.Series({answer["dataset"]: answer[VALIDATION.value] for answer in answers})
    foot = best if target is None else models["dataset"].map(shortest)
    models = models[models[VALIDATION.value] >= foot - WINDOW]
    palette = {route: COLOURS[i % len(COLOURS)] for i, route in enumerate(in_order(models["route"]))}
    splits = SPLITS if len(answers) == 1 else dict([*SPLITS.items()][:1])
    shown = [(answer, title, accuracy) for answer in answers for title, accuracy in splits.items()]
    across = min(len(shown), 2 if len(shown) == 4 else ACROSS)
    down = ceil(len(shown) / across)
    height = min(3.0, TALLEST / down)
    figure, grid = panels(down, across, row_height=height, share_y=len(answers) == 1)
    for axes in grid.flat[len(shown) :]:
        axes.set_axis_off()
    for axes, (answer, title, accuracy) in zip(grid.flat, shown, strict=False):
        rows = models[models["dataset"] == answer["dataset"]]
        best_of_all = front.loc[front["dataset"] == answer["dataset"], VALIDATION.value].max()
        axes.set_title(f"{answer['dataset']}: {title}" if len(answers) == 1 else answer["dataset"])
        draw_models(axes, rows, accuracy, palette)
        draw_answer(axes, answer, accuracy, rows["bytes"].to_numpy(float), target)
        if accuracy == VALIDATION:
            bound = best_of_all - max_drop_points / 100 if target is None else target
            axes.axhline(bound, color=QUIET, linewidth=0.9, linestyle=(0, (1, 2)), zorder=1)
        accuracies = rows[[split.value for split in splits.values()]].to_numpy(float)
        deepest = (best_of_all if target is None else answer[VALIDATION.value]) - WINDOW
        lowest = max(deepest, np.nanmin(accuracies))
        low, high = lowest - MARGIN, min(np.nanmax(accuracies), 1.0) + 2 * MARGIN
        name = (len(name_lines(answer)) + 1) * LINE_HEIGHT / (height - LABELS)  # share of the panel
        high = max(high, low + (answer[VALIDATION.value] - low) / (1 - min(name, 0.5)))
        if target is not None:
            low = min(low, target - MARGIN, (target - min(name, 0.5) * high) / (1 - min(name, 0.5)))
        axes.set_ylim(low, high)
        axes.set_yticks([tick for tick in axes.get_yticks() if low <= tick <= min(high, 1.0)])
        percent_axis(axes)
    for axes in grid[-1]:
        axes.set_xlabel("bytes of the exported file")
    for axes in grid[:, 0]:
        axes.set_ylabel("accuracy" if len(answers) == 1 else "validation accuracy", fontsize=9)
    note_rest(figure, len(answers), int(front["dataset"].nunique()))
    entries = [(route, {"marker": "o", "color": colour}) for route, colour in palette.items()]
    hollow = {name: {} if name == FLOAT32 else {"markerfacecolor": "white"} for name in MARKERS}
    kinds = [(n.upper(), {"marker": MARKERS[n], **hollow[n]}) for n in MARKERS if n in set(models["precision"])]
    points = f"{max_drop_points:g} point{'' if max_drop_points == 1 else 's'}"
    named = f"{points} below the best" if target is None else f"target, {exact_percent(target)} %"
    bound_line = (named, {"linestyle": (0, (1, 2)), "color": QUIET})
    legend = [*entries, *kinds, ("the answer", STAR | {"markersize": 12}), bound_line]
    legend_above(figure, legend, columns=len(legend) if len(legend) <= LINE else ceil(len(legend) / 2))
    return figure
