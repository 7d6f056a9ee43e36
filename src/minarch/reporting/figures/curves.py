"""Learning curves of the representatives: every repeat faint, their mean strong."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from minarch.analysis.choice import ROLES
from minarch.analysis.records import MODEL
from minarch.reporting.figures.style import QUIET, colours, legend_above, log_axis, panels, percent_axis, short_number
from minarch.reporting.tables import rows_of

TRAIN = "#8c8c8c"


def draw_repeats(axes: Axes, repeats: pd.DataFrame, value: str, colour: str) -> None:
    """A faint line per repeat over the epochs, and a strong one for their mean."""
    wide = repeats.pivot_table(
        index="epoch", columns="repeat", values=value
    )  # repeats of several blocks differ in number
    axes.plot(wide.index, wide, color=colour, linewidth=0.7, alpha=0.35)
    axes.plot(wide.index, wide.mean(axis=1), color=colour, linewidth=2)


def draw_curves(representatives: pd.DataFrame, curves: pd.DataFrame, metric: str) -> Figure:
    """One row per data set and family, one column per role. `metric` is "accuracy" or "loss" (logarithmic)."""
    groups = list(representatives.groupby(["dataset", "family"]))
    roles = [role for role in ROLES if role in set(representatives["role"])]
    figure, grid = panels(len(groups), len(roles), row_height=2.3, share_x=True, share_y=True)
    for i, ((dataset, family), chosen) in enumerate(groups):
        by_role = {row["role"]: row for row in rows_of(chosen)}
        colour = colours(representatives["family"])[str(family)]
        losses: list[float] = []
        for axes, role in zip(grid[i], roles, strict=True):
            if role not in by_role:
                axes.set_title(f"{dataset}: {family}, {role}", fontsize=9)
                axes.text(
                    0.5, 0.5, "shares a model with another role", transform=axes.transAxes, ha="center", color=QUIET
                )
                continue
            model = by_role[role]
            repeats = curves[(curves[MODEL] == [dataset, family, model["architecture"]]).all(axis=1)]
            draw_repeats(axes, repeats, f"train_{metric}", TRAIN)
            draw_repeats(axes, repeats, f"validation_{metric}", colour)
            losses += [*repeats[f"train_{metric}"].dropna(), *repeats[f"validation_{metric}"].dropna()]
            axes.set_title(f"{dataset}: {family}, {role}, {short_number(model['parameters'])} parameters", fontsize=9)
        for axes in grid[i]:
            if metric == "loss":
                log_axis(axes, losses, axis="y")
            else:
                axes.set_ylim(0, 1.02)
                percent_axis(axes)
        grid[i, 0].set_ylabel(metric)
    for axes in grid[-1]:
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    shown = sorted(representatives["family"].unique())
    legend_above(
        figure,
        [("train", {"color": TRAIN, "linestyle": "-"})]
        + [(f"validation, {family}", {"color": colours(shown)[family], "linestyle": "-"}) for family in shown]
        + [("thin: one repeat, thick: mean", {})],
    )
    return figure
