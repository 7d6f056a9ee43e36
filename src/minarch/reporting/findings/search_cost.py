"""What a search for the depth costs, beside what else one could have done."""

from collections.abc import Iterator
from typing import Any

from minarch.analysis.search import CLIMB, PARTS
from minarch.reporting.evidence import Evidence
from minarch.reporting.figures.search_cost import draw_search_cost
from minarch.reporting.figures.ways import MOST
from minarch.reporting.findings.finding import Finding, Metric
from minarch.reporting.tables import Table
from minarch.reporting.tables.search import by_tower


def facts(evidence: Evidence) -> dict[str, Any]:
    odn = evidence.tables[Table.ODN]
    return {
        "climbed": bool((odn["way"] == CLIMB).any()),
        "parts": PARTS,
        "panels": MOST,
        "towers": by_tower(odn),
    }


def metrics(evidence: Evidence) -> Iterator[Metric]:
    """Of every way: its cost in full-depth trainings."""
    for row in evidence.rows(Table.ODN):
        yield (row["dataset"], row["family"], "search_cost", row["tower"], row["way"]), row["cost_mean"]


FINDING = Finding(
    name="search_cost",
    title="Search cost",
    heading="What the search costs",
    tables={"odn": "one way to a depth of a network: what it ends with, what it costs, and verdicts"},
    figures={
        "search_cost": lambda evidence: draw_search_cost(evidence.tables),
    },
    facts=facts,
    metrics=metrics,
)
