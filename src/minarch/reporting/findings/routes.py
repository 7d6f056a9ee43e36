"""Which way leads to the smallest network, and what it takes."""

from collections.abc import Iterator
from typing import Any

from minarch.reporting.evidence import Evidence
from minarch.reporting.findings.finding import Finding, Metric
from minarch.reporting.tables import Table, rows_of
from minarch.reporting.tables.models import headline_method


def facts(evidence: Evidence) -> dict[str, Any]:
    return {"quantized": headline_method(evidence.tables[Table.QUANTIZATION])[1].upper()}


def metrics(evidence: Evidence) -> Iterator[Metric]:
    """Of each data set the route to the smallest network within the answer's bound, and how much larger the next is."""
    verdicts = evidence.tables[Table.ROUTE_VERDICTS]
    for row in rows_of(verdicts[verdicts["within_points"] == evidence.answer_within]):
        yield (row["dataset"], "route"), {name: row[name] for name in ("route", "bytes", "second_route", "times")}


FINDING = Finding(
    name="routes",
    title="Routes",
    heading="Which way leads to the smallest network?",
    tables={
        "routes": "a way to a small network, in one precision and within one bound: the smallest that it leads to",
        "route_verdicts": "a bound: the way that leads to the smallest network, and the next",
    },
    facts=facts,
    metrics=metrics,
)
