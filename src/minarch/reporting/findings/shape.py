"""How much of the accuracy the parameter count explains, and how much the shape."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from minarch.analysis.matched import CANNOT_TELL, EQUIVALENT, NOT_EQUIVALENT, WITHIN
from minarch.reporting.evidence import Evidence
from minarch.reporting.figures.shape import draw_shape
from minarch.reporting.figures.trend import draw_trend
from minarch.reporting.findings.finding import Finding, Metric
from minarch.reporting.tables import rows_of
from minarch.reporting.tables.shape import PLACE

VERDICTS = {EQUIVALENT: "equivalent", NOT_EQUIVALENT: "different", CANNOT_TELL: "open"}  # -> names in the template


def explained(shape: pd.DataFrame) -> list[dict[str, Any]]:
    """One row per data set, family and scope: the row of each source by its name, and which share is the largest.

    The share of shape is NaN of a family that has none.
    """
    shares = []
    for (dataset, family, scope), rows in shape.groupby(["dataset", "family", "scope"], sort=False):
        sources = {row["source"]: row for row in rows_of(rows)}
        largest = rows.set_index("source")["share"].astype(float).idxmax()
        counts = {name: sources[largest][name] for name in ("architectures", "runs")}
        shares.append({"dataset": dataset, "family": family, "scope": scope, "largest": largest} | counts | sources)
    return shares


def metrics(evidence: Evidence) -> Iterator[Metric]:
    for row in explained(evidence.tables["shape"]):
        shares = {source: row[source]["share"] for source in ("parameters", "shape")}
        yield (row["dataset"], row["family"], "explained_by", row["scope"]), shares


def equivalences(equivalence: pd.DataFrame) -> list[dict[str, Any]]:
    """One row per data set, family, split and range: how many of its groups have each adjusted verdict."""
    verdicts = pd.get_dummies(equivalence["verdict_adjusted"]).reindex(columns=list(VERDICTS), fill_value=0)
    counts = verdicts.groupby([equivalence[name] for name in PLACE], sort=False).sum().reset_index()
    return rows_of(counts.rename(columns=VERDICTS))


def facts(evidence: Evidence) -> dict[str, Any]:
    points, verdicts = evidence.tables["shape_points"], equivalences(evidence.tables["equivalence"])
    of_place = {tuple(row[name] for name in PLACE): row for row in verdicts}
    none = dict.fromkeys(VERDICTS.values(), 0)
    rows = [row | of_place.get(tuple(row[name] for name in PLACE), none) for row in rows_of(points)]
    return {"explained": explained(evidence.tables["shape"]), "points": rows, "matched_within": WITHIN}


FINDING = Finding(
    name="shape",
    title="Shape",
    heading="Does shape matter?",
    tables={
        "trend": "one epoch and parameter count: mean accuracy and its non-decreasing fit",
        "shape": "one source of variance: its share with interval",
        "shape_points": "a range of sizes: how far shape moves accuracy there, in points",
        "equivalence": "shapes of equal size: whether they are equally accurate",
    },
    figures={
        "trend": lambda evidence: draw_trend(evidence.tables),
        "shape": lambda evidence: draw_shape(explained(evidence.tables["shape"])),
    },
    facts=facts,
    metrics=metrics,
)
