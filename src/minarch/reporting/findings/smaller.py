"""What pruning does, in short: how much can go, and whether the method is what makes the difference."""

from typing import Any

from minarch.reporting.evidence import Evidence
from minarch.reporting.findings.controls import NAMES, against_controls
from minarch.reporting.findings.finding import Finding
from minarch.reporting.findings.redundancy import headline
from minarch.reporting.findings.structured import methods_of


def facts(evidence: Evidence) -> dict[str, Any]:
    redundancy = headline(evidence.tables["redundancy"])["redundancy"]
    controls = evidence.tables["controls"]
    return {
        "redundant": {"median": redundancy.median(), "lowest": redundancy.min(), "highest": redundancy.max()},
        "models": len(redundancy),
        "methods": methods_of(evidence.tables["pruning"], evidence.max_drop_points),
        "compared": against_controls(controls[controls["step"] == "finetuned"].assign(method="all")),
        "names": NAMES,
    }


FINDING = Finding(
    name="smaller",
    title="Pruning",
    heading="What does pruning do?",
    part="main",
    more=("redundancy", "structured", "controls", "layers", "depth"),
    facts=facts,
)
