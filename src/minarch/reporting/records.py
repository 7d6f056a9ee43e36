"""The items of every stage as tables with one row per repeat. Only here test results are opened, to be reported.

Accuracies are fractions, NaN where a network gave none; latencies are milliseconds.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from minarch.analysis.controls import HOW
from minarch.analysis.precision import VARIANT
from minarch.analysis.records import MODEL
from minarch.files import read_json

STEPS = ("base", "pruned", "reestimated", "finetuned")  # of structured pruning
SIZES = ["parameters", "macs", "parameters_before", "macs_before", "removed_share"]


def read_datasets(items: Iterable[Path]) -> pd.DataFrame:
    """One row per data set: image shape, classes, images of each split and how many stand in two (train-test: the
    test images that equal a training image, and so on).
    """
    rows = []
    for item in items:
        record = read_json(item / "record.json")
        shape = " x ".join(map(str, record["shape"]))
        row = {"dataset": record["dataset"], "shape": shape, "classes": record["classes"], **record["counts"]}
        row |= {f"overlap_{splits.replace('-', '_')}": count for splits, count in record["overlap"].items()}
        rows.append(row)
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


def read_knobs(items: Iterable[Path]) -> pd.DataFrame:
    """One row per model: its width, NaN where it has no such knob (a family of the user's may call anything so)."""
    rows = []
    for item in items:
        record = read_json(item / "results.json")
        width = record["knobs"].get("width")
        rows.append({name: record[name] for name in MODEL} | {"width": width if isinstance(width, int) else None})
    return pd.DataFrame(rows).drop_duplicates(MODEL).astype({"width": float})


def variant(record: dict[str, Any]) -> dict[str, Any]:
    return {name: record[name] for name in VARIANT}


def of_kind(items: Iterable[Path], kind: str) -> list[tuple[Path, dict[str, Any]]]:
    records = [(item, read_json(item / "results.json")) for item in items]
    return [(item, record) for item, record in records if record["kind"] == kind]


def read_structured(items: Iterable[Path]) -> pd.DataFrame:
    """One row per structured pruning of a repeat: HOW, sizes before and after, validation_* and test_* of STEPS."""
    rows = []
    for item, record in of_kind(items, "structured"):
        tests = {run["repeat"]: run for run in read_json(item / "test.json")["repeats"]}
        for run in record["repeats"]:
            row = variant(record) | {name: record["how"][name] for name in HOW}
            row |= {name: run[name] for name in ["repeat", "status", *SIZES]}
            for step in STEPS:
                row |= {f"validation_{step}": run["validation"][step], f"test_{step}": tests[run["repeat"]][step]}
            rows.append(row)
    accuracies = [f"{split}_{step}" for step in STEPS for split in ("validation", "test")]
    table = pd.DataFrame(rows, columns=[*VARIANT, *HOW, "repeat", "status", *SIZES, *accuracies])
    return table.astype(dict.fromkeys([*SIZES, *accuracies], float))


def read_curve(items: Iterable[Path], kind: str, about: list[str], point: list[str], more: list[str]) -> pd.DataFrame:
    """The curves of one kind: MODEL and `about` of the item, a `point` and `more` of the file, validation and test."""
    columns = [*MODEL, *about, *point, *more, "validation", "test"]
    tables = [pd.DataFrame(columns=columns)]
    for item, record in of_kind(items, kind):
        table = pd.read_csv(item / "curve.csv").merge(pd.read_csv(item / "test.csv"), on=point)
        table = table.rename(columns={"validation_accuracy": "validation", "accuracy": "test"})
        tables.append(table.assign(**{name: record[name] for name in [*MODEL, *about]}))
    filled = [table for table in tables if len(table)] or tables[:1]
    return pd.concat(filled)[columns].reset_index(drop=True)


def read_magnitude(items: Iterable[Path]) -> pd.DataFrame:
    """One row per model, scope, fine-tuned or not, repeat and share of weights set to zero."""
    about = ["scope", "finetuned"]
    table = read_curve(items, "magnitude", about, ["repeat", "level"], ["remaining_parameters"])
    return table.sort_values([*MODEL, *about, "repeat", "level"], ignore_index=True)


def read_sensitivity(items: Iterable[Path]) -> pd.DataFrame:
    """One row per model, repeat, group of units and level; `position` counts the groups, `removed` the units gone."""
    table = read_curve(items, "sensitivity", ["importance"], ["repeat", "group", "level"], ["units", "removed"])
    table["position"] = table.groupby(MODEL)["group"].transform(lambda names: pd.factorize(names)[0])
    return table.sort_values([*MODEL, "position", "level", "repeat"], ignore_index=True)


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
