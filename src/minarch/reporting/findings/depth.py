"""Whether deeper networks keep more of their accuracy than shallow ones of the same size when weights go."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from minarch.analysis.depth import BETTER, FEWEST_MODELS, WORSE
from minarch.analysis.multiplicity import VERDICT, adjusted_name
from minarch.analysis.retention import AREA
from minarch.reporting.evidence import Evidence
from minarch.reporting.figures.depth import draw_depth
from minarch.reporting.findings.finding import Finding, Metric
from minarch.reporting.tables import Table, rows_of


def counted(table: pd.DataFrame) -> list[dict[str, Any]]:
    """One row per measure and size held equal: how many slopes say that deeper networks resist better, or worse, as
    adjusted verdicts and if each is judged alone.
    """
    counts = []
    for (measure, size), rows in table.groupby(["measure", "at_equal"]):
        row = {"measure": measure, "at_equal": size, "slopes": len(rows)}
        for suffix, said in {"": rows[adjusted_name()], "_alone": rows[VERDICT]}.items():
            row |= {f"better{suffix}": int((said == BETTER).sum()), f"worse{suffix}": int((said == WORSE).sum())}
        counts.append(row)
    return counts


def facts(evidence: Evidence) -> dict[str, Any]:
    table = evidence.tables[Table.DEPTH]
    area = table["measure"] == AREA
    return {
        "counted": counted(table),
        "areas": rows_of(table[area]),
        "plateaus": rows_of(table[~area]),
        "fewest_models": FEWEST_MODELS,
    }


def metrics(evidence: Evidence) -> Iterator[Metric]:
    """Of each area the slope and its verdicts."""
    table = evidence.tables[Table.DEPTH]
    for row in rows_of(table[table["measure"] == AREA]):
        curve = f"{row['scope']}, fine-tuned" if row["finetuned"] else row["scope"]
        slope = {name: row[name] for name in ("slope_points", VERDICT, adjusted_name())}
        yield (row["dataset"], row["family"], "depth", curve, f"at equal {row['at_equal']}"), slope


FINDING = Finding(
    name="depth",
    title="Depth",
    heading="Do deeper networks resist pruning better?",
    tables={"depth": "a family, way of pruning, measure and size that is held equal: what one further layer brings"},
    figures={
        "depth": lambda evidence: draw_depth(evidence.tables),
    },
    facts=facts,
    metrics=metrics,
)
