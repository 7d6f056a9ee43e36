"""metrics.json for `dvc metrics`: the study's findings as nested numbers, by data set and family."""

from typing import Any

from minarch.analysis.choice import FURTHER
from minarch.analysis.precision import ORIGINAL
from minarch.reporting.pruning_verdicts import against_controls, headline
from minarch.reporting.tables import Tables, rows_of
from minarch.reporting.verdicts import EVERYTHING, explained, resemblance
from minarch.reporting.wording import is_missing


def make_metrics(tables: Tables, confidence: float) -> dict[str, Any]:
    """{data set: {family: findings, "recommended": model}, "similarity": verdicts at the level `confidence`,
    "controls": how often each method is better}.

    All numbers are finite: what was not found is left out.
    """
    metrics: dict[str, Any] = {}
    minimal = tables["minimal"][tables["minimal"]["depth"] == "all"]
    for row in rows_of(minimal):
        findings = {"best_validation": row["best_validation"], "p_min": row["p_min"], "p_near_best": row["p_near_best"]}
        metrics.setdefault(row["dataset"], {})[row["family"]] = findings
    for row in rows_of(headline(tables["redundancy"])):
        metrics[row["dataset"]][row["family"]].setdefault("redundancy", {})[name_of(row)] = row["redundancy"]
    for row in explained(tables["shape"]):
        shares = {source: row[source]["share"] for source in ("parameters", "shape")}
        metrics[row["dataset"]][row["family"]].setdefault("explained_by", {})[row["scope"]] = shares
    for row in rows_of(tables["depth"]):
        slopes = metrics[row["dataset"]][row["family"]].setdefault("depth", {}).setdefault(row["scope"], {})
        slopes[f"at equal {row['at_equal']}"] = {name: row[name] for name in ("slope_points", "verdict")}
    originals = tables["quantization"][tables["quantization"]["method"] == ORIGINAL]
    for row in rows_of(originals):
        drops = metrics[row["dataset"]][row["family"]].setdefault(f"{row['quantization']}_drop_points", {})
        drops[name_of(row)] = row["test_drop_points_mean"]
    fewest = tables["fewest"]
    for row in rows_of(fewest[fewest["method"] == ORIGINAL]):
        bits = metrics[row["dataset"]][row["family"]].setdefault("fewest_bits_simulated", {})
        bits.setdefault(name_of(row), {})[f"per {row['scheme']}"] = row["fewest_bits"]
    for row in rows_of(tables["front"][tables["front"]["recommended"].astype(bool)]):
        numbers = ["level", "parameters", "macs", "bytes", "validation_mean", "test_mean", "test_low", "test_high", "n"]
        names = ["model", "family", "role", "architecture", "method", "quantization", "precision"]
        metrics[row["dataset"]]["recommended"] = {name: row[name] for name in [*names, *numbers]}
    for row in resemblance(tables["similarity"], confidence):
        if row["scope"] == EVERYTHING:
            name = f"{row['quantity']}, scaled" if row["scaled"] else row["quantity"]
            verdict = {name: row[name] for name in ["verdict", "p_value", "networks_good", "networks_poor"]}
            metrics.setdefault("similarity", {})[name] = verdict
    for row in against_controls(tables["controls"]):
        step = "trained" if row["finetuned"] else "after the cut"
        counts = {name: row[name] for name in ("cases", "better", "worse")}
        found = metrics.setdefault("controls", {}).setdefault(row["method"], {})
        found[f"{row['control']}, {step}"] = counts | {"median_difference_points": row["median"]}
    return finite(metrics)


def name_of(row: dict[str, Any]) -> str:
    """Of a model within its family: its role, or its architecture where others have the role, too."""
    return str(row["architecture"] if row["role"] == FURTHER else row["role"])


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
