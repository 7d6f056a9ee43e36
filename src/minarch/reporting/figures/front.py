"""Accuracy against bytes, of the file or as C: the front is chosen on validation images and checked on test images."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from minarch.analysis.intervals import VALIDATION, Columns
from minarch.analysis.sampling import TEST_SAMPLED
from minarch.contract import ORIGINAL
from minarch.quantization import FLOAT32, INT8
from minarch.reporting.figures.style import INK, QUIET, colours, legend_above, log_axis, panels, percent_axis
from minarch.reporting.tables import Table, Tables, rows_of
from minarch.reporting.tables.compiled import C_BYTES
from minarch.reporting.tables.models import RECOMMENDED

WINDOW = 0.1  # models further below the best are not drawn: the front would be a flat line
MARKERS = {FLOAT32: "o", INT8: "D", "int4": "s", "nf4": "^"}
SPLITS: list[tuple[str, Columns, dict[str, Any]]] = [  # title, accuracy, line of the front
    ("chosen on validation", VALIDATION, {"drawstyle": "steps-post"}),
    ("checked on test", TEST_SAMPLED, {"linestyle": (0, (2, 2))}),
]


def draw_models(axes: Axes, models: pd.DataFrame, unit: str, accuracy: str, palette: dict[str, str]) -> None:
    """One point per model by the columns `unit` and `accuracy`, hollow for a pruned one."""
    for row in rows_of(models):
        colour = palette[row["family"]]
        face = colour if row["method"] == ORIGINAL else "white"
        axes.plot(
            [row[unit]],
            [row[accuracy]],
            MARKERS[row["precision"]],
            color=colour,
            markerfacecolor=face,
            alpha=0.9,
            zorder=3,
        )


def draw_front(tables: Tables) -> Figure:
    """One row per data set: the same models on the images that chose them and on the images that did not."""
    return _drawn(tables[Table.MODELS], tables[Table.FRONT], "bytes", "bytes of the exported file")


def draw_c_front(tables: Tables) -> Figure | None:
    """The same of the models that there is C of; None: of none, because there was no compiler."""
    models = tables[Table.MODELS].dropna(subset=[C_BYTES])
    return None if models.empty else _drawn(models, tables[Table.FRONT_C], C_BYTES, "bytes of code and weights as C")


def _drawn(models: pd.DataFrame, front: pd.DataFrame, unit: str, label: str) -> Figure:
    """Two panels per data set of `models` by the column `unit`, with their front."""
    datasets, families = list(models["dataset"].unique()), sorted(models["family"].unique())
    drawn = set(models["precision"])
    figure, grid = panels(len(datasets), 2, row_height=3.8, share_y=True)
    for i, dataset in enumerate(datasets):
        rows, chosen = models[models["dataset"] == dataset], front[front["dataset"] == dataset]
        for axes, (title, accuracy, style) in zip(grid[i], SPLITS, strict=True):
            draw_models(axes, rows, unit, accuracy.value, colours(families))
            axes.plot(chosen[unit], chosen[accuracy.value], color=QUIET, linewidth=1.2, zorder=2, **style)
            for row in rows_of(chosen[chosen[RECOMMENDED].astype(bool)]):
                mean, low, high = (row[column] for column in accuracy)
                axes.vlines(row[unit], low, high, color=INK, linewidth=1.5, zorder=4)
                axes.plot([row[unit]], [mean], "*", color="#F0E442", markeredgecolor=INK, markersize=15, zorder=5)
            log_axis(axes, rows[unit], unit="B")
            percent_axis(axes)
            axes.set_title(f"{dataset}: {title}")
            axes.set_xlabel(label)
        low, high = rows[VALIDATION.value].min(), rows[VALIDATION.value].max()
        grid[i, 0].set_ylim(max(low, high - WINDOW) - 0.02, min(high + 0.02, 1.005))
        grid[i, 0].set_ylabel("accuracy")
        if hidden := int((rows[VALIDATION.value] < high - WINDOW).sum()):
            text = f"{hidden} of {len(rows)} models lie lower"
            grid[i, 0].text(0.97, 0.03, text, transform=grid[i, 0].transAxes, ha="right", color=QUIET, fontsize=8)
    entries = [(family, {"marker": "o", "color": colours(families)[family]}) for family in families]
    kinds = [
        *((precision.upper(), {"marker": MARKERS[precision]}) for precision in MARKERS if precision in drawn),
        ("pruned", {"marker": "o", "markerfacecolor": "white"}),
    ]
    star = {"marker": "*", "color": "#F0E442", "markeredgecolor": INK, "markersize": 13}
    legend_above(figure, [*entries, *kinds, ("front", {"linestyle": "-", "color": QUIET}), ("recommended", star)])
    return figure
