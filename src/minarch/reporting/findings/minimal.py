"""The smallest sizes of each family and depth that learn, and that are nearly as good as the best."""

from minarch.reporting.figures.minimal import draw_minimal
from minarch.reporting.findings.finding import Finding
from minarch.reporting.tables.edges import minimal_rows

FINDING = Finding(
    name="minimal",
    title="Minimal sizes",
    heading="Minimal sizes",
    tables={"minimal": "one depth of a family, or all of them: minimal sizes with intervals"},
    figures={
        "minimal": lambda evidence: draw_minimal(evidence.tables),
    },
    facts=lambda evidence: {"minimal": minimal_rows(evidence.tables)},
)
