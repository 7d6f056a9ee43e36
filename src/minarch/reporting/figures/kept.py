"""A map of what was kept: of every group of units its share, for each nu and repeat."""

from math import ceil
from textwrap import fill
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from minarch.analysis.complexity import CURVE
from minarch.reporting.figures.style import INK, WIDTH, legend_above
from minarch.reporting.figures.ways import ACROSS, MOST, WIDE
from minarch.reporting.tables.gates import LAYER

COLOURS = colormaps["Blues"]
LEFT_OUT = "#D55E00"
OF_BLOCK = {"attention": "heads", "ffn": "fc1"}  # a ViT's layers, and the group of units of each
LINE, NAMED = 0.16, 40  # inches of a part; so many have room for their names


def draw_kept(kept: pd.DataFrame) -> Figure | None:
    """One panel per curve, the first MOST of them: a line per group, a column per nu and repeat.

    A layer has a line of its own if none of its units has a gate.
    """
    curves = [(curve, parts_of(rows)) for curve, rows in kept.groupby(CURVE, sort=False)][:MOST]
    if not curves:
        return None
    across = min(ACROSS, len(curves))
    down = ceil(len(curves) / across)
    tallest = [max(rows["part"].nunique() for _, rows in curves[i * across :][:across]) for i in range(down)]
    heights = [LINE * min(parts, NAMED) + 0.85 for parts in tallest]
    figure = Figure(figsize=(WIDTH, sum(heights) + 0.5), layout="constrained")
    grid = figure.subplots(down, across, squeeze=False, gridspec_kw={"height_ratios": heights})
    for axes, ((dataset, _, whole, alpha, beta), rows) in zip(grid.flat, curves, strict=False):
        draw_map(axes, rows)
        title = f"{dataset}, alpha {alpha:g}, beta {beta:g}\n{fill(str(whole), WIDE)}"
        axes.set_title(title, fontsize=7, pad=12)
    for axes in grid.flat[len(curves) :]:
        axes.set_axis_off()
    square = {"marker": "s", "markersize": 9, "markeredgecolor": "#bbbbbb"}
    shades = [(f"{share} % kept", square | {"color": COLOURS(share / 100)}) for share in (100, 50, 10)]
    legend_above(figure, [*shades, ("layer left out", {"marker": "x", "color": LEFT_OUT, "markersize": 6})])
    return figure


def parts_of(kept: pd.DataFrame) -> pd.DataFrame:
    """The groups of units, and the layers in which there are none."""
    groups = list(kept.loc[kept["kind"] != LAYER, "part"].unique())
    layers = kept.loc[kept["kind"] == LAYER, "part"].unique()
    return kept[~kept["part"].isin([layer for layer in layers if any(inside(group, layer) for group in groups)])]


def inside(group: str, layer: str) -> bool:
    """Whether a group of units is part of a layer, by their names."""
    block, _, last = layer.rpartition(".")
    return group.startswith(f"{block}.{OF_BLOCK[last]}" if last in OF_BLOCK else f"{layer}.")


def draw_map(axes: Axes, rows: pd.DataFrame) -> None:
    """The deeper the colour the more of a group is left; a cross where its layer was left out."""
    parts, nus, repeats = (list(dict.fromkeys(rows[name])) for name in ("part", "nu", "repeat"))
    width = len(repeats) + 0.5  # of the columns of a nu, with a gap
    for i, nu in enumerate(nus):
        of_nu = rows[rows["nu"] == nu].assign(share=lambda table: table["after"] / table["before"])
        shares = of_nu.pivot_table(index="part", columns="repeat", values="share").reindex(parts)
        x = i * width + np.arange(shares.shape[1])
        edges = np.append(x, x[-1] + 1) - 0.5
        axes.pcolormesh(
            edges,
            np.arange(len(parts) + 1) - 0.5,
            shares,
            cmap=COLOURS,
            vmin=0,
            vmax=1,
            edgecolor="white",
            linewidth=0.4,
        )
        for y, column in np.argwhere(shares.to_numpy() == 0):
            axes.plot([x[column]], [y], "x", color=LEFT_OUT, markersize=3.5, markeredgewidth=1.1)
        place: dict[str, Any] = {"xycoords": axes.get_xaxis_transform(), "textcoords": "offset points", "ha": "center"}
        axes.annotate(f"nu {nu:g}", (x.mean(), 1), (0, 2), annotation_clip=False, fontsize=6.5, color=INK, **place)
    axes.set_ylim(len(parts) - 0.5, -0.5)
    named = (
        parts
        if len(parts) <= NAMED
        else [part if i % ceil(len(parts) / NAMED) == 0 else "" for i, part in enumerate(parts)]
    )
    axes.set_yticks(range(len(parts)), named, fontsize=6.5)
    axes.set_xticks([])
    axes.set_xlabel("repeats", fontsize=7)
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
