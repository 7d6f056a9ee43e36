"""Accuracy against bytes of every final model, by the route that led to it, with the answer marked."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from minarch.analysis.front import pareto_front, worthwhile
from minarch.analysis.intervals import TEST, VALIDATION
from minarch.analysis.routes import TRAIN_SMALL
from minarch.quantization import FLOAT32, INT8
from minarch.reporting.figures.style import INK, QUIET, legend_above, log_axis, panels, percent_axis
from minarch.reporting.tables import Table, Tables, rows_of
from minarch.reporting.tables.models import RECOMMENDED

WINDOW, MARGIN = 0.06, 0.005  # of accuracy below the best, and around what is drawn
LEFT = 0.45  # of the width, which is free for the answer's name: left of it nothing is as good
MARKERS = {FLOAT32: "o", INT8: "D", "int4": "s", "nf4": "^"}
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]  # Okabe and Ito
STAR: dict[str, Any] = {"color": "#F0E442", "markeredgecolor": INK, "zorder": 5}
SPLITS = {"validation images, which chose": VALIDATION, "test images, which chose nothing": TEST}


def colours(routes: list[str]) -> dict[str, str]:
    """The colour of each route, that of TRAIN_SMALL first."""
    ordered = sorted(routes, key=lambda route: (route != TRAIN_SMALL, route))
    return {route: COLOURS[i % len(COLOURS)] for i, route in enumerate(ordered)}


def draw_points(axes: Axes, models: pd.DataFrame, accuracy: str, palette: dict[str, str]) -> None:
    """A point per model, and of each route the line of those that none of the route beats."""
    for route, rows in models.groupby("route"):
        front = rows[pareto_front(rows["bytes"].to_numpy(float), rows[VALIDATION.value].to_numpy(float))]
        steps = front.sort_values(["bytes", VALIDATION.value])
        style = {"drawstyle": "steps-post"} if accuracy == VALIDATION.value else {"linestyle": (0, (2, 2))}
        axes.plot(steps["bytes"], steps[accuracy], color=palette[route], linewidth=1.1, alpha=0.7, **style)
        for precision, stored in rows.groupby("precision"):
            face = palette[route] if precision == FLOAT32 else "white"
            look = {"color": palette[route], "markerfacecolor": face, "linestyle": "none", "markersize": 5}
            axes.plot(stored["bytes"], stored[accuracy], MARKERS[precision], **look, zorder=3)


def draw_answer(axes: Axes, answer: dict[str, Any], models: pd.DataFrame, bound: float) -> None:
    """The answer with its name to the left, above the bound that it keeps; no smaller model is drawn there."""
    smallest, largest = models["bytes"].min(), models["bytes"].max()
    low = min(smallest, answer["bytes"] / (largest / answer["bytes"]) ** (LEFT / (1 - LEFT)))
    log_axis(axes, [low, largest], unit="B")
    axes.axhline(bound, color=QUIET, linewidth=0.9, linestyle=(0, (1, 2)), zorder=1)
    axes.plot([answer["bytes"]], [answer[VALIDATION.value]], "*", **STAR, markersize=15)
    place: dict[str, Any] = {"xytext": (-10, 6), "textcoords": "offset points", "ha": "right", "va": "bottom"}
    name = "\n".join(str(answer["model"]).split(", "))
    axes.annotate(name, (answer["bytes"], answer[VALIDATION.value]), fontsize=8, color=INK, zorder=6, **place)


def draw_routes(tables: Tables, max_drop_points: float) -> Figure | None:
    """One row per data set that has an answer: the same models on validation and on test images."""
    models, front = tables[Table.MODELS], tables[Table.FRONT]
    answers = rows_of(front[front[RECOMMENDED].astype(bool)])
    if not answers:
        return None
    palette = colours(list(models["route"].unique()))
    figure, grid = panels(len(answers), len(SPLITS), row_height=3.6, share_x="row", share_y=True)
    shown = []
    for line, answer in zip(grid, answers, strict=True):
        rows = worthwhile(models[models["dataset"] == answer["dataset"]])
        best = front.loc[front["dataset"] == answer["dataset"], VALIDATION.value].max()
        rows = rows[rows[VALIDATION.value] >= best - WINDOW]
        shown.append(rows)
        for axes, (title, accuracy) in zip(line, SPLITS.items(), strict=True):
            draw_points(axes, rows, accuracy.value, palette)
            percent_axis(axes)
            axes.set_title(f"{answer['dataset']}: {title}")
            axes.set_xlabel("bytes on disk")
        draw_answer(line[0], answer, rows, best - max_drop_points / 100)
        line[1].plot([answer["bytes"]], [answer[TEST.value]], "*", **STAR, markersize=15)
        line[1].vlines(answer["bytes"], answer[TEST.low], answer[TEST.high], color=INK, linewidth=1.3, zorder=4)
        highest = max(rows[VALIDATION.value].max(), rows[TEST.value].max(), answer[TEST.high])
        line[0].set_ylim(best - WINDOW - MARGIN, min(highest + MARGIN, 1.0 + MARGIN))
        line[0].set_ylabel("accuracy")
    drawn = pd.concat(shown)
    entries = [(route, {"marker": "o", "color": palette[route]}) for route in palette if route in set(drawn["route"])]
    faces = {name: {} if name == FLOAT32 else {"markerfacecolor": "white"} for name in MARKERS}
    kinds = [(n.upper(), {"marker": MARKERS[n], **faces[n]}) for n in MARKERS if n in set(drawn["precision"])]
    bound = ("bound", {"linestyle": (0, (1, 2)), "color": QUIET})
    legend_above(figure, [*entries, *kinds, ("the answer", {"marker": "*", "markersize": 12, **STAR}), bound])
    return figure
