"""Magnitude pruning: plateau, degradation, collapse; and what fine-tuning gives back."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from minarch.analysis.choice import FURTHER, ROLES
from minarch.analysis.intervals import VALIDATION
from minarch.analysis.phases import COLLAPSE, REDUNDANCY
from minarch.analysis.records import MODEL
from minarch.reporting.figures.families import MOST, TALLEST, accuracy_axis, fitting
from minarch.reporting.figures.regimes import shades
from minarch.reporting.figures.style import FAINT, colours, label_chance, legend_above, missing, panels, percent_axis
from minarch.reporting.tables import Table, Tables, rows_of
from minarch.reporting.tables.magnitude import PHASE, SHARE
from minarch.reporting.wording import SCOPES, role_name

STROKES = {"minimal": (0, (1, 1.2)), "near-best": (0, (5, 1.5)), "overfitting": "-", "best": (0, (4, 1, 1, 1))}
LINES: dict[str, Any] = {role: STROKES[role] for role in ROLES if role != FURTHER}


def looks(models: pd.DataFrame, colour: str) -> dict[str, dict[str, Any]]:
    """The line of each architecture: a role's own stroke; further models thinner, the deeper the darker."""
    further = models[models["role"] == FURTHER]
    depths = sorted(further["depth"].dropna().unique()) or [pd.NA]
    tints = dict(zip(depths, shades(colour, len(depths)), strict=True))
    lines: dict[str, dict[str, Any]] = {}
    for row in rows_of(models):
        if row["role"] != FURTHER:
            lines[row["architecture"]] = {"color": colour, "linestyle": LINES[row["role"]]}
        else:
            tint = tints[depths[0] if pd.isna(row["depth"]) else row["depth"]]
            lines[row["architecture"]] = {"color": tint, "linestyle": "-", "linewidth": 0.9}
    return lines


def draw_model(axes: Axes, curve: pd.DataFrame, model: dict[str, Any], look: dict[str, Any]) -> None:
    """The mean curve with its interval; the diamond is the end of the plateau, its bar the bootstrap interval."""
    colour, levels = look["color"], curve["level"]
    alone = model["role"] != FURTHER
    redundancy, low, high = (model[column] for column in REDUNDANCY)
    if alone:  # the bands of many models would hide all lines
        axes.fill_between(levels, curve[VALIDATION.low], curve[VALIDATION.high], color=colour, alpha=0.12, lw=0)
    axes.plot(levels, curve[VALIDATION.value], **look)
    collapsed = curve[curve[PHASE] == COLLAPSE]
    axes.plot(collapsed["level"], collapsed[VALIDATION.value], "x", color=colour, markersize=4.5 if alone else 3)
    end = curve[levels == redundancy][VALIDATION.value].iloc[0]
    axes.plot([low, high], [end] * 2, color=colour, linewidth=4, alpha=0.4)
    size = 5.5 if alone else 4
    axes.plot([redundancy], [end], "D", color=colour, markeredgecolor="white", markersize=size, zorder=6)


def draw_finetuned(axes: Axes, curve: pd.DataFrame, look: dict[str, Any], alone: bool) -> None:
    """The levels that were fine-tuned, as hollow triangles with their intervals."""
    levels, colour = curve["level"], look["color"]
    axes.vlines(levels, curve[VALIDATION.low], curve[VALIDATION.high], color=colour, linewidth=1, alpha=0.5)
    mark = {"marker": "^", "markerfacecolor": "white", "markersize": 5.5 if alone else 3.5, "linewidth": 0.6}
    axes.plot(levels, curve[VALIDATION.value], **look | mark | {"zorder": 5})


def draw_magnitude(tables: Tables) -> Figure | None:
    """One row per data set and scope, one column per family, one curve per model; of too many rows one scope."""
    depths = tables[Table.SIZES][[*MODEL, "depth", "parameters"]]
    curves, redundancy = tables[Table.MAGNITUDE], tables[Table.REDUNDANCY].merge(depths, on=MODEL, how="left")
    plain = redundancy[~redundancy["finetuned"].astype(bool)]
    if plain.empty:
        return None
    scopes, families = sorted(plain["scope"].unique()), sorted(plain["family"].unique())
    if plain["dataset"].nunique() * len(scopes) * len(families) > MOST:
        scopes = scopes[:1]
    shown = fitting(plain["dataset"].unique(), families)
    rows = [(dataset, scope) for dataset in shown for scope in scopes]
    chance = 1 / tables[Table.DATA].set_index("dataset")["classes"]
    height = min(3.0, TALLEST / len(rows))
    figure, grid = panels(len(rows), len(families), row_height=height, share_x=True, share_y=True)
    for (i, j), axes in np.ndenumerate(grid):
        (dataset, scope), family = rows[i], families[j]
        models = plain[(plain["dataset"] == dataset) & (plain["family"] == family) & (plain["scope"] == scope)]
        axes.set_title(f"{dataset}: {family}\n{SCOPES[scope]}")
        if models.empty:
            missing(axes)
            continue
        label_chance(axes, chance[dataset])
        axes.axvline(SHARE, color=FAINT, linewidth=1.2, zorder=1)
        accuracy_axis(axes, curves.loc[curves["dataset"] == dataset, VALIDATION.value], [chance[dataset]])
        percent_axis(axes, "x")
        lines = looks(models, colours(families)[family])
        for model in rows_of(models):
            curve = curves[(curves[[*MODEL, "scope"]] == [model[name] for name in [*MODEL, "scope"]]).all(axis=1)]
            tuned, look = curve["finetuned"].astype(bool), lines[model["architecture"]]
            draw_model(axes, curve[~tuned], model, look)
            if tuned.any():
                draw_finetuned(axes, curve[tuned], look, model["role"] != FURTHER)
    for axes in grid[-1]:
        axes.set_xlabel("share of weights set to zero")
    for axes in grid[:, 0]:
        axes.set_ylabel("validation accuracy")
    roles = [role for role in LINES if role in set(plain["role"])]
    entries: list[tuple[str, dict[str, Any]]] = [(role_name(role), {"linestyle": LINES[role]}) for role in roles]
    if (plain["role"] == FURTHER).any():
        entries.append(("further, the deeper the darker", {"linestyle": "-", "linewidth": 0.9}))
    entries += [("end of the plateau", {"marker": "D"}), ("collapsed", {"marker": "x"})]
    if curves["finetuned"].astype(bool).any():
        entries.append(("fine-tuned, zeros stay zero", {"marker": "^", "markerfacecolor": "white"}))
    legend_above(figure, [*entries, (f"{SHARE:.0%} of the weights", {"marker": "|", "color": "#b0b0b0"})], columns=5)
    return figure
