"""What networks cost and reach of which whole units were cut."""

from typing import Any

import pandas as pd

from minarch.analysis.controls import HOW
from minarch.analysis.records import MODEL
from minarch.reporting.evidence import Evidence
from minarch.reporting.figures.structured import draw_structured
from minarch.reporting.findings.finding import Finding
from minarch.reporting.tables.models import batches_of


def methods_of(pruning: pd.DataFrame, max_drop_points: float) -> list[dict[str, Any]]:
    """One row per method: HOW it cuts, and the largest share of the MACs that goes within `max_drop_points`.

    The margin is below the original's mean validation accuracy. Levels count that removed anything and of which no
    repeat failed; a model without one counts as 0. `median`, `lowest` and `highest` are over the method's `models`. The
    rule is our inference.
    """
    methods = []
    for name, rows in pruning.groupby("method"):
        kept = rows["validation_finetuned_mean"] >= rows["validation_base_mean"] - max_drop_points / 100 - 1e-12
        counts = kept & (rows["removed_share"] > 0) & (rows["failed"] == 0)
        gone = (1 - rows["macs"] / rows["macs_before"]).where(counts)
        best = gone.groupby([rows[column] for column in MODEL]).max().fillna(0.0)
        spread = {"median": best.median(), "lowest": best.min(), "highest": best.max(), "models": len(best)}
        methods.append({"method": name} | {column: rows[column].iloc[0] for column in HOW} | spread)
    return methods


def facts(evidence: Evidence) -> dict[str, Any]:
    pruning = evidence.tables["pruning"]
    return {
        "methods": methods_of(pruning, evidence.max_drop_points),
        "reestimated": bool((pruning["test_reestimated_mean"] - pruning["test_pruned_mean"]).abs().gt(0).any()),
        "batches": batches_of(evidence.tables["models"]),
        "pruning": evidence.by_family("pruning"),
    }


FINDING = Finding(
    name="structured",
    title="Structured pruning",
    heading="Structured pruning: physically smaller networks",
    tables={"pruning": "one structured pruning: sizes and accuracies before and after"},
    figures={
        "structured": lambda evidence: draw_structured(evidence.tables),
    },
    facts=facts,
)
