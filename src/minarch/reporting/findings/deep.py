"""How deep networks must be, in short: what every search for the depth ends with, and what it costs."""

from typing import Any

from minarch.reporting.evidence import Evidence
from minarch.reporting.findings.finding import Finding
from minarch.reporting.findings.needed_depth import ends
from minarch.reporting.tables import Table
from minarch.reporting.tables.search import methods_of


def facts(evidence: Evidence) -> dict[str, Any]:
    searched = [row | {"ends": ends(row["depths"])} for row in methods_of(evidence.tables[Table.ODN])]
    return {
        "searched": searched,
        "shallower": sum(row["depth_mean"] < row["full_depth"] for row in searched),
        "verdicts": {
            claim: {verdict: sum(row[claim] == verdict for row in searched) for verdict in ("holds", "fails")}
            for claim in ("as_good", "cheaper")
        },
    }


FINDING = Finding(
    name="deep",
    title="Depth",
    heading="How deep must it be?",
    part="main",
    more=("needed_depth", "search_cost"),
    facts=facts,
)
