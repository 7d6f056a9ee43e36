"""Sweep items as one table of runs and one of learning curves.

Selection reads only these two tables, so this module never opens an item's test.json.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from minarch.files import read_json

MODEL = ["dataset", "family", "architecture"]
METRICS = ["train_loss", "train_accuracy", "validation_loss", "validation_accuracy"]
FINAL_TRAIN, FINAL_VALIDATION = "final_train_accuracy", "final_validation_accuracy"


def read_runs(items: Iterable[Path]) -> pd.DataFrame:
    """One row per trained repeat: its model, status, final_* metrics: those of the last epoch.

    Accuracies are fractions; what was not finite is NaN. An architecture may come in several items (blocks of repeats).
    """
    rows = []
    for item in items:
        record = read_json(item / "results.json")
        model = {name: record[name] for name in [*MODEL, "depth", "classes", "parameters", "macs"]}
        for run in record["repeats"]:
            final = {f"final_{name}": run["final"][name] for name in METRICS}
            identity = {name: run[name] for name in ["repeat", "seed", "status"]}
            rows.append({**model, **identity, **final, "item": item.name})
    runs = pd.DataFrame(rows)
    runs["depth"] = runs["depth"].astype("Int64")
    measured = [f"final_{metric}" for metric in METRICS]
    runs[measured] = runs[measured].astype(float)
    return runs.sort_values([*MODEL, "repeat"], ignore_index=True)


def read_model_knobs(items: Iterable[Path]) -> dict[tuple[Any, ...], dict[str, Any]]:
    """The knobs of each trained model by its names in MODEL, with its depth, which may be a default."""
    records = [read_json(item / "results.json") for item in items]
    return {tuple(record[name] for name in MODEL): {"depth": record["depth"], **record["knobs"]} for record in records}


def read_curves(items: Iterable[Path]) -> pd.DataFrame:
    """One row per model, repeat and epoch (from 1): train and validation loss and accuracy."""
    tables = []
    for item in items:
        record = read_json(item / "results.json")
        table = pd.read_csv(item / "curves.csv")
        for name in reversed(MODEL):
            table.insert(0, name, record[name])
        tables.append(table)
    tables = tables or [pd.DataFrame(columns=[*MODEL, "repeat", "epoch", *METRICS])]
    return pd.concat(tables, ignore_index=True).sort_values([*MODEL, "repeat", "epoch"], ignore_index=True)
