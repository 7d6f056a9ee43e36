"""The smallest sizes of each family and depth that learn, and that are nearly as good as the best."""

from typing import Any

from minarch.analysis.minimal import BELOW_BEST_POINTS, GAIN_SHARE
from minarch.reporting.evidence import Evidence
from minarch.reporting.figures.minimal import draw_minimal
from minarch.reporting.findings.finding import Finding
from minarch.reporting.tables.edges import minimal_rows


def facts(evidence: Evidence) -> dict[str, Any]:
    rules = {"gain_share": "the share of the gain", "below_best_points": "points below the best"}
    by = [words for name, words in rules.items() if evidence.params["convergence"].get(name) is not None]
    limits = {"gain_share": GAIN_SHARE, "below_best_points": BELOW_BEST_POINTS}
    return {"minimal": minimal_rows(evidence.tables), "by": " and ".join(by) or "neither"} | limits


FINDING = Finding(
    name="minimal",
    title="Minimal sizes",
    heading="Minimal sizes",
    tables={"minimal": "one depth of a family, or all of them: minimal sizes with intervals"},
    figures={
        "minimal": lambda evidence: draw_minimal(evidence.tables),
    },
    facts=facts,
)
