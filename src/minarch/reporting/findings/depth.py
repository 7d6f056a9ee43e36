"""Whether deeper networks have more redundant weights than shallow ones of the same size."""

from collections.abc import Iterator

from minarch.reporting.evidence import Evidence
from minarch.reporting.figures.depth import draw_depth
from minarch.reporting.findings.finding import Finding, Metric


def metrics(evidence: Evidence) -> Iterator[Metric]:
    for row in evidence.rows("depth"):
        slope = {name: row[name] for name in ("slope_points", "verdict")}
        yield (row["dataset"], row["family"], "depth", row["scope"], f"at equal {row['at_equal']}"), slope


FINDING = Finding(
    name="depth",
    title="Depth",
    heading="Do deeper networks resist pruning better?",
    tables={"depth": "one family, scope and size that is held equal: redundant weights per further layer"},
    figures={
        "depth": lambda evidence: draw_depth(evidence.tables),
    },
    metrics=metrics,
)
