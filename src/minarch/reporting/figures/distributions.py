"""Histograms of weights and of node strengths: the representatives against the poorest network of their family."""

from collections.abc import Callable, Sequence
from itertools import groupby

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from minarch.analysis.choice import ROLES
from minarch.reporting.figures.magnitude import LINES
from minarch.reporting.figures.style import FAINT, QUIET, colours, legend_above, panels, percent_axis
from minarch.reporting.tables.shown import POOREST, Shown

BINS = {"weight": 25, "strength": 15}  # a layer has fewer nodes than weights
CENTRAL = 0.995  # share of each network's values that its panel must hold
WEIGHTS = ["whole network", "first layer", "middle layer", "last layer"]
STRENGTHS = ["input nodes", "first hidden layer", "last hidden layer", "output nodes"]


def weights_of(network: Shown) -> list[str | None]:
    """The quantiles to draw in each column of WEIGHTS, None where a network has no such layer."""
    first, *between, last = network.layers if len(network.layers) > 1 else [None, *network.layers]
    middle = between[len(between) // 2] if between else None
    return ["weights.all", *(name and f"weights.{name}" for name in (first, middle, last))]


def strengths_of(network: Shown) -> list[str | None]:
    """The quantiles to draw in each column of STRENGTHS; a network with one hidden layer shows it as the first."""
    if not network.node_layers:
        return [None] * len(STRENGTHS)
    first, *between, last = network.node_layers
    ends = [between[0] if between else None, between[-1] if len(between) > 1 else None]
    return [name and f"strength.{name}" for name in (first, *ends, last)]


def draw_histograms(axes: Axes, drawn: Sequence[tuple[Shown, np.ndarray]], bins: int, colour: str) -> None:
    """Shares of each network's values [R, 512] in common bins: the mean over its repeats that did not diverge."""
    tail = (1 - CENTRAL) / 2
    ends = np.array([np.quantile(values, [tail, 1 - tail]) for _, values in drawn])
    low, high = ends[:, 0].min(), ends[:, 1].max()
    edges = np.linspace(low, high, bins + 1) if high > low else np.linspace(low - 0.5, high + 0.5, 4)
    tallest = 0.0
    for network, values in drawn:
        shares = np.histogram(values, edges)[0] / values.size
        if network.role == POOREST:
            axes.stairs(shares, edges, fill=True, color=FAINT)
        else:
            axes.stairs(shares, edges, color=colour, linestyle=LINES[network.role], linewidth=1.3)
            tallest = max(tallest, shares.max())
    axes.set_xlim(edges[0], edges[-1])
    axes.set_ylim(0, 1.25 * tallest)  # a poor network's few equal weights would flatten all others


def draw_columns(
    shown: Sequence[Shown], columns: list[str], of: Callable[[Shown], list[str | None]], what: str
) -> Figure | None:
    """A figure with a row per data set and family and a panel per column, or None where no network has values."""
    groups = [
        (key, list(networks)) for key, networks in groupby(shown, lambda network: (network.dataset, network.family))
    ]
    groups = [(key, networks) for key, networks in groups if any(any(of(network)) for network in networks)]
    if not groups:
        return None
    palette = colours(network.family for network in shown)
    figure, grid = panels(len(groups), len(columns), row_height=1.7)
    for i, ((dataset, family), networks) in enumerate(groups):
        for j, axes in enumerate(grid[i]):
            named = [(network, network.quantiles[name]) for network in networks if (name := of(network)[j])]
            drawn = [(network, values[~np.isnan(values).any(axis=1)]) for network, values in named]
            drawn = [(network, values) for network, values in drawn if len(values)]
            axes.set_title(f"{dataset}: {family}, {columns[j]}" if j == 0 else columns[j], fontsize=8.5)
            if any(network.role != POOREST for network, _ in drawn):
                drawn.sort(key=lambda pair: pair[0].role != POOREST)  # the filled one lies behind
                draw_histograms(axes, drawn, BINS[what], palette[family])
            else:
                axes.text(0.5, 0.5, "no representative has it", transform=axes.transAxes, ha="center", color=QUIET)
                axes.set_xticks([])
                axes.set_yticks([])
                continue
            percent_axis(axes)
            axes.tick_params(labelsize=7.5)
            axes.locator_params(nbins=4)
        grid[i, 0].set_ylabel("share of values")
    for axes, column in zip(grid[-1], columns, strict=True):
        axes.set_xlabel(f"{what}, {column}")
    roles = [role for role in ROLES if any(network.role == role for network in shown)]
    entries = [(f"{role} (all repeats)", {"linestyle": LINES[role]}) for role in roles]
    legend_above(figure, [*entries, ("poorest network", {"marker": "s", "color": FAINT, "markersize": 9})])
    return figure


def draw_weights(shown: Sequence[Shown]) -> Figure | None:
    """Histograms of weights, or None where no network has any."""
    return draw_columns(shown, WEIGHTS, weights_of, "weight")


def draw_strengths(shown: Sequence[Shown]) -> Figure | None:
    """Histograms of node strengths, or None where no network has any."""
    return draw_columns(shown, STRENGTHS, strengths_of, "strength")
