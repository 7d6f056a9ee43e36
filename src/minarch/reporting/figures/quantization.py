"""Models in fewer bits: what it costs in accuracy and what it brings in measured latency."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from minarch.analysis.precision import TEST_DROP, VARIANT
from minarch.contract import ORIGINAL
from minarch.quantization import FLOAT32
from minarch.reporting.figures.style import BAR, INK, QUIET, colours, legend_above, log_axis, panels
from minarch.reporting.tables import Table, Tables, rows_of
from minarch.reporting.tables.models import batches_of, headline_method, latency, stored_as


def marker(axes: Axes, x: float, y: float, colour: str, method: str) -> None:
    """A point for a model, hollow for a pruned one."""
    face = colour if method == ORIGINAL else "white"
    axes.plot([x], [y], "o", color=colour, markerfacecolor=face, zorder=3)


def legend(figure: Figure, families: list[str], *more: tuple[str, dict[str, Any]], pruned: bool = True) -> None:
    """The legend of families, and of originals and pruned models if these are drawn, with `more` entries after them."""
    entries = [(family, {"marker": "o", "color": colours(families)[family]}) for family in families]
    kinds = [("original", {"marker": "o"}), ("structurally pruned", {"marker": "o", "markerfacecolor": "white"})]
    legend_above(figure, [*entries, *(kinds if pruned else []), *more])


def draw_drops(tables: Tables) -> Figure:
    """Test accuracy points lost against parameters: one row per data set, one column per method of quantization."""
    table = tables[Table.QUANTIZATION]
    datasets, families = list(table["dataset"].unique()), sorted(table["family"].unique())
    methods = list(dict.fromkeys(zip(table["quantization"], table["precision"], strict=True)))
    figure, grid = panels(len(datasets), len(methods), row_height=3.2, share_y=True)
    for i, dataset in enumerate(datasets):
        models = table[table["dataset"] == dataset]
        for axes, (name, precision) in zip(grid[i], methods, strict=True):
            axes.axhline(0, color=QUIET, linewidth=1)
            for row in rows_of(models[models["quantization"] == name]):
                colour, (drop, low, high) = colours(families)[row["family"]], (row[column] for column in TEST_DROP)
                axes.vlines(row["parameters"], low, high, color=colour, linewidth=1, alpha=0.45)
                marker(axes, row["parameters"], drop, colour, row["method"])
            log_axis(axes, models["parameters"])
            axes.set_title(f"{dataset}\n{stored_as(precision, name)}")
            axes.set_xlabel("trainable parameters")
        # Intervals of a few wild models must not flatten all others; the table has every number.
        means = models[TEST_DROP.value].to_numpy()
        means = np.append(means[np.isfinite(means)], 0)
        margin = max(1.0, 0.5 * float(np.ptp(means)))
        grid[i, 0].set_ylim(means.min() - margin, means.max() + margin)
        grid[i, 0].set_ylabel("points lost (test images)")
    legend(figure, families, ("interval of the mean", BAR))
    return figure


def draw_latency(tables: Tables) -> Figure:
    """Measured latency of the first method's files against FP32; below the diagonal they are faster."""
    models = tables[Table.MODELS]
    name, precision = headline_method(tables[Table.QUANTIZATION])
    whole, quantized = models[models["precision"] == FLOAT32], models[models["quantization"] == name]
    families, batches, title = sorted(models["family"].unique()), batches_of(models), stored_as(precision, name)
    figure, grid = panels(1, len(batches), row_height=4.2)
    for axes, batch in zip(grid[0], batches, strict=True):
        column = latency(batch).value
        pairs = whole.merge(quantized, on=VARIANT, suffixes=("_before", "_after"))
        before, after = (1000 * pairs[f"{column}_{side}"] for side in ("before", "after"))  # microseconds
        for family, method, x, y in zip(pairs["family"], pairs["method"], before, after, strict=True):
            marker(axes, x, y, colours(families)[family], method)
        log_axis(axes, [*before, *after])
        log_axis(axes, [*before, *after], axis="y")
        ends = axes.get_xlim()
        axes.plot(ends, ends, color=QUIET, linewidth=1, linestyle=(0, (4, 2)))
        axes.text(0.97, 0.03, f"{title} is faster", transform=axes.transAxes, ha="right", color=INK)
        axes.text(0.03, 0.95, f"{title} is slower", transform=axes.transAxes, va="top", color=INK)
        axes.set_title(f"batch of {batch}" if batch > 1 else "one image at a time")
        axes.set_xlabel("FP32, µs per batch")
        axes.set_ylabel(f"{title}, µs per batch")
        axes.set_aspect("equal", adjustable="box")
    legend(figure, families)
    return figure
