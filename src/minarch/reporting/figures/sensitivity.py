"""Moves of P_min when a threshold of the regimes is moved by half."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from minarch.analysis.minimal import P_MIN
from minarch.analysis.sensitivity import AS_SET, FACTORS
from minarch.reporting.figures.families import family_panels
from minarch.reporting.figures.style import P_MIN_SAID, QUIET, colours, legend_above, log_axis
from minarch.reporting.tables import Table, Tables
from minarch.reporting.wording import plain

THRESHOLDS = [
    "failure_share",
    "spread_factor",
    "spread_points",
    "gain_share",
    "below_best_points",
]  # those that P_min depends on
FACES = dict(zip(FACTORS, ["white", None], strict=True))  # None: the family's colour


def draw_thresholds(axes: Axes, names: Sequence[str], rows: pd.DataFrame, colour: str, beyond: float) -> None:
    """Per threshold of `names` a bar from the lowest to the highest P_min; an arrow at `beyond` where there is none."""
    for y, name in enumerate(names):
        of_name = rows[rows["threshold"].isin([name, AS_SET])]
        reached = of_name[P_MIN.value].astype(float).fillna(beyond)
        axes.plot([reached.min(), reached.max()], [y, y], color=colour, linewidth=2, alpha=0.55)
        for (_, row), x in zip(of_name.iterrows(), reached, strict=True):
            if row["threshold"] == AS_SET:
                continue
            mark, shift = (">" if pd.isna(row[P_MIN.value]) else "o"), 0.13 * np.sign(row["factor"] - 1)
            face = FACES[row["factor"]] or colour
            axes.plot([x], [y + shift], mark, color=colour, markerfacecolor=face, markersize=5)


def draw_sensitivity(tables: Tables) -> Figure:
    """One row per data set, one column per family, one line per threshold that decides what is unstable."""
    table, sizes = tables[Table.SENSITIVITY], tables[Table.SIZES]
    names = [name for name in THRESHOLDS if name in set(table["threshold"])]  # the others are off
    figure, filled = family_panels(table, row_height=2.0, x=f"{P_MIN_SAID}, trainable parameters", y="")
    for panel in filled:
        axes, rows = panel.axes, panel.rows
        of_family = (sizes["dataset"] == panel.dataset) & (sizes["family"] == panel.family)
        counts = sizes.loc[of_family, "parameters"]
        axes.set_yticks(range(len(names)), [plain(name) for name in names])
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.grid(axis="y", visible=False)
        log_axis(axes, counts)
        for p_min in rows.loc[rows["threshold"] == AS_SET, P_MIN.value].dropna():
            axes.axvline(float(p_min), color=QUIET, linewidth=1, linestyle=(0, (4, 2)))
        draw_thresholds(axes, names, rows, colours(table["family"])[panel.family], float(counts.max()))
    less, more = FACTORS
    marks = [(f"threshold x {less:g}", {"marker": "o", "markerfacecolor": "white"}), (f"x {more:g}", {"marker": "o"})]
    as_set = ("as set", {"linestyle": (0, (4, 2)), "color": QUIET})
    legend_above(figure, [*marks, as_set, ("beyond the grid", {"marker": ">"})])
    return figure
