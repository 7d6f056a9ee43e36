"""What fewer bits do, in short: every method of quantization over all models."""

from typing import Any

from minarch.reporting.evidence import Evidence
from minarch.reporting.findings.finding import Finding
from minarch.reporting.findings.quantization import methods_of
from minarch.reporting.tables.models import batches_of


def facts(evidence: Evidence) -> dict[str, Any]:
    return {
        "methods": methods_of(evidence.tables["quantization"], evidence.max_drop_points),
        "batches": batches_of(evidence.tables["models"]),
    }


FINDING = Finding(
    name="int8",
    title="INT8",
    heading="What do fewer bits do?",
    part="main",
    more=("quantization", "precision"),
    facts=facts,
)
