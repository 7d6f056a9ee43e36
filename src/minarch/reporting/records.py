"""The items of every stage as tables with one row per repeat. Only here test results are opened, to be reported.

Accuracies are fractions, NaN where a network gave none; latencies are milliseconds.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from minarch.analysis.records import MODEL

VARIANT = [*MODEL, "method", "level", "importance"]  # one exported model: a representative, or a pruned form of it


def read_json(path: Path) -> Any:
    return json.loads(path.read_text())


def read_datasets(items: Iterable[Path]) -> pd.DataFrame:
    """One row per data set: image shape, classes, images of each split."""
    rows = []
    for item in items:
        record = read_json(item / "record.json")
        shape = " x ".join(map(str, record["shape"]))
        rows.append({"dataset": record["dataset"], "shape": shape, "classes": record["classes"], **record["counts"]})
    return pd.DataFrame(rows).sort_values("dataset", ignore_index=True)


def read_sweep_tests(items: Iterable[Path]) -> pd.DataFrame:
    """One row per trained repeat: test loss and accuracy of its last epoch and of its best validation epoch."""
    rows = []
    for item in items:
        record = read_json(item / "results.json")
        for run in read_json(item / "test.json")["repeats"]:
            row = {name: record[name] for name in MODEL} | {"repeat": run["repeat"]}
            for weights in ("final", "best"):
                row |= {f"{weights}_test_{metric}": run[weights][metric] for metric in ("loss", "accuracy")}
            rows.append(row)
    return pd.DataFrame(rows).astype({f"{w}_test_{m}": float for w in ("final", "best") for m in ("loss", "accuracy")})


def variant(record: dict[str, Any]) -> dict[str, Any]:
    """The VARIANT columns of a prune or quantize item; an unpruned model has no importance."""
    return {name: record[name] for name in VARIANT} | {"importance": record["importance"] or ""}


def of_method(items: Iterable[Path], method: str) -> list[tuple[Path, dict[str, Any]]]:
    records = [(item, read_json(item / "results.json")) for item in items]
    return [(item, record) for item, record in records if record["method"] == method]


def read_structured(items: Iterable[Path]) -> pd.DataFrame:
    """One row per structured pruning of a repeat: sizes before and after, validation_* and test_* accuracies."""
    rows = []
    for item, record in of_method(items, "structured"):
        tests = {run["repeat"]: run for run in read_json(item / "test.json")["repeats"]}
        for run in record["repeats"]:
            row = variant(record) | {name: run[name] for name in ["repeat", "status"]}
            row |= {
                name: run[name] for name in ["parameters", "macs", "parameters_before", "macs_before", "removed_share"]
            }
            for step in ("base", "pruned", "finetuned"):
                row |= {f"validation_{step}": run["validation"][step], f"test_{step}": tests[run["repeat"]][step]}
            rows.append(row)
    table = pd.DataFrame(rows)
    numbers = [name for name in table if name not in [*VARIANT, "repeat", "status"]]
    return table.astype(dict.fromkeys(numbers, float))


def read_magnitude(items: Iterable[Path]) -> pd.DataFrame:
    """One row per repeat and share of weights set to zero: validation and test accuracy."""
    tables = []
    for item, record in of_method(items, "magnitude"):
        table = pd.read_csv(item / "curve.csv").merge(pd.read_csv(item / "test.csv"), on=["repeat", "level"])
        table = table.rename(columns={"validation_accuracy": "validation", "accuracy": "test"})
        tables.append(table.assign(**{name: record[name] for name in MODEL}))
    columns = [*MODEL, "repeat", "level", "remaining_parameters", "validation", "test"]
    return pd.concat(tables)[columns].sort_values([*MODEL, "repeat", "level"], ignore_index=True)


def read_exports(items: Iterable[Path]) -> pd.DataFrame:
    """One row per exported repeat and precision (fp32, int8): bytes, weight_bytes, accuracies."""
    rows = []
    for item in items:
        record = read_json(item / "results.json")
        tests = {run["repeat"]: run for run in read_json(item / "test.json")["repeats"]}
        for run in record["repeats"]:
            for precision in ("fp32", "int8"):
                row = variant(record) | {"precision": precision}
                row |= {name: run[name] for name in ["repeat", "status", "parameters", "macs", "agreement"]}
                row |= {name: run[name][precision] for name in ["bytes", "weight_bytes", "validation"]}
                rows.append(row | {"test": tests[run["repeat"]][precision]})
    numbers = ["parameters", "macs", "agreement", "bytes", "weight_bytes", "validation", "test"]
    return pd.DataFrame(rows).astype(dict.fromkeys(numbers, float))


def read_latencies(items: Iterable[Path]) -> pd.DataFrame:
    """One row per export, precision and batch: median, low and high milliseconds for a whole batch."""
    rows = []
    for item in items:
        record, timing = read_json(item / "results.json"), read_json(item / "timing.json")
        for batch, precisions in timing["latency_ms"].items():
            for precision, latency in precisions.items():
                row = variant(record) | {"precision": precision, "batch": int(batch)}
                rows.append(row | latency)
    return pd.DataFrame(rows, columns=[*VARIANT, "precision", "batch", "median", "low", "high"])


def read_measurement(items: Iterable[Path]) -> dict[str, str]:
    """How latency was measured: devices, threads and rounds, each as words."""
    timings = [read_json(item / "timing.json") for item in items]
    return {
        name: ", ".join(sorted({str(timing[name]) for timing in timings})) for name in ("device", "threads", "rounds")
    }


def read_timing(items: Iterable[Path]) -> tuple[float, list[str]]:
    """Seconds spent training the sweep (sum over repeats) and what did it: devices, threads, strategies."""
    timings = [read_json(item / "timing.json") for item in items]
    ways = {"stacked": "stacked", "sequential": "one after the other"}
    devices = {
        f"{timing['device']}, {timing['threads']} thread{'s' * (timing['threads'] != 1)}, repeats"
        f" {ways[timing['strategy']]}"
        for timing in timings
    }
    return sum(sum(timing["seconds"]) for timing in timings), sorted(devices)
