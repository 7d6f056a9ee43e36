"""Accuracy against size of networks that were pruned while they were trained: with their controls, and by beta."""

from math import ceil, isfinite
from textwrap import fill
from typing import Any, Literal

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from minarch.analysis.complexity import CURVE, LAYERS, UNITS, WHOLE
from minarch.analysis.intervals import TEST
from minarch.complexity import FRESH, FULL, GATED, L1, SWEPT
from minarch.reporting.figures.families import TALLEST
from minarch.reporting.figures.style import QUIET, legend_above, log_axis, panels, percent_axis
from minarch.reporting.figures.ways import ACROSS, MOST, WIDE
from minarch.reporting.tables import Table, Tables, rows_of
from minarch.reporting.tables.complexity import REPEATS, SHARES

Size = Literal["macs", "parameters"]
LOOKS: dict[str, dict[str, Any]] = {
    GATED: {"color": "#0072B2", "marker": "o", "linestyle": "-", "linewidth": 2, "zorder": 4},
    L1: {"color": "#D55E00", "marker": "v", "linestyle": "--", "linewidth": 1.1},
    FRESH: {"color": "#009E73", "marker": "s", "linestyle": ":", "linewidth": 1.4},
    SWEPT: {"color": "#CC79A7", "marker": "D", "linestyle": "none"},
}
NAMES = {
    GATED: "pruned while trained",
    L1: "L1: cut after training, then trained on",
    FRESH: "the same structure, trained afresh",
    SWEPT: "the sweep's nearest network",
}
BETAS = ["#0072B2", "#009E73", "#D55E00", "#CC79A7", "#E69F00", "#56B4E9"]
MARKERS = ["o", "s", "v", "D", "^", "P"]
DOT = {"marker": "o", "markersize": 2.6, "alpha": 0.35}
FOOT = {"marker": "v", "markerfacecolor": "white"}
SHARED: list[tuple[str, dict[str, Any]]] = [
    ("the whole network, band: interval", {"linestyle": (0, (4, 2)), "color": QUIET}),
    ("dot: a repeat", DOT | {"alpha": 0.6}),
    ("at the foot: a mean below the panel", FOOT),
]
LABELS = {"macs": "MACs, share of the whole network's", "parameters": "parameters, share of the whole network's"}
SHIFTS = {L1: -0.013, FRESH: 0.013}  # of the panel's width, so that none hides another of its size
MARGIN = 0.06  # of the range of accuracies, above and below


def draw_tradeoff(tables: Tables, size: Size) -> Figure | None:
    """One panel per curve, the first MOST of them: what its points end with, beside their controls."""
    table = tables[Table.COMPLEXITY]
    curves = [(key, rows) for key, rows in table.dropna(subset=["beta"]).groupby(CURVE, sort=False)][:MOST]
    if not curves:
        return None
    across = 2 if len(curves) == 4 else min(ACROSS, len(curves))
    down = ceil(len(curves) / across)
    figure, grid = panels(down, across, row_height=min(2.7, TALLEST / down))
    several = table["alpha"].nunique() > 1
    for axes, ((dataset, family, name, alpha, beta), rows) in zip(grid.flat, curves, strict=False):
        knobs = pruned_by(beta) + (f", alpha {alpha:g}" if several else "")
        full = table[(table[WHOLE] == [dataset, family, name]).all(axis=1) & (table["way"] == FULL)]
        axes.set_title(f"{dataset}, {knobs}\n{fill(str(name), WIDE)}", fontsize=7)
        scale(axes, pd.concat([full, rows]), size)
        draw_full(axes, full)
        for way, look in LOOKS.items():
            draw_ways(axes, rows[rows["way"] == way], size, look, SHIFTS.get(way, 0.0))
    finish(figure, grid, len(curves), size)
    shown = [way for way in LOOKS if any((rows["way"] == way).any() for _, rows in curves)]
    legend_above(figure, [(NAMES[way], LOOKS[way]) for way in shown] + SHARED, columns=3)
    return figure


def draw_betas(tables: Tables) -> Figure | None:
    """Two panels, MACs and parameters, per whole network and alpha of which several beta were trained."""
    gated = tables[Table.COMPLEXITY]
    gated = gated[gated["way"] == GATED]
    wholes = [(key, rows) for key, rows in gated.groupby([*WHOLE, "alpha"], sort=False) if rows["beta"].nunique() > 1]
    wholes = wholes[: MOST // 2]
    if not wholes:
        return None
    figure, grid = panels(len(wholes), 2, row_height=min(2.9, TALLEST / len(wholes)))
    betas = sorted({beta for _, rows in wholes for beta in rows["beta"]})
    looks: dict[float, dict[str, Any]] = {
        beta: {"color": BETAS[i % len(BETAS)], "marker": MARKERS[i % len(MARKERS)], "linestyle": "-"}
        for i, beta in enumerate(betas)
    }
    full = tables[Table.COMPLEXITY].query(f"way == '{FULL}'")
    for row, ((dataset, _, name, alpha), rows) in zip(grid, wholes, strict=True):
        whole = full[(full["dataset"] == dataset) & (full["whole"] == name)]
        for axes, size in zip(row, LABELS, strict=True):
            axes.set_title(f"{dataset}, alpha {alpha:g}\n{name}", fontsize=7)
            scale(axes, pd.concat([whole, rows]), size)
            draw_full(axes, whole)
            for beta, points in rows.groupby("beta"):
                draw_ways(axes, points, size, looks[float(str(beta))])
            axes.set_xlabel(LABELS[size], fontsize=8.5)
        row[0].set_ylabel("test accuracy")
    legend_above(figure, [(pruned_by(beta), looks[beta]) for beta in betas] + SHARED, 3)
    return figure


def pruned_by(beta: Any) -> str:
    """What a value of beta prunes, in words."""
    words = {UNITS: "units alone", LAYERS: "layers alone"}.get(beta, "both")
    return f"beta {beta:g}: {words}"


def numbers(text: str) -> list[float]:
    return [float(value) for value in text.split()]


def scale(axes: Axes, rows: pd.DataFrame, size: str) -> None:
    """Axes around the networks that are ok: one that learned nothing would squeeze all others together."""
    accuracies = [value for text in rows[f"{REPEATS[0]}_repeats"] for value in numbers(text)] or [0.0, 1.0]
    low, high = min(accuracies), max(accuracies)
    margin = MARGIN * max(high - low, 0.02)
    axes.set_ylim(low - 2 * margin, high + margin)
    log_axis(axes, 100 * rows[SHARES[size].value], unit="%")
    percent_axis(axes)
    axes.tick_params(labelsize=8)


def draw_full(axes: Axes, full: pd.DataFrame) -> None:
    """A line at the mean accuracy of the whole network, and a band for its interval."""
    for row in rows_of(full):
        axes.axhline(row[TEST.value], color=QUIET, linewidth=1, linestyle=(0, (4, 2)), zorder=1)
        axes.axhspan(row[TEST.low], row[TEST.high], color=QUIET, alpha=0.1, linewidth=0, zorder=0)


def draw_ways(axes: Axes, rows: pd.DataFrame, size: str, look: dict[str, Any], shift: float = 0.0) -> None:
    """Means with intervals in the order of their size, repeats as dots; a mean below the panel stands at its foot."""
    rows = rows[rows[SHARES[size].value].notna()].sort_values(SHARES[size].value)
    low, (left, right) = axes.get_ylim()[0], axes.get_xlim()
    percent = 100 * (right / left) ** shift
    plain = {"color": look["color"], "marker": look["marker"], "linestyle": "none"}
    for row in rows_of(rows):
        x, y = percent * row[SHARES[size].value], row[TEST.value]
        sizes = [percent * share for share in numbers(row[f"{size}_share_repeats"])]
        axes.plot(sizes, numbers(row["test_repeats"]), **plain | DOT)
        if y < low:
            axes.plot([x], [low], **plain | FOOT, clip_on=False, zorder=look.get("zorder", 3) + 2)
        elif isfinite(row[TEST.low]):
            axes.vlines(x, row[TEST.low], row[TEST.high], color=look["color"], linewidth=1.6, alpha=0.45)
    axes.plot(percent * rows[SHARES[size].value], rows[TEST.value], **{"markersize": 4.5} | look)


def finish(figure: Figure, grid: Any, used: int, size: Size) -> None:
    """Labels at the edges, and no axes where nothing is drawn."""
    for axes in grid.flat[used:]:
        axes.set_axis_off()
    for axes in grid.flat[:used]:
        axes.set_xlabel(LABELS[size], fontsize=8)
    for axes in grid[:, 0]:
        axes.set_ylabel("test accuracy")
