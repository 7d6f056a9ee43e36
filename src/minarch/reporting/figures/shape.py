"""Variance of accuracy: the shares of the parameter count, of shape and of the repeats."""

from collections.abc import Mapping, Sequence
from math import isnan
from typing import Any

from matplotlib.figure import Figure

from minarch.analysis.shape import SOURCES
from minarch.reporting.figures.style import FAINT, INK, P_MIN_SAID, legend_above, panels, percent_axis

COLOURS = dict(zip(SOURCES, ["#56B4E9", "#E69F00", FAINT], strict=True))


def draw_shape(bars: Sequence[Mapping[str, Any]]) -> Figure | None:
    """One stacked bar per data set, family and scope; each whisker is the interval of the share that ends there.

    A share that is NaN, of a family without shape, is left out.

    Args:
        bars: the row of each of SOURCES by its name, beside "dataset", "family" and "scope".
    """
    if not bars:
        return None
    figure, grid = panels(1, 1, row_height=0.3 * len(bars) + 0.5)
    axes = grid[0, 0]
    for y, bar in enumerate(bars):
        start = 0.0
        for source, shift in zip(SOURCES, (-0.16, 0.0, 0.16), strict=True):
            row = bar[source]
            if isnan(row["share"]):
                continue
            axes.barh(y, row["share"], left=start, height=0.7, color=COLOURS[source])
            if source != SOURCES[-1]:  # the last share is what the others leave
                axes.plot([start + row["low"], start + row["high"]], [y + shift] * 2, color=INK, linewidth=1.4)
                axes.plot([start + row["share"]], [y + shift], "|", color=INK, markersize=6)
            start += row["share"]
    axes.set_yticks(
        range(len(bars)),
        [f"{bar['dataset']}: {bar['family']}, {bar['scope'].replace('p_min', P_MIN_SAID)}" for bar in bars],
    )
    axes.set_ylim(len(bars) - 0.5, -0.5)
    axes.set_xlim(0, 1)
    axes.grid(axis="y", visible=False)
    percent_axis(axes, "x")
    axes.set_xlabel("share of the variance of validation accuracy, last epoch")
    squares = [(source, {"marker": "s", "color": COLOURS[source], "markersize": 9}) for source in SOURCES]
    legend_above(figure, [*squares, ("interval of the share", {"linestyle": "-"})])
    return figure
