"""Histograms of weights and of node strengths: the representatives against the poorest network of their family."""

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from minarch.analysis.choice import ROLES
from minarch.reporting.figures.families import MOST, TALLEST, fitting
from minarch.reporting.figures.magnitude import LINES
from minarch.reporting.figures.style import FAINT, colours, legend_above, missing, panels, percent_axis
from minarch.reporting.tables.shown import POOREST, Shown
from minarch.reporting.wording import role_name

BINS = {"weight": 25, "strength": 15}  # a layer has fewer nodes than weights
CENTRAL = 0.995  # share of each network's values that its panel must hold
# Parts of a network, those first that are drawn where there is little room.
WEIGHTS = ["whole network", "first layer", "last layer", "middle layer"]
STRENGTHS = ["first hidden layer", "input nodes", "output nodes", "last hidden layer"]


def weights_of(network: Shown) -> list[str | None]:
    """The quantiles to draw for each of WEIGHTS, None where a network has no such layer."""
    first, *between, last = network.layers if len(network.layers) > 1 else [None, *network.layers]
    middle = between[len(between) // 2] if between else None
    return ["weights.all", *(name and f"weights.{name}" for name in (first, last, middle))]


def strengths_of(network: Shown) -> list[str | None]:
    """The quantiles to draw for each of STRENGTHS; a network with one hidden layer shows it as the first."""
    if not network.node_layers:
        return [None] * len(STRENGTHS)
    first, *between, last = network.node_layers
    ends = [between[0] if between else None, between[-1] if len(between) > 1 else None]
    return [name and f"strength.{name}" for name in (ends[0], first, last, ends[1])]


def draw_histograms(axes: Axes, drawn: Sequence[tuple[Shown, np.ndarray]], bins: int, colour: str) -> None:
    """Shares of each network's values [R, n] in common bins: the mean over its repeats that did not diverge."""
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


def draw_parts(
    shown: Sequence[Shown], parts: list[str], of: Callable[[Shown], list[str | None]], what: str
) -> Figure | None:
    """A figure with a row per data set and part, as many parts as fit, and a column per family; None where no
    representative has values.
    """
    networks = [network for network in shown if any(of(network))]
    if all(network.role == POOREST for network in networks):
        return None
    families = sorted({network.family for network in networks})
    datasets = fitting(dict.fromkeys(network.dataset for network in networks), families)
    parts = parts[: max(1, MOST // (len(datasets) * len(families)))]
    rows = [(dataset, i) for dataset in datasets for i in range(len(parts))]
    palette = colours(network.family for network in shown)
    figure, grid = panels(len(rows), len(families), row_height=min(2.2, TALLEST / len(rows)))
    for (y, x), axes in np.ndenumerate(grid):
        (dataset, part), family = rows[y], families[x]
        axes.set_title(f"{dataset}: {family}, {parts[part]}", fontsize=9)
        members = [network for network in networks if (network.dataset, network.family) == (dataset, family)]
        named = [(network, network.quantiles[name]) for network in members if (name := of(network)[part])]
        drawn = [(network, values[~np.isnan(values).any(axis=1)]) for network, values in named]
        drawn = [(network, values) for network, values in drawn if len(values)]
        if not any(network.role != POOREST for network, _ in drawn):
            missing(axes, "no representative has it" if members else "not in this study")
            continue
        drawn.sort(key=lambda pair: pair[0].role != POOREST)  # the filled one lies behind
        draw_histograms(axes, drawn, BINS[what], palette[family])
        percent_axis(axes)
        axes.tick_params(labelsize=7.5)
        axes.locator_params(nbins=4)
    for axes in grid[:, 0]:
        axes.set_ylabel("share of values")
    for axes in grid[-1]:
        axes.set_xlabel(what)
    roles = [role for role in ROLES if any(network.role == role for network in shown)]
    entries = [(f"{role_name(role)} (all repeats)", {"linestyle": LINES[role]}) for role in roles]
    legend_above(figure, [*entries, ("poorest network", {"marker": "s", "color": FAINT, "markersize": 9})])
    return figure


def draw_weights(shown: Sequence[Shown]) -> Figure | None:
    """Histograms of weights, or None where no representative has any."""
    return draw_parts(shown, WEIGHTS, weights_of, "weight")


def draw_strengths(shown: Sequence[Shown]) -> Figure | None:
    """Histograms of node strengths, or None where no representative has any."""
    return draw_parts(shown, STRENGTHS, strengths_of, "strength")
