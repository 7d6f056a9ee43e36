"""Simulated precision of the trainable parameters: accuracy over bits, the fewest bits that are enough, and what size
adds to the loss.
"""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator

from minarch.analysis.hurt import ALL, POINTS, RELATIVE, SIZE
from minarch.analysis.precision import FEWEST, TEST_DROP, VARIANT, integers
from minarch.contract import ORIGINAL
from minarch.reporting.figures.quantization import legend, marker
from minarch.reporting.figures.style import BAND, BAR, INK, QUIET, colours, legend_above, log_axis, panels
from minarch.reporting.tables import Table, Tables, rows_of

SCHEMES = {"tensor": "one scale per tensor", "channel": "one scale per row"}
LOSSES = {POINTS: "points lost", RELATIVE: "% lost of what is above chance"}
ENDS = -2.0, 30.0  # points lost that are drawn: further down all models are as lost


def draw_precision(tables: Tables) -> Figure | None:
    """Points lost on test images over the integer precisions; one row per data set, a line per unpruned model."""
    table = integers(tables[Table.PRECISION])
    table = table[table["method"] == ORIGINAL]
    if table.empty:
        return None
    datasets, families = list(table["dataset"].unique()), sorted(table["family"].unique())
    schemes = [scheme for scheme in SCHEMES if scheme in set(table["scheme"])]
    figure, grid = panels(len(datasets), len(schemes), row_height=3.2, share_y=True)
    for i, dataset in enumerate(datasets):
        for axes, scheme in zip(grid[i], schemes, strict=True):
            curves = table[(table["dataset"] == dataset) & (table["scheme"] == scheme)]
            axes.axhline(0, color=QUIET, linewidth=1)
            for (family, _), rows in curves.groupby(["family", "architecture"]):
                colour, drop = colours(families)[family], rows[TEST_DROP.value]
                axes.plot(rows["bits"], drop, "o-", color=colour, markersize=3, linewidth=1.2, alpha=0.7)
                ends = rows[TEST_DROP.low], rows[TEST_DROP.high]
                axes.fill_between(rows["bits"], *ends, color=colour, alpha=0.08, linewidth=0)
            axes.set_xlim(curves["bits"].max() + 0.2, curves["bits"].min() - 0.2)
            axes.xaxis.set_major_locator(FixedLocator(sorted(curves["bits"].unique())))
            axes.set_title(f"{dataset}: {SCHEMES[scheme]}")
            axes.set_xlabel("bits of every trainable parameter (simulated)")
        grid[i, 0].set_ylim(*ENDS)
        grid[i, 0].set_ylabel("points lost (test images)")
    legend(figure, families, ("interval of the mean", BAND), pruned=False)
    return figure


def draw_fewest(tables: Tables) -> Figure | None:
    """Fewest bits within the allowed loss against parameters; one row per data set, one column per scheme."""
    sizes = tables[Table.MODELS].groupby(VARIANT)["parameters"].first().reset_index()
    table = tables[Table.FEWEST].merge(sizes, on=VARIANT)
    if table.empty:
        return None
    datasets, families = list(table["dataset"].unique()), sorted(table["family"].unique())
    schemes = [scheme for scheme in SCHEMES if scheme in set(table["scheme"])]
    most = 8
    figure, grid = panels(len(datasets), len(schemes), row_height=3.0, share_y=True)
    for i, dataset in enumerate(datasets):
        for axes, scheme in zip(grid[i], schemes, strict=True):
            for row in rows_of(table[(table["dataset"] == dataset) & (table["scheme"] == scheme)]):
                bits, low, high = (
                    most + 1 if np.isnan(row[column]) else row[column]  # not even the finest is enough
                    for column in FEWEST
                )
                colour = colours(families)[row["family"]]
                axes.vlines(row["parameters"], low, high, color=colour, linewidth=1, alpha=0.45)
                marker(axes, row["parameters"], bits, colour, row["method"])
            log_axis(axes, table["parameters"])
            axes.yaxis.set_major_locator(FixedLocator(range(1, most + 2)))
            axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}" if value <= most else "more")
            axes.set_ylim(0.5, most + 1.5)
            axes.set_title(f"{dataset}: {SCHEMES[scheme]}")
            axes.set_xlabel("trainable parameters")
        grid[i, 0].set_ylabel("fewest bits (simulated)")
    legend(figure, families, ("bootstrap interval", BAR), pruned=bool((table["method"] != ORIGINAL).any()))
    return figure


def draw_hurt(tables: Tables) -> Figure | None:
    """What ten times the parameters add to the loss over the integer precisions; one row per loss, one column per
    scheme, a line per family. None without a slope that has an interval.
    """
    table = integers(tables[Table.HURT])
    table = table[(table["term"] == SIZE) & table["low"].notna()]
    if table.empty:
        return None
    families = sorted(set(table["family"]) - {ALL})
    hues = {family: colours(families)[family] for family in families} | {ALL: INK}
    schemes = [scheme for scheme in SCHEMES if scheme in set(table["scheme"])]
    figure, grid = panels(len(LOSSES), len(schemes), row_height=2.8, share_y=True)
    for i, (loss, unit) in enumerate(LOSSES.items()):
        for axes, scheme in zip(grid[i], schemes, strict=True):
            rows = table[(table["loss"] == loss) & (table["scheme"] == scheme)]
            axes.axhline(0, color=QUIET, linewidth=1)
            for place, family in enumerate(hues):
                slopes = rows[rows["family"] == family]
                bits = slopes["bits"].astype(float) - 0.08 * place  # intervals beside each other
                axes.plot(bits, slopes["coefficient"], "o-", color=hues[family], markersize=3, linewidth=1.2)
                axes.vlines(bits, slopes["low"], slopes["high"], color=hues[family], linewidth=1, alpha=0.6)
            axes.set_xlim(table["bits"].max() + 0.4, table["bits"].min() - 0.6)
            axes.xaxis.set_major_locator(FixedLocator(sorted(table["bits"].unique())))
            axes.set_title(SCHEMES[scheme])
            axes.set_xlabel("bits of every trainable parameter (simulated)")
        grid[i, 0].set_ylabel(f"{unit}\nper ten times the parameters")
    shown = [family for family in [*families, ALL] if family in set(table["family"])]
    entries = [(family, {"marker": "o", "color": hues[family]}) for family in shown]
    legend_above(figure, [*entries, ("interval", BAR)])
    return figure
