"""INT8: what it costs in accuracy and what it brings in measured latency."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from minarch.reporting.figures.style import INK, QUIET, colours, legend_above, log_axis, panels
from minarch.reporting.models import batches_of
from minarch.reporting.records import ORIGINAL, VARIANT
from minarch.reporting.tables import Tables


def marker(axes: Axes, x: float, y: float, colour: str, method: str) -> None:
    face = colour if method == ORIGINAL else "white"
    axes.plot([x], [y], "o", color=colour, markerfacecolor=face, zorder=3)


def legend(figure: Figure, families: list[str], *more: tuple[str, dict[str, Any]]) -> None:
    entries = [(family, {"marker": "o", "color": colours(families)[family]}) for family in families]
    kinds = [("original", {"marker": "o"}), ("structurally pruned", {"marker": "o", "markerfacecolor": "white"})]
    legend_above(figure, [*entries, *kinds, *more])


def draw_drops(tables: Tables) -> Figure:
    """Accuracy points lost to INT8 against parameters, on validation and on test data, one row per data set."""
    table = tables["quantization"]
    datasets, families = sorted(table["dataset"].unique()), sorted(table["family"].unique())
    figure, grid = panels(len(datasets), 2, row_height=3.2, share_y=True)
    for i, dataset in enumerate(datasets):
        rows = table[table["dataset"] == dataset]
        for axes, split in zip(grid[i], ("validation", "test"), strict=True):
            axes.axhline(0, color=QUIET, linewidth=1)
            for _, row in rows.iterrows():
                colour, drop = colours(families)[row["family"]], f"{split}_drop_points"
                axes.vlines(
                    row["parameters"], row[f"{drop}_low"], row[f"{drop}_high"], color=colour, linewidth=1, alpha=0.45
                )
                marker(axes, row["parameters"], row[f"{drop}_mean"], colour, row["method"])
            log_axis(axes, rows["parameters"])
            axes.set_title(f"{dataset}: {split} images")
            axes.set_xlabel("trainable parameters")
        # Intervals of a few wild models must not flatten all others; the table has every number.
        means = rows[["validation_drop_points_mean", "test_drop_points_mean"]].to_numpy().ravel()
        means = np.append(means[np.isfinite(means)], 0)
        margin = max(1.0, 0.5 * (means.max() - means.min()))
        grid[i, 0].set_ylim(means.min() - margin, means.max() + margin)
        grid[i, 0].set_ylabel("points lost to INT8 (FP32 - INT8)")
    legend(figure, families, ("bar: interval of the mean", {}))
    return figure


def draw_latency(tables: Tables) -> Figure:
    """Measured latency of INT8 against FP32, per batch size; below the diagonal INT8 is faster."""
    models = tables["models"]
    families = sorted(models["family"].unique())
    batches = batches_of(models)
    figure, grid = panels(1, len(batches), row_height=4.2)
    for axes, batch in zip(grid[0], batches, strict=True):
        wide = models.pivot(index=VARIANT, columns="precision", values=f"latency_{batch}_ms").reset_index()
        for _, row in wide.iterrows():
            marker(axes, row["fp32"], row["int8"], colours(families)[row["family"]], row["method"])
        both = [*wide["fp32"], *wide["int8"]]
        log_axis(axes, both)
        log_axis(axes, both, axis="y")
        ends = axes.get_xlim()
        axes.plot(ends, ends, color=QUIET, linewidth=1, linestyle=(0, (4, 2)))
        axes.text(0.97, 0.03, "INT8 is faster", transform=axes.transAxes, ha="right", color=INK)
        axes.text(0.03, 0.95, "INT8 is slower", transform=axes.transAxes, va="top", color=INK)
        axes.set_title(f"batch of {batch}" if batch > 1 else "one image at a time")
        axes.set_xlabel("FP32, ms per batch")
        axes.set_ylabel("INT8, ms per batch")
        axes.set_aspect("equal", adjustable="box")
    legend(figure, families)
    return figure
