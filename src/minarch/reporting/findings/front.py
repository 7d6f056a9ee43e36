"""Every final model by accuracy and bytes, and those that no other beats in both."""

from collections.abc import Iterator
from typing import Any

from minarch.analysis.intervals import TEST
from minarch.analysis.sampling import TEST_SAMPLED
from minarch.reporting.evidence import Evidence
from minarch.reporting.figures.front import draw_c_front, draw_front
from minarch.reporting.findings.finding import Finding, Metric
from minarch.reporting.tables import Table, rows_of
from minarch.reporting.tables.compiled import NO_C
from minarch.reporting.tables.grown import SEARCH_MACS, SEARCH_TRAININGS
from minarch.reporting.tables.models import batches_of

NAMES = ["model", "family", "role", "architecture", "method", "quantization", "precision"]
NUMBERS = ["level", "parameters", "macs", "bytes", "validation_mean", *TEST, *TEST_SAMPLED[1:], "n"]
NUMBERS += [SEARCH_MACS, SEARCH_TRAININGS]


def facts(evidence: Evidence) -> dict[str, Any]:
    models = evidence.tables[Table.MODELS]
    reasons = models.loc[models[NO_C].fillna("") != "", NO_C].value_counts()
    return {"batches": batches_of(models), **evidence.run.compiler, "no_c": dict(sorted(reasons.items()))}


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
        "front_c": "one model on the front in bytes as C",
    },
    figures={
        "front": lambda evidence: draw_front(evidence.tables),
        "front_c": lambda evidence: draw_c_front(evidence.tables),
    },
    facts=facts,
    metrics=metrics,
)
