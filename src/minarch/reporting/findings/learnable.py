"""What is large enough to learn: the regimes of all sizes, and the smallest sizes of each family."""

from typing import Any

from minarch.analysis.minimal import BELOW_BEST_POINTS
from minarch.reporting.evidence import Evidence
from minarch.reporting.figures.regimes import draw_regimes
from minarch.reporting.findings.finding import Finding
from minarch.reporting.tables.edges import minimal_rows


def facts(evidence: Evidence) -> dict[str, Any]:
    rows = minimal_rows(evidence.tables)
    return {"families": [row for row in rows if row["depth"] == "all"], "below_best_points": BELOW_BEST_POINTS}


FINDING = Finding(
    name="learnable",
    title="What learns",
    heading="How small can it be and still learn?",
    part="main",
    more=("regimes", "minimal", "sensitivity", "early", "shape"),
    figures={"regimes": lambda evidence: draw_regimes(evidence.tables)},
    facts=facts,
)
