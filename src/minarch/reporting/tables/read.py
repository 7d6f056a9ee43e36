"""The items of every stage as tables with one row per repeat. Only here test results are opened, to be reported.

Accuracies are fractions, NaN where a network gave none; latencies are milliseconds.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypedDict

import pandas as pd

from minarch.analysis.controls import HOW, accuracy_at
from minarch.analysis.precision import VARIANT
from minarch.analysis.records import MODEL
from minarch.data.record import Record
from minarch.files import read_json
from minarch.pruning import MAGNITUDE, SENSITIVITY, STEPS, STRUCTURED

FINAL_TEST = "final_test_accuracy"
REMOVED_SHARE = "removed_share"
WIDTHS = ["width", "channels"]  # the knobs that say how wide a model is
SIZES = ["parameters", "macs", "parameters_before", "macs_before", REMOVED_SHARE]


class TrainingTime(TypedDict):
    """timing.json of a sweep item."""

    seconds: list[float]  # of every repeat
    device: str
    threads: int
    strategy: str


def read_datasets(items: Iterable[Path]) -> pd.DataFrame:
    """One row per data set: image shape, classes, images of each split and how many stand in two (train-test: the
    test images that equal a training image, and so on).
    """
    rows = []
    for item in items:
        record: Record = read_json(item / "record.json")
        shape = " x ".join(map(str, record["shape"]))
        row: dict[str, Any] = {
            "dataset": record["dataset"],
            "shape": shape,
            "classes": record["classes"],
            **record["counts"],
        }
        row |= {f"overlap_{splits.replace('-', '_')}": count for splits, count in record["overlap"].items()}
        rows.append(row)
    return pd.DataFrame(rows).sort_values("dataset", ignore_index=True)


def read_sweep_tests(items: Iterable[Path]) -> pd.DataFrame:
    """One row per trained repeat: test loss and accuracy."""
    rows = []
    for item in items:
        record = read_json(item / "results.json")
        for run in read_json(item / "test.json")["repeats"]:
            row = {name: record[name] for name in MODEL} | {"repeat": run["repeat"]}
            rows.append(row | {f"final_test_{metric}": run[metric] for metric in ("loss", "accuracy")})
    return pd.DataFrame(rows).astype({f"final_test_{metric}": float for metric in ("loss", "accuracy")})


def read_widths(items: Iterable[Path]) -> pd.DataFrame:
    """One row per model: its width, or the channels of its first convolution; NaN where it has no such knob.

    A family of the user's may call anything so: what is no whole number is none.
    """
    rows = []
    for item in items:
        record = read_json(item / "results.json")
        widths = [record["knobs"].get(name) for name in WIDTHS]
        whole = next((width for width in widths if isinstance(width, int)), None)
        rows.append({name: record[name] for name in MODEL} | {"width": whole})
    return pd.DataFrame(rows).drop_duplicates(MODEL).astype({"width": float})


def variant(record: dict[str, Any]) -> dict[str, Any]:
    """The fields of a pruned or quantized item's record that name its model."""
    return {name: record[name] for name in VARIANT}


def of_kind(items: Iterable[Path], kind: str) -> list[tuple[Path, dict[str, Any]]]:
    """Items of one kind with their results.json."""
    records = [(item, read_json(item / "results.json")) for item in items]
    return [(item, record) for item, record in records if record["kind"] == kind]


def read_structured(items: Iterable[Path]) -> pd.DataFrame:
    """One row per structured pruning of a repeat: HOW, sizes before and after, accuracies at each of STEPS."""
    rows = []
    for item, record in of_kind(items, STRUCTURED):
        tests = {run["repeat"]: run for run in read_json(item / "test.json")["repeats"]}
        for run in record["repeats"]:
            row = variant(record) | {name: record["how"][name] for name in HOW}
            row |= {name: run[name] for name in ["repeat", "status", *SIZES]}
            for step in STEPS:
                row[accuracy_at("validation", step)] = run["validation"][step]
                row[accuracy_at("test", step)] = tests[run["repeat"]][step]
            rows.append(row)
    accuracies = [accuracy_at(split, step) for step in STEPS for split in ("validation", "test")]
    table = pd.DataFrame(rows, columns=[*VARIANT, *HOW, "repeat", "status", *SIZES, *accuracies])
    return table.astype(dict.fromkeys([*SIZES, *accuracies], float))


def read_curve(
    items: Iterable[Path], kind: str, fields: list[str], point: list[str], measured: list[str]
) -> pd.DataFrame:
    """The curves of one kind of items, one row per point, with its validation and test accuracies.

    Args:
        fields: of the item's record, beside MODEL, that name the curve.
        point: columns of the files by which points are told apart.
        measured: further columns of curve.csv.
    """
    columns = [*MODEL, *fields, *point, *measured, "validation", "test"]
    tables = [pd.DataFrame(columns=columns)]
    for item, record in of_kind(items, kind):
        table = pd.read_csv(item / "curve.csv").merge(pd.read_csv(item / "test.csv"), on=point)
        table = table.rename(columns={"validation_accuracy": "validation", "accuracy": "test"})
        tables.append(table.assign(**{name: record[name] for name in [*MODEL, *fields]}))
    filled = [table for table in tables if len(table)] or tables[:1]
    return pd.concat(filled)[columns].reset_index(drop=True)


def read_magnitude(items: Iterable[Path]) -> pd.DataFrame:
    """One row per model, scope, fine-tuned or not, repeat and share of weights set to zero."""
    fields, point = ["scope", "finetuned"], ["repeat", "level"]
    table = read_curve(items, MAGNITUDE, fields, point, ["remaining_parameters"])
    return table.sort_values([*MODEL, *fields, *point], ignore_index=True)


def read_sensitivity(items: Iterable[Path]) -> pd.DataFrame:
    """One row per model, repeat, group of units and level; `position` counts the groups, `removed` the units gone."""
    table = read_curve(items, SENSITIVITY, ["importance"], ["repeat", "group", "level"], ["units", "removed"])
    table["position"] = table.groupby(MODEL)["group"].transform(lambda names: pd.factorize(names)[0])
    return table.sort_values([*MODEL, "position", "level", "repeat"], ignore_index=True)


def read_timing(items: Iterable[Path]) -> tuple[float, list[str]]:
    """Seconds spent training the sweep (sum over repeats) and what did it: devices, threads, strategies."""
    timings: list[TrainingTime] = [read_json(item / "timing.json") for item in items]
    ways = {
        "stacked": "stacked",
        "sequential": "one after the other",
        "fused": "one after the other, by compiled steps",
    }
    devices = {
        f"{timing['device']}, {timing['threads']} thread{'s' * (timing['threads'] != 1)}, repeats"
        f" {ways[timing['strategy']]}"
        for timing in timings
    }
    return sum(sum(timing["seconds"]) for timing in timings), sorted(devices)
