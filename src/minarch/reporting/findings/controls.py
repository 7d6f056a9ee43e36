"""Whether pruned networks are better than what chance, fresh weights or another size of the sweep give."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from minarch.analysis.complexity import BETTER, WORSE
from minarch.analysis.controls import CONTROLS, DIFFERENCE
from minarch.analysis.multiplicity import VERDICT, adjusted_name
from minarch.reporting.evidence import Evidence
from minarch.reporting.figures.controls import draw_controls
from minarch.reporting.findings.finding import Finding, Metric

NAMES = {
    "random": "units drawn by lot",
    "fresh": "the cut architecture trained from fresh weights",
    "nearest": "the sweep's own architecture of the nearest size",
}


def against_controls(controls: pd.DataFrame) -> list[dict[str, Any]]:
    """One row per method, control and step: how many cases (model and level) are better, worse, or cannot be told apart
    on test images, as adjusted verdicts, and how many would be decided if each were judged alone.

    `median`, `lowest` and `highest` are of the cases' mean differences: one size that never learned moves their mean.
    The rule is our inference.
    """
    comparisons: list[dict[str, Any]] = []
    order = controls.assign(order=controls["control"].map(CONTROLS.index), last=controls["step"] == "finetuned")
    for (_, last, method), rows in order.groupby(["order", "last", "method"]):
        differences = rows[DIFFERENCE.value]
        row: dict[str, Any] = {"method": method, "control": rows["control"].iloc[0], "finetuned": bool(last)}
        row["cases"] = len(rows)
        for suffix, said in {"": rows[adjusted_name()], "_alone": rows[VERDICT]}.items():
            row |= {f"{verdict}{suffix}": int((said == verdict).sum()) for verdict in (BETTER, WORSE)}
        row["open"] = row["cases"] - row[BETTER] - row[WORSE]
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
        counts = {name: row[name] for name in ("cases", "better", "worse", "better_alone", "worse_alone")}
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
