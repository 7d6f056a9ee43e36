"""Look of every figure: a palette for colour-blind readers, too, plain axes, numbers that read as numbers."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter

FAMILY_COLOURS = {"dnn": "#0072B2", "cnn": "#D55E00", "vit": "#009E73", "separable": "#E69F00"}  # Okabe and Ito, as
FURTHER_COLOURS = ["#CC79A7", "#56B4E9", "#000000"]  # are these
INK, QUIET, FAINT = "#222222", "#6b6b6b", "#d9d9d9"
BAR: dict[str, Any] = {"marker": "|", "markersize": 10, "color": QUIET}  # of an interval, in a legend
BAND: dict[str, Any] = {"marker": "s", "markersize": 9, "color": FAINT}
P_MIN_SAID, P_NEAR_BEST_SAID = r"P$_\mathrm{min}$", r"P$_\mathrm{near\ best}$"
WIDTH = 10.0  # inches
TICKS = [  # within a decade of a logarithmic axis, the closest first
    (1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 9),
    (1, 1.5, 2, 3, 4, 5, 7),
    (1, 2, 5),
    (1, 3),
    (1,),
]

STYLE: dict[Any, Any] = {
    "svg.hashsalt": "minarch",  # element ids, and so bytes, that do not change between runs
    "svg.fonttype": "none",  # text stays text: it can be found, copied and edited
    "pdf.fonttype": 42,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana"],  # of one width: the second for readers without the first
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": QUIET,
    "axes.labelcolor": INK,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#ececec",
    "grid.linewidth": 0.8,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "lines.linewidth": 1.6,
    "lines.markersize": 5.5,
    "figure.dpi": 100,
}


@contextmanager
def styled() -> Iterator[None]:
    """A context in which figures are drawn in STYLE."""
    with mpl.rc_context():
        mpl.rcdefaults()  # a reader's own matplotlibrc must not change the figures
        mpl.rcParams.update(STYLE)
        yield


def colours(families: Iterable[str]) -> dict[str, str]:
    """The colour of each family: fixed for the built-in ones, in alphabetical order for the rest."""
    others = sorted(set(families) - set(FAMILY_COLOURS))
    return FAMILY_COLOURS | {name: FURTHER_COLOURS[i % len(FURTHER_COLOURS)] for i, name in enumerate(others)}


def panels(
    rows: int, columns: int, *, row_height: float, share_x: bool | Literal["row"] = False, share_y: bool = False
) -> tuple[Figure, np.ndarray]:
    """A figure of WIDTH inches with rows x columns axes (always a 2-d array)."""
    figure = Figure(figsize=(WIDTH, row_height * rows + 0.6), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, sharex=share_x, sharey="row" if share_y else False)
    return figure, axes


def short_number(value: float, _: int = 0) -> str:
    """A tick label of a logarithmic axis, such as "1.2k" for 1234."""
    for limit, suffix in [(1e9, "G"), (1e6, "M"), (1e3, "k")]:
        if value >= limit:
            return f"{value / limit:.3g}{suffix}"
    return f"{value:.3g}"


def log_axis(axes: Axes, values: Iterable[float], unit: str = "", axis: str = "x") -> None:
    """A logarithmic axis around `values` with labels such as 200, 1k, 5k: as many as have room."""
    finite = np.array([value for value in values if np.isfinite(value) and value > 0])
    low, high = (finite.min() / 1.25, finite.max() * 1.25) if len(finite) else (1.0, 10.0)
    width, height = axes.get_window_extent().size / mpl.rcParams["figure.dpi"]
    length, label = (width, 0.09 * (4 + len(unit))) if axis == "x" else (height, 0.2)  # inches
    closest = label / length * np.log10(high / low)  # decades
    choices = [_ticks(low, high, within) for within in TICKS]
    ticks = next((some for some in choices if (np.diff(np.log10(some)) >= closest).all()), choices[-1])
    along = axes.xaxis if axis == "x" else axes.yaxis
    (axes.set_xscale if axis == "x" else axes.set_yscale)("log")
    (axes.set_xlim if axis == "x" else axes.set_ylim)(low, high)
    along.set_major_locator(FixedLocator(ticks))
    along.set_minor_locator(LogLocator(subs=range(1, 10)))
    along.set_major_formatter(FuncFormatter(lambda value, _: short_number(value) + unit))
    along.set_minor_formatter(NullFormatter())
    axes.grid(which="minor", visible=False)


def _ticks(low: float, high: float, within: Iterable[float]) -> list[float]:
    """The numbers from `low` to `high` that are one of `within` times a power of ten, in order."""
    decades = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    return [tick for decade in decades for first in within if low <= (tick := first * 10.0**decade) <= high]


def percent_axis(axes: Axes, axis: str = "y") -> None:
    """Tick labels in per cent."""
    along = axes.yaxis if axis == "y" else axes.xaxis
    along.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.4g}%"))


def label_chance(axes: Axes, chance: float) -> None:
    """A faint line at the accuracy of guessing, named in the margin where no curve can cover it."""
    axes.axhline(chance, color=FAINT, linewidth=1.2, zorder=1)
    where: dict[str, Any] = {
        "xycoords": ("axes fraction", "data"),
        "xytext": (2, 0),
        "textcoords": "offset points",
        "va": "bottom",  # above the labels of the horizontal axis
    }
    axes.annotate("chance", (1, chance), color=QUIET, fontsize=7.5, rotation=90, **where)


def missing(axes: Axes, words: str = "not in this study") -> None:
    """The words of a panel in which there is nothing to show."""
    axes.text(0.5, 0.5, words, transform=axes.transAxes, ha="center", color=QUIET)
    axes.set_xticks([])
    axes.set_yticks([])


def legend_above(figure: Figure, entries: Sequence[tuple[str, dict[str, Any]]], columns: int = 9) -> None:
    """One legend for the whole figure, above the panels; each entry is (label, Line2D properties)."""
    defaults: dict[str, Any] = {"color": INK, "linestyle": "none"}
    handles = [Line2D([], [], **defaults | properties) for _, properties in entries]
    figure.legend(
        handles,
        [label for label, _ in entries],
        loc="outside upper left",
        ncols=min(len(entries), columns),
        handletextpad=0.5,
    )
