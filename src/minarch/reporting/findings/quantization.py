"""What exported models cost and lose in fewer bits."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from minarch.analysis.intervals import EDGE
from minarch.contract import ORIGINAL
from minarch.reporting.evidence import Evidence
from minarch.reporting.figures.quantization import draw_drops, draw_latency
from minarch.reporting.findings.finding import Finding, Metric
from minarch.reporting.tables import rows_of
from minarch.reporting.tables.models import batches_of
from minarch.reporting.wording import short_name


def as_trained_or_pruned(table: pd.DataFrame) -> pd.Series:
    """The words for each row's model, an original or a pruned one."""
    return table["method"].eq(ORIGINAL).map({True: "as trained", False: "pruned"})


def methods_of(table: pd.DataFrame, max_drop_points: float) -> list[dict[str, Any]]:
    """One row per method, for originals and for pruned models: medians of what it costs and brings.

    `within` counts the models that lose at most `max_drop_points` on validation images, `larger` those whose smallest
    file is no smaller than that of FP32.
    """
    table = table.assign(
        models=as_trained_or_pruned(table),
        within=table["validation_drop_points_mean"] <= max_drop_points + 100 * EDGE,
        smaller=table["bytes"] / table["bytes_fp32"],
        weights=table["weight_bytes"] / table["weight_bytes_fp32"],
        larger=table["bytes"] >= table["bytes_fp32"],
        changed=table["reverted"] > 0,
        taught=table["trained"] > 0,
    )
    methods = table.groupby(["quantization", "precision", "models"], sort=False).agg(
        cases=("within", "size"),
        within=("within", "sum"),
        lost=("test_drop_points_mean", "median"),
        most=("test_drop_points_mean", "max"),
        smaller=("smaller", "median"),
        weights=("weights", "median"),
        larger=("larger", "sum"),
        reverted=("changed", "sum"),
        trained=("taught", "sum"),
        **{str(name): (name, "median") for name in table if str(name).startswith("faster_")},
    )
    return rows_of(methods.reset_index())


def facts(evidence: Evidence) -> dict[str, Any]:
    return {
        "methods": methods_of(evidence.tables["quantization"], evidence.max_drop_points),
        "batches": batches_of(evidence.tables["models"]),
        "kernels": evidence.run.latency["int8"],
        "original": ORIGINAL,
    }


def metrics(evidence: Evidence) -> Iterator[Metric]:
    """Points of test accuracy that models lose as they were trained."""
    table = evidence.tables["quantization"]
    for row in rows_of(table[table["method"] == ORIGINAL]):
        path = (row["dataset"], row["family"], f"{row['quantization']}_drop_points", short_name(row))
        yield path, row["test_drop_points_mean"]


FINDING = Finding(
    name="quantization",
    title="Quantization",
    heading="Quantization: exported and measured",
    tables={"quantization": "one exported model and method of quantization: what it cost and brought"},
    figures={
        "quantization": lambda evidence: draw_drops(evidence.tables),
        "latency": lambda evidence: draw_latency(evidence.tables),
    },
    facts=facts,
    metrics=metrics,
)
