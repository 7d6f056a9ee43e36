"""Test accuracy of each data set's recommended model, class by class."""

from math import ceil
from textwrap import fill
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from minarch.analysis.intervals import Columns, of_mean
from minarch.reporting.figures.families import TALLEST, accuracy_axis, note_rest
from minarch.reporting.figures.style import panels
from minarch.reporting.tables import Table, Tables
from minarch.reporting.tables.answers import SAMPLED as ENDS

MOST, ACROSS = 9, 3  # panels of a figure, and of a row
LEGIBLE = {1: 26, 2: 12, 3: 10}  # classes that a panel names, by panels in a row
TITLE = 120  # characters of a row of titles
CHARACTERS = 100  # of all names of a row that stand beside each other
COLOUR = "#0072B2"
ACCURACY = of_mean("accuracy")
SAMPLED = Columns(ACCURACY.value, *ENDS)


def draw_classes(tables: Tables) -> Figure | None:
    """One panel per data set, the first MOST of them: a point per class with its interval over the repeats, and
    pale that over the repeats and the test images.

    In the order of the classes; of more than are LEGIBLE those of lowest accuracy.
    """
    classes = tables[Table.CLASSES]
    datasets = list(classes["dataset"].unique())[:MOST]
    if not datasets:
        return None
    across = len(datasets) if len(datasets) < ACROSS else 2 if len(datasets) == 4 else ACROSS
    down = ceil(len(datasets) / across)
    figure, grid = panels(down, across, row_height=min(1.9, TALLEST / down))
    for axes in grid.flat[len(datasets) :]:
        axes.set_axis_off()
    for axes, dataset in zip(grid.flat, datasets, strict=False):
        rows = classes[classes["dataset"] == dataset]
        few = rows.nsmallest(LEGIBLE[across], ACCURACY.value).sort_values("class")
        poorest = f", the {len(few)} poorest of {len(rows)} classes" if len(few) < len(rows) else ""
        name = f"{dataset}: {rows['model'].iloc[0]}, n = {rows['n'].min()}{poorest}"
        axes.set_title(fill(name, TITLE // across), fontsize=9 if across == 1 else 7)
        for ends, alpha in ((SAMPLED, 0.25), (ACCURACY, 0.5)):
            axes.vlines(range(len(few)), few[ends.low], few[ends.high], color=COLOUR, linewidth=2, alpha=alpha)
        axes.plot(range(len(few)), few[ACCURACY.value], "o", color=COLOUR, clip_on=False)
        accuracy_axis(axes, *(few[column].dropna() for column in SAMPLED))
        name_classes(axes, [str(name) for name in few["name"]], across)
    for axes in grid[:, 0]:
        axes.set_ylabel("test accuracy", fontsize=9)
    note_rest(figure, len(datasets), int(classes["dataset"].nunique()))
    return figure


def name_classes(axes: Axes, names: list[str], across: int) -> None:
    """The names below the points, slanted where they would not fit beside each other."""
    fits = sum(len(name) + 2 for name in names) <= CHARACTERS / across
    look: dict[str, Any] = {} if fits else {"rotation": 40, "ha": "right", "rotation_mode": "anchor"}
    axes.set_xticks(range(len(names)), names, fontsize=8, **look)
    axes.set_xlim(-0.6, len(names) - 0.4)
    axes.grid(axis="x", visible=False)
