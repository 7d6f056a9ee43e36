"""Whether pruned networks are better than what chance, fresh weights or another size of the sweep give."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from minarch.analysis.controls import CONTROLS
from minarch.reporting.evidence import Evidence
from minarch.reporting.figures.controls import draw_controls
from minarch.reporting.findings.finding import Finding, Metric

NAMES = {
    "random": "units drawn by lot",
    "fresh": "the cut architecture trained from fresh weights",
    "nearest": "the sweep's own architecture of the nearest size",
}


def against_controls(controls: pd.DataFrame) -> list[dict[str, Any]]:
    """One row per method, control and step: how many cases (model and level) have an interval above 0, below, around.

    `median`, `lowest` and `highest` are of the cases' mean differences: one size that never learned moves their mean.
    The rule is our inference.
    """
    comparisons = []
    order = controls.assign(order=controls["control"].map(CONTROLS.index), last=controls["step"] == "finetuned")
    for (_, last, method), rows in order.groupby(["order", "last", "method"]):
        differences = rows["difference_points_mean"]
        better, worse = (rows["difference_points_low"] > 0).sum(), (rows["difference_points_high"] < 0).sum()
        row = {"method": method, "control": rows["control"].iloc[0], "finetuned": bool(last), "cases": len(rows)}
        row |= {"better": int(better), "worse": int(worse), "open": int(len(rows) - better - worse)}
        row |= {"median": differences.median(), "lowest": differences.min(), "highest": differences.max()}
        comparisons.append(row | {"fewest": int(rows["n"].min()), "most": int(rows["n"].max())})
    return comparisons


def facts(evidence: Evidence) -> dict[str, Any]:
    controls = evidence.tables["controls"]
    return {
        "against_controls": against_controls(controls),
        "of_all_methods": against_controls(controls.assign(method="all")),
        "names": NAMES,
        "pruned": len(evidence.tables["pruning"]) > 0,
    }


def metrics(evidence: Evidence) -> Iterator[Metric]:
    for row in against_controls(evidence.tables["controls"]):
        step = "trained" if row["finetuned"] else "after the cut"
        counts = {name: row[name] for name in ("cases", "better", "worse")}
        numbers = counts | {"median_difference_points": row["median"]}
        yield ("controls", row["method"], f"{row['control']}, {step}"), numbers


FINDING = Finding(
    name="controls",
    title="Controls",
    heading="Controls: is it the method?",
    tables={"controls": "one pruned network, control and step: by how much it is better, with interval"},
    figures={
        "controls": lambda evidence: draw_controls(evidence.tables),
    },
    facts=facts,
    metrics=metrics,
)
