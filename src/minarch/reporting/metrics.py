"""metrics.json for `dvc metrics`: the study's findings as nested numbers, most of them by data set and family."""

from typing import Any

from minarch.reporting.evidence import Evidence
from minarch.reporting.findings import FINDINGS
from minarch.reporting.wording import is_missing


def make_metrics(evidence: Evidence) -> dict[str, Any]:
    """The metrics of all findings, each where its finding wants it.

    All numbers are finite: what is missing is left out.
    """
    metrics: dict[str, Any] = {}
    for finding in FINDINGS:
        for (*outer, name), value in finding.metrics(evidence):
            place = metrics
            for level in outer:
                place = place.setdefault(level, {})
            place[name] = value
    return finite(metrics)


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
