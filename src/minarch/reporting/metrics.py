"""The study's numbers for DVC: metrics.json holds at most a dozen headlines per data set, metrics-details.json all."""

from typing import Any

from minarch.analysis.intervals import VALIDATION
from minarch.analysis.sampling import TEST_SAMPLED
from minarch.contract import ORIGINAL
from minarch.reporting.evidence import Evidence
from minarch.reporting.findings import FINDINGS
from minarch.reporting.tables import Tables, rows_of
from minarch.reporting.tables.edges import ALL
from minarch.reporting.tables.models import RECOMMENDED, headline_method
from minarch.reporting.wording import is_missing

READ = ("front", "minimal", "quantization")
PICKED = {name: name for name in ("model", "bytes", "parameters", "macs")} | {"validation": VALIDATION.value}
PICKED |= dict(zip(("test", "test_low", "test_high"), TEST_SAMPLED, strict=True)) | {"n": "n"}


def make_metrics(evidence: Evidence) -> dict[str, Any]:
    """Data set -> its headlines."""
    return finite({dataset: _headlines(dataset, evidence.tables) for dataset in evidence.tables["data"]["dataset"]})


def _headlines(dataset: str, tables: Tables) -> dict[str, Any]:
    """The recommended model, the best accuracy, the smallest P_min of a family (`p_min_at_most` if no smaller size was
    tried), and the median of the points of test accuracy that models as they were trained lose to the study's first
    method of quantization.
    """
    front, minimal, quantized = (tables[name][tables[name]["dataset"] == dataset] for name in READ)
    method, precision = headline_method(tables["quantization"])
    originals = quantized[(quantized["method"] == ORIGINAL) & (quantized["quantization"] == method)]
    headlines: dict[str, Any] = {}
    for row in rows_of(front[front[RECOMMENDED].astype(bool)]):
        headlines[RECOMMENDED] = {name: row[column] for name, column in PICKED.items()}
    headlines["best_validation"] = front[VALIDATION.value].max()
    for row in rows_of(minimal[minimal["depth"] == ALL].nsmallest(1, "p_min")):
        headlines["p_min_at_most" if row["p_min_at_most"] else "p_min"] = row["p_min"]
    headlines[f"{precision}_drop_points"] = originals["test_drop_points_mean"].median()
    return headlines


def make_details(evidence: Evidence) -> dict[str, Any]:
    """The metrics of all findings, each where its finding wants it."""
    details: dict[str, Any] = {}
    for finding in FINDINGS:
        for (*outer, name), value in finding.metrics(evidence):
            place = details
            for level in outer:
                place = place.setdefault(level, {})
            place[name] = value
    return finite(details)


def finite(value: Any) -> Any:
    """Plain numbers, strings and dicts, without whatever is missing or not finite; accuracies to 6 digits."""
    if isinstance(value, dict):
        kept = {name: finite(inner) for name, inner in value.items()}
        return {name: inner for name, inner in kept.items() if inner is not None}
    if isinstance(value, str):
        return value
    if is_missing(value):
        return None
    number = float(value)
    return int(number) if number.is_integer() else float(f"{number:.6g}")
