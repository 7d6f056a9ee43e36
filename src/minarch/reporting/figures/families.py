"""Panels of a figure: a row per data set, a column per family, nine at most."""

from collections.abc import Iterable, Sized
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from minarch.analysis.choice import ROLES
from minarch.analysis.records import MODEL
from minarch.reporting.figures.style import QUIET, missing, panels, percent_axis

MOST = 9  # panels of a figure: more are too small to be read
TALLEST = 6.4  # inches of all panels: a figure and its caption fit on a screen


@dataclass(frozen=True, kw_only=True)
class Panel:
    """The axes of one data set and family, and their rows of the table."""

    axes: Axes
    dataset: str
    family: str
    rows: pd.DataFrame


def fitting(datasets: Iterable[str], columns: Sized) -> list[str]:
    """The first data sets, as many as have room for a panel in each of the `columns`."""
    return list(datasets)[: max(1, MOST // max(1, len(columns)))]


def family_panels(
    table: pd.DataFrame, *, row_height: float, x: str, y: str, share_x: bool = False, share_y: bool = True
) -> tuple[Figure, list[Panel]]:
    """A figure and its panels that have rows.

    Args:
        table: with the columns "dataset" and "family"; data sets in the order in which they are drawn.
        row_height: inches, less where many data sets are drawn.
    """
    datasets, families = list(table["dataset"].unique()), sorted(table["family"].unique())
    shown = fitting(datasets, families)
    height = min(row_height, TALLEST / len(shown))
    figure, grid = panels(len(shown), len(families), row_height=height, share_x=share_x, share_y=share_y)
    filled = []
    for (i, j), axes in np.ndenumerate(grid):
        rows = table[(table["dataset"] == shown[i]) & (table["family"] == families[j])]
        axes.set_title(f"{shown[i]}: {families[j]}", fontsize=9)
        if rows.empty:
            missing(axes)
        else:
            filled.append(Panel(axes=axes, dataset=shown[i], family=families[j], rows=rows))
    for axes in grid[-1]:
        axes.set_xlabel(x)
    for axes in grid[:, 0]:
        axes.set_ylabel(y)
    note_rest(figure, len(shown), len(datasets))
    return figure, filled


def note_rest(figure: Figure, shown: int, datasets: int) -> None:
    """A line at the foot where not all data sets are shown."""
    if shown < datasets:
        figure.supxlabel(f"the first {shown} of {datasets} data sets", fontsize=8, color=QUIET)


def models_in_panels(table: pd.DataFrame) -> list[list[pd.DataFrame | None]]:
    """The rows of each model that has a panel: a column per family, a row per data set and model of it, as many as fit.

    Models with a role come first, in the order of the roles. None where a family has fewer. `table` has MODEL and
    "role".
    """
    rank = {role: i for i, role in enumerate(ROLES)}
    order = table["role"].astype(str).map(rank).sort_values(kind="stable").index
    models = [rows for _, rows in table.loc[order].groupby(MODEL, sort=False)]
    families = sorted(table["family"].unique())
    datasets = fitting(table["dataset"].unique(), families)
    room = max(1, MOST // max(1, len(families) * len(datasets)))
    by_family: dict[tuple[str, str], list[pd.DataFrame]] = {}
    for rows in models:
        by_family.setdefault((rows["dataset"].iloc[0], rows["family"].iloc[0]), []).append(rows)
    grid = []
    for dataset in datasets:
        columns = [by_family.get((dataset, family), [])[:room] for family in families]
        grid += [list(line) for line in zip_longest(*columns)]
    return grid


def accuracy_axis(axes: Axes, *values: Iterable[float]) -> None:
    """An axis in per cent around `values`, which uses their range."""
    numbers = np.concatenate([np.asarray(list(part), dtype=float) for part in values])
    numbers = numbers[np.isfinite(numbers)]
    low, high = (numbers.min(), numbers.max()) if len(numbers) else (0.0, 1.0)
    margin = max(0.005, 0.05 * (high - low))
    axes.set_ylim(max(0.0, low - margin), min(1.005, high + margin))
    percent_axis(axes)
