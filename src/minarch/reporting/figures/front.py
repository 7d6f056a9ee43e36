"""Accuracy against bytes on disk: the front is chosen on validation images and checked on test images."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from minarch.analysis.precision import ORIGINAL
from minarch.reporting.figures.style import INK, QUIET, colours, legend_above, log_axis, panels, percent_axis
from minarch.reporting.tables import Tables, rows_of

WINDOW = 0.2  # models further below the best are not drawn: the front would be a flat line
MARKERS = {"fp32": "o", "int8": "D", "int4": "s", "nf4": "^"}


def draw_models(axes: Axes, models: pd.DataFrame, split: str, palette: dict[str, str]) -> None:
    for row in rows_of(models):
        colour = palette[row["family"]]
        face = colour if row["method"] == ORIGINAL else "white"
        accuracy = row[f"{split}_mean"]
        axes.plot(
            [row["bytes"]],
            [accuracy],
            MARKERS[row["precision"]],
            color=colour,
            markerfacecolor=face,
            alpha=0.9,
            zorder=3,
        )


def draw_front(tables: Tables) -> Figure:
    """One row per data set: the same models on the images that chose them and on the images that did not."""
    models, front = tables["models"], tables["front"]
    datasets, families = sorted(models["dataset"].unique()), sorted(models["family"].unique())
    drawn = set(models["precision"])
    figure, grid = panels(len(datasets), 2, row_height=3.8, share_y=True)
    for i, dataset in enumerate(datasets):
        rows, chosen = models[models["dataset"] == dataset], front[front["dataset"] == dataset]
        for axes, split, title in zip(
            grid[i], ("validation", "test"), ("chosen on validation", "checked on test"), strict=True
        ):
            draw_models(axes, rows, split, colours(families))
            style = {"drawstyle": "steps-post"} if split == "validation" else {"linestyle": (0, (2, 2))}
            axes.plot(chosen["bytes"], chosen[f"{split}_mean"], color=QUIET, linewidth=1.2, zorder=2, **style)
            for row in rows_of(chosen[chosen["recommended"].astype(bool)]):
                accuracy, low, high = (row[f"{split}_{part}"] for part in ("mean", "low", "high"))
                axes.vlines(row["bytes"], low, high, color=INK, linewidth=1.5, zorder=4)
                axes.plot(
                    [row["bytes"]], [accuracy], "*", color="#F0E442", markeredgecolor=INK, markersize=15, zorder=5
                )
            log_axis(axes, rows["bytes"], unit="B")
            percent_axis(axes)
            axes.set_title(f"{dataset}: {title}")
            axes.set_xlabel("bytes on disk (network and weights)")
        low, high = rows["validation_mean"].min(), rows["validation_mean"].max()
        grid[i, 0].set_ylim(max(low, high - WINDOW) - 0.02, min(high + 0.02, 1.005))
        grid[i, 0].set_ylabel("accuracy")
        if hidden := int((rows["validation_mean"] < high - WINDOW).sum()):
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
