"""Every family at a glance: what it needs to learn, and what pruning and fewer bits do to its representatives."""

from typing import Any

from minarch.analysis.choice import FURTHER
from minarch.contract import ORIGINAL
from minarch.reporting.evidence import Evidence
from minarch.reporting.findings.finding import Finding
from minarch.reporting.findings.redundancy import headline
from minarch.reporting.tables import Tables, rows_of
from minarch.reporting.tables.edges import ALL, minimal_rows
from minarch.reporting.tables.models import headline_method, stored_as


def at_a_glance(tables: Tables) -> list[dict[str, Any]]:
    """One row per data set and family: its minimal sizes, and what later stages say of models that are not FURTHER."""
    rows = [row for row in minimal_rows(tables) if row["depth"] == ALL]
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


def facts(evidence: Evidence) -> dict[str, Any]:
    method, precision = headline_method(evidence.tables["quantization"])
    return {"glance": at_a_glance(evidence.tables), "headline_method": stored_as(precision, method)}


FINDING = Finding(name="glance", title="At a glance", heading="Every family at a glance", facts=facts)
