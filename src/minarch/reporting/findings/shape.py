"""How much of the accuracy the parameter count explains, and how much the shape."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from minarch.reporting.evidence import Evidence
from minarch.reporting.figures.shape import draw_shape
from minarch.reporting.figures.trend import draw_trend
from minarch.reporting.findings.finding import Finding, Metric
from minarch.reporting.tables import rows_of


def explained(shape: pd.DataFrame) -> list[dict[str, Any]]:
    """One row per data set, family and scope: the row of each source by its name, and which share is the largest."""
    shares = []
    for (dataset, family, scope), rows in shape.groupby(["dataset", "family", "scope"], sort=False):
        sources = {row["source"]: row for row in rows_of(rows)}
        largest = max(sources, key=lambda name: sources[name]["share"])
        counts = {name: sources[largest][name] for name in ("architectures", "runs")}
        shares.append({"dataset": dataset, "family": family, "scope": scope, "largest": largest} | counts | sources)
    return shares


def metrics(evidence: Evidence) -> Iterator[Metric]:
    for row in explained(evidence.tables["shape"]):
        shares = {source: row[source]["share"] for source in ("parameters", "shape")}
        yield (row["dataset"], row["family"], "explained_by", row["scope"]), shares


FINDING = Finding(
    name="shape",
    title="Shape",
    heading="Does shape matter?",
    tables={
        "trend": "one epoch and parameter count: mean accuracy and its non-decreasing fit",
        "shape": "one source of variance: its share with interval",
    },
    figures={
        "trend": lambda evidence: draw_trend(evidence.tables),
        "shape": lambda evidence: draw_shape(explained(evidence.tables["shape"])),
    },
    facts=lambda evidence: {"explained": explained(evidence.tables["shape"])},
    metrics=metrics,
)
