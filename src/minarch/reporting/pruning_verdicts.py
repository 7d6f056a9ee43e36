"""What the tables of pruning say in few words; the rules of the verdicts are our inference."""

from typing import Any

import pandas as pd

from minarch.analysis.controls import CONTROLS, HOW
from minarch.analysis.records import MODEL
from minarch.reporting.tables import rows_of
from minarch.reporting.tables.pruning import FALLS_SHORT, OPEN, REACHES


def headline(redundancy: pd.DataFrame) -> pd.DataFrame:
    """One row per model, where there is no room for more: without fine-tuning, global if there is that scope."""
    rows = redundancy[~redundancy["finetuned"].astype(bool)]
    scope = "global" if (rows["scope"] == "global").any() else "layer"
    return rows[rows["scope"] == scope]


def reaching(redundancy: pd.DataFrame) -> list[dict[str, Any]]:
    """Per scope and fine-tuning: how many models' plateau reaches 60 % of the weights, does not, or may."""
    found = []
    for (finetuned, scope), rows in redundancy.groupby(["finetuned", "scope"]):
        counts = {answer: int((rows["sixty"] == answer).sum()) for answer in (REACHES, FALLS_SHORT, OPEN)}
        ends = {"lowest": rows["redundancy"].min(), "highest": rows["redundancy"].max()}
        runs = {"fewest": int(rows["n"].min()), "most": int(rows["n"].max())}
        found.append({"finetuned": bool(finetuned), "scope": scope, "models": len(rows)} | counts | ends | runs)
    return found


def methods_of(pruning: pd.DataFrame, max_drop_points: float) -> list[dict[str, Any]]:
    """Per method HOW, and the largest share of the MACs that goes within `max_drop_points` of the original.

    By mean validation accuracy, over the levels that removed anything and of which no repeat failed; 0 for a model
    without one. `median`, `lowest` and `highest` are over its `models`.
    """
    found = []
    for name, rows in pruning.groupby("method"):
        kept = rows["validation_finetuned_mean"] >= rows["validation_base_mean"] - max_drop_points / 100 - 1e-12
        counts = kept & (rows["removed_share"] > 0) & (rows["failed"] == 0)
        gone = (1 - rows["macs"] / rows["macs_before"]).where(counts)
        best = gone.groupby([rows[column] for column in MODEL]).max().fillna(0.0)
        spread = {"median": best.median(), "lowest": best.min(), "highest": best.max(), "models": len(best)}
        found.append({"method": name} | {column: rows[column].iloc[0] for column in HOW} | spread)
    return found


def against_controls(controls: pd.DataFrame) -> list[dict[str, Any]]:
    """Per method, control and step: in how many cases (model and level) the interval lies above 0, below, or holds it.

    `median`, `lowest` and `highest` are of the cases' mean differences: one size that never learned moves their mean.
    """
    found = []
    order = controls.assign(order=controls["control"].map(CONTROLS.index), last=controls["step"] == "finetuned")
    for (_, last, method), rows in order.groupby(["order", "last", "method"]):
        differences = rows["difference_points_mean"]
        better, worse = (rows["difference_points_low"] > 0).sum(), (rows["difference_points_high"] < 0).sum()
        row = {"method": method, "control": rows["control"].iloc[0], "finetuned": bool(last), "cases": len(rows)}
        row |= {"better": int(better), "worse": int(worse), "open": int(len(rows) - better - worse)}
        row |= {"median": differences.median(), "lowest": differences.min(), "highest": differences.max()}
        found.append(row | {"fewest": int(rows["n"].min()), "most": int(rows["n"].max())})
    return found


def bearing(layerwise: pd.DataFrame) -> list[dict[str, Any]]:
    """Per model with several groups, at the middle one of its levels: the group that loses most, and the least.

    Groups of which no unit went at that level are left out. `place`: where in the network the one that loses most lies.
    `apart`: the two intervals do not overlap.
    """
    found = []
    for key, rows in layerwise.groupby(MODEL):
        levels = sorted(rows["level"].unique())
        level, names = levels[len(levels) // 2], list(rows["group"].unique())
        rows = rows[(rows["level"] == level) & (rows["removed"] > 0)].sort_values("drop_points_mean", kind="stable")
        if len(rows) < 2:
            continue
        least, *_, most = rows_of(rows)
        at = names.index(most["group"])
        place = "first" if at == 0 else "last" if at == len(names) - 1 else "between"
        about = dict(zip(MODEL, key, strict=True)) | {"role": most["role"], "level": level, "groups": len(rows)}
        apart = bool(most["drop_points_low"] > least["drop_points_high"])
        found.append(about | {"most": most, "least": least, "place": place, "apart": apart})
    return found
