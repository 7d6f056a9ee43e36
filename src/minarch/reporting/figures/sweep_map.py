"""A map of the sweep: accuracy by depth and width."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from minarch.analysis.intervals import VALIDATION
from minarch.analysis.regimes import UNSTABLE
from minarch.reporting.figures.families import family_panels
from minarch.reporting.figures.style import INK, legend_above
from minarch.reporting.tables import Table, Tables, rows_of

COLOURS = colormaps["Blues"]
DARK = 0.6  # of the scale: from here on the number is white
WIDTH_NAME = r"-(?:width|channels)(\d+)"  # in the names of our architectures


def with_width(sizes: pd.DataFrame) -> pd.DataFrame:
    """The table of sizes with the `width` that an architecture's name says, NaN where it says none."""
    return sizes.assign(width=sizes["architecture"].str.extract(WIDTH_NAME, expand=False).astype(float))


def draw_cells(axes: Axes, rows: pd.DataFrame) -> None:
    """One cell per depth and width, the darker the better; of several networks the best."""
    best = rows.sort_values(VALIDATION.value).drop_duplicates(["depth", "width"], keep="last")
    depths, widths = (sorted(best[name].unique()) for name in ("depth", "width"))
    low, high = best[VALIDATION.value].min(), best[VALIDATION.value].max()
    shades = np.full((len(depths), len(widths)), np.nan)
    small = len(widths) > 9
    for row in rows_of(best):
        y, x = depths.index(row["depth"]), widths.index(row["width"])
        shades[y, x] = 0.1 + 0.9 * (row[VALIDATION.value] - low) / (high - low or 1.0)
        colour = "white" if shades[y, x] > DARK else INK
        place: dict[str, Any] = {"ha": "center", "va": "center", "color": colour, "fontsize": 5.5 if small else 7.5}
        axes.text(x, y, f"{100 * row[VALIDATION.value]:.0f}", **place)
        if row["regime"] == UNSTABLE:
            axes.plot([x], [y + 0.36], "o", color="#D55E00", markersize=2.5)
    axes.imshow(shades, cmap=COLOURS, vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(len(widths)), [f"{width:g}" for width in widths], fontsize=6 if small else 8)
    axes.set_yticks(range(len(depths)), [str(depth) for depth in depths], fontsize=8)
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)


def draw_sweep_map(tables: Tables) -> Figure | None:
    """One row per data set, one column per family whose networks have a depth and a width, or None."""
    sizes = with_width(tables[Table.SIZES]).dropna(subset=["depth", "width", VALIDATION.value])
    if sizes.empty:
        return None
    height = 0.4 * sizes["depth"].nunique() + 0.9
    figure, filled = family_panels(sizes, row_height=height, x="width or channels", y="depth", share_y=False)
    for panel in filled:
        draw_cells(panel.axes, panel.rows)
    legend_above(figure, [("unstable", {"marker": "o", "color": "#D55E00", "markersize": 4})])
    return figure
