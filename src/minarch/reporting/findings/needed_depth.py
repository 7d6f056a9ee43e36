"""How deep a network must be: the depths that searches end with, their sizes and accuracies."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from minarch.analysis.search import depths_of
from minarch.reporting.evidence import Evidence
from minarch.reporting.figures.needed_depth import draw_needed_depth
from minarch.reporting.figures.ways import MOST
from minarch.reporting.findings.finding import Finding, Metric
from minarch.reporting.tables import Table
from minarch.reporting.tables.search import by_tower, methods_of

RESTARTS = {
    "warmup": "each depth starts from the weights after the warm-up",
    "continue": "each depth goes on from the weights of the one before",
    "scratch": "each depth starts from new weights",
}


def facts(evidence: Evidence) -> dict[str, Any]:
    odn = evidence.tables[Table.ODN]
    methods = methods_of(odn)
    return {
        "searched": [row | {"ends": ends(row["depths"])} for row in methods],
        "methods": {row["way"]: (RESTARTS[row["restart"]], row["warmup_epochs"]) for row in methods},
        "towers": by_tower(odn),
        "panels": MOST,
    }


def ends(depths: str) -> list[tuple[int, int]]:
    """Each depth of a text such as "3 3 4", shallowest first, with how many repeats ended with it."""
    return sorted(Counter(depths_of(depths)).items())


def metrics(evidence: Evidence) -> Iterator[Metric]:
    """Of each method: the mean depth, the shares of the full depth that it keeps, and test accuracy."""
    names = {"depth": "depth_mean", "met": "met", "test": "test_mean"}
    names |= {name: f"{name}_mean" for name in ("parameters_share", "macs_share", "test_difference_points")}
    for row in methods_of(evidence.tables[Table.ODN]):
        path = (row["dataset"], row["family"], "needed_depth", row["tower"], row["way"])
        yield path, {name: row[column] for name, column in names.items()}


FINDING = Finding(
    name="needed_depth",
    title="Needed depth",
    heading="How deep must it be?",
    tables={
        "depths": "one depth of a network, trained alone: its size, accuracy and cost",
        "published": "one method beside what the paper publishes of the same network, at its full width",
    },
    figures={
        "needed_depth": lambda evidence: draw_needed_depth(evidence.tables),
    },
    facts=facts,
    metrics=metrics,
)
