"""What each way to a depth costs, by what the multiply-accumulates went into."""

from math import ceil
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from minarch.analysis.intervals import of_mean
from minarch.analysis.search import PARTS
from minarch.reporting.figures.style import FAINT, INK, QUIET, legend_above, panels
from minarch.reporting.figures.ways import ACROSS, Rows, label_ways, name_tower, rows_by_tower
from minarch.reporting.tables import Table, Tables

COST = of_mean("cost")
NAMES = ["warm-up of all depths", "training, depth by depth", "further training of the depth found", "validation"]
COLOURS = dict(zip(PARTS, ["#56B4E9", "#0072B2", "#E69F00", FAINT], strict=True))


def draw_bars(axes: Axes, ways: Rows) -> None:
    """A bar per way, in full-depth trainings; the whisker is the interval of the whole."""
    for y, row in enumerate(ways):
        start = 0.0
        for part in PARTS:
            axes.barh(y, row[part], left=start, height=0.62, color=COLOURS[part])
            start += row[part]
        axes.plot([row[COST.low], row[COST.high]], [y, y], color=INK, linewidth=1.3)
        axes.plot([row[COST.value]], [y], "|", color=INK, markersize=7)
    axes.axvline(1, color=QUIET, linewidth=1, linestyle=(0, (4, 2)))


def draw_search_cost(tables: Tables) -> Figure | None:
    """One panel per tower, the first MOST of them."""
    ways = rows_by_tower(tables[Table.ODN])
    if not ways:
        return None
    lines, across = max(map(len, ways)), min(ACROSS, len(ways))
    figure, grid = panels(ceil(len(ways) / across), across, row_height=0.32 * lines + 0.9)
    for i, (axes, rows) in enumerate(zip(grid.flat, ways, strict=False)):
        name_tower(axes, rows[0])
        draw_bars(axes, rows)
        label_ways(axes, ways, i, across)
        axes.set_ylim(lines - 0.5, -0.5)
        axes.set_xlim(left=0)
        axes.grid(axis="y", visible=False)
        axes.locator_params(axis="x", nbins=5)
        axes.set_xlabel("full-depth trainings", fontsize=8.5)
    for axes in grid.flat[len(ways) :]:
        axes.set_axis_off()
    entries: list[tuple[str, dict[str, Any]]] = [
        (name, {"marker": "s", "color": colour, "markersize": 9})
        for name, colour in zip(NAMES, COLOURS.values(), strict=True)
    ]
    entries.append(("bar: interval of the whole", {"linestyle": "-"}))
    entries.append(("one training at full depth", {"linestyle": (0, (4, 2)), "color": QUIET}))
    legend_above(figure, entries, columns=3)
    return figure
