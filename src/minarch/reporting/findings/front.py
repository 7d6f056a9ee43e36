"""Every final model by accuracy and bytes, and those that no other beats in both."""

from collections.abc import Iterator

from minarch.reporting.evidence import Evidence
from minarch.reporting.figures.front import draw_front
from minarch.reporting.findings.finding import Finding, Metric
from minarch.reporting.tables import rows_of
from minarch.reporting.tables.grown import SEARCH_MACS, SEARCH_TRAININGS
from minarch.reporting.tables.models import batches_of

NAMES = ["model", "family", "role", "architecture", "method", "quantization", "precision"]
NUMBERS = ["level", "parameters", "macs", "bytes", "validation_mean", "test_mean", "test_low", "test_high", "n"]
NUMBERS += [SEARCH_MACS, SEARCH_TRAININGS]


def metrics(evidence: Evidence) -> Iterator[Metric]:
    """The recommended model of each data set."""
    front = evidence.tables["front"]
    for row in rows_of(front[front["recommended"].astype(bool)]):
        yield (row["dataset"], "recommended"), {name: row[name] for name in [*NAMES, *NUMBERS]}


FINDING = Finding(
    name="front",
    title="Front",
    heading="Accuracy against bytes",
    tables={
        "candidates": "one model that was trained: how accurate and reliable it is, and whether it is a finalist",
        "models": "one final model: bytes, accuracy, latency",
        "front": "one model on the front",
    },
    figures={
        "front": lambda evidence: draw_front(evidence.tables),
    },
    facts=lambda evidence: {"batches": batches_of(evidence.tables["models"])},
    metrics=metrics,
)
