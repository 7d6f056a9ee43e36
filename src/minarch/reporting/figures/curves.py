"""Learning curves of the representatives: the mean over repeats, on train and on validation images."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from minarch.analysis.choice import ROLES
from minarch.analysis.records import MODEL
from minarch.reporting.figures.families import accuracy_axis, family_panels
from minarch.reporting.figures.magnitude import LINES
from minarch.reporting.figures.style import BAND, colours, legend_above, log_axis
from minarch.reporting.tables import rows_of
from minarch.reporting.wording import role_name

TRAIN = "#8c8c8c"


def draw_model(axes: Axes, repeats: pd.DataFrame, metric: str, colour: str, line: Any) -> None:
    """The means over repeats by epoch, and the range of the repeats on validation images."""
    by_epoch = repeats.groupby("epoch")  # repeats of several blocks differ in number
    validation, train = by_epoch[f"validation_{metric}"], by_epoch[f"train_{metric}"].mean()
    axes.fill_between(train.index, validation.min(), validation.max(), color=colour, alpha=0.1, linewidth=0)
    axes.plot(train.index, train, color=TRAIN, linestyle=line, linewidth=1.1)
    axes.plot(train.index, validation.mean(), color=colour, linestyle=line, linewidth=1.6)


def draw_curves(representatives: pd.DataFrame, curves: pd.DataFrame, metric: str) -> Figure | None:
    """One row per data set, one column per family, a line per role. `metric` is "accuracy" or "loss" (logarithmic)."""
    if representatives.empty:
        return None
    figure, filled = family_panels(representatives, row_height=2.6, x="epoch", y=metric, share_x=True)
    names = [f"train_{metric}", f"validation_{metric}"]
    curves = curves.merge(representatives[MODEL], on=MODEL)
    for panel in filled:
        colour = colours(representatives["family"])[panel.family]
        for model in rows_of(panel.rows):
            repeats = curves[(curves[MODEL] == [model[name] for name in MODEL]).all(axis=1)]
            draw_model(panel.axes, repeats, metric, colour, LINES[model["role"]])
        values = curves.loc[curves["dataset"] == panel.dataset, names].to_numpy().ravel()
        if metric == "loss":
            log_axis(panel.axes, values, axis="y")
        else:
            accuracy_axis(panel.axes, values)
        panel.axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    roles = [role for role in ROLES if role in set(representatives["role"])]
    entries: list[tuple[str, dict[str, Any]]] = [(role_name(role), {"linestyle": LINES[role]}) for role in roles]
    shown = sorted(representatives["family"].unique())
    entries += [("train", {"color": TRAIN, "linestyle": "-"})]
    entries += [(f"validation, {family}", {"color": colours(shown)[family], "linestyle": "-"}) for family in shown]
    legend_above(figure, [*entries, ("from the lowest to the highest repeat", BAND)], columns=5)
    return figure
