"""The answer: the smallest model that is nearly as good as the best, and every family at a glance."""

from collections.abc import Iterator
from typing import Any

from minarch.analysis.choice import FURTHER
from minarch.analysis.finalists import FINALIST
from minarch.analysis.intervals import VALIDATION
from minarch.contract import ORIGINAL
from minarch.reporting.evidence import Evidence
from minarch.reporting.figures.routes import draw_routes
from minarch.reporting.findings.finding import Finding, Metric
from minarch.reporting.findings.redundancy import headline
from minarch.reporting.tables import Table, Tables, rows_of
from minarch.reporting.tables.models import headline_method, stored_as
from minarch.reporting.wording import short_name


def at_a_glance(tables: Tables) -> list[dict[str, Any]]:
    """One row per data set and family: its minimal sizes, and what later stages say of models that are not FURTHER."""
    rows = rows_of(tables["minimal"][tables["minimal"]["depth"] == "all"])
    quantized = tables["quantization"]
    method, _ = headline_method(quantized)
    originals = quantized[(quantized["method"] == ORIGINAL) & (quantized["quantization"] == method)]
    redundancy = headline(tables["redundancy"])
    redundancy, originals = (table[table["role"] != FURTHER] for table in (redundancy, originals))
    shape = tables["shape"][(tables["shape"]["scope"] == "all sizes") & (tables["shape"]["source"] == "shape")]
    for row in rows:
        for name, table in {"redundancy": redundancy, "drops": originals, "shape": shape}.items():
            row[name] = rows_of(table[(table["dataset"] == row["dataset"]) & (table["family"] == row["family"])])
    return rows


def answers(tables: Tables) -> list[dict[str, Any]]:
    """One row per data set: its recommended and its best model and how many points of validation accuracy lie between
    them; None where no model is reliable.
    """
    rows: list[dict[str, Any]] = []
    for dataset in tables["data"]["dataset"]:
        front = tables["front"][tables["front"]["dataset"] == dataset]
        picks = {name: rows_of(front[front[name].astype(bool)]) for name in ("recommended", "best")}
        row = {"dataset": dataset} | {name: models[0] if models else None for name, models in picks.items()}
        if row["recommended"]:
            row["drop_points"] = 100 * (row["best"][VALIDATION.value] - row["recommended"][VALIDATION.value])
        rows.append(row)
    return rows


def facts(evidence: Evidence) -> dict[str, Any]:
    method, precision = headline_method(evidence.tables["quantization"])
    candidates = evidence.tables[Table.CANDIDATES]
    return {
        "candidates": len(candidates),
        "finalists": int(candidates[FINALIST].sum()),
        "trained": int(candidates["repeats"].sum()),
        "answers": answers(evidence.tables),
        "glance": at_a_glance(evidence.tables),
        "headline_method": stored_as(precision, method),
    }


def metrics(evidence: Evidence) -> Iterator[Metric]:
    """Each family's minimal sizes, and the redundancy of each of its models."""
    minimal = evidence.tables["minimal"]
    for row in rows_of(minimal[minimal["depth"] == "all"]):
        for name in ("best_validation", "p_min", "p_near_best"):
            yield (row["dataset"], row["family"], name), row[name]
    for row in rows_of(headline(evidence.tables["redundancy"])):
        yield (row["dataset"], row["family"], "redundancy", short_name(row)), row["redundancy"]


FINDING = Finding(
    name="answer",
    title="Answer",
    heading="The answer",
    part="main",
    more=("routes", "front"),
    figures={"routes": lambda evidence: draw_routes(evidence.tables, evidence.max_drop_points)},
    facts=facts,
    metrics=metrics,
)
