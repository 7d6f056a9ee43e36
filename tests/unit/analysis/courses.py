"""Runs and curves of one data set and family whose accuracies are given epoch by epoch."""

from typing import Any

import numpy as np
import pandas as pd
from constructed import RELIABILITY

from minarch.analysis.epochs import Course, course_of
from minarch.analysis.sizes import Size, sizes_of

CLASSES = 10
Accuracies = dict[tuple[str, int, int], list[list[float | None]]]  # (name, depth, parameters) -> repeat -> epoch


def tables(accuracies: Accuracies) -> tuple[pd.DataFrame, pd.DataFrame]:
    """As read_runs and read_curves give them; a None is not finite, and a repeat that ends with one is unstable."""
    runs: list[dict[str, Any]] = []
    curves: list[dict[str, Any]] = []
    for (name, depth, parameters), repeats in accuracies.items():
        model = {"architecture": name, "depth": depth, "parameters": parameters, "macs": parameters, "classes": CLASSES}
        for repeat, course in enumerate(repeats):
            status = "unstable" if course[-1] is None else "ok"
            final = {"final_validation_accuracy": course[-1], "final_train_accuracy": course[-1]}
            runs.append(model | {"repeat": repeat, "status": status} | final)
            for epoch, value in enumerate(course, 1):
                metrics = {"validation_accuracy": value, "validation_loss": None if value is None else 1 - value}
                curves.append({"architecture": name, "repeat": repeat, "epoch": epoch} | metrics)
    floats = dict.fromkeys(["final_validation_accuracy", "final_train_accuracy"], float)
    losses = dict.fromkeys(["validation_accuracy", "validation_loss"], float)
    return pd.DataFrame(runs).astype(floats), pd.DataFrame(curves).astype(losses)


def course(accuracies: Accuracies) -> Course:
    return course_of(*tables(accuracies), RELIABILITY)


def depths_of(accuracies: Accuracies) -> list[list[Size]]:
    """The sizes of each depth at the last epoch."""
    runs, curves = tables(accuracies)
    depths = (rows for _, rows in runs.groupby("depth"))
    return [sizes_of(rows, curves[curves["architecture"].isin(rows["architecture"])], RELIABILITY) for rows in depths]


def random_accuracies(seed: int, repeats: int = 4, epochs: int = 3) -> Accuracies:
    """Two depths of five sizes, rough enough for all regimes and for sizes that swap them from epoch to epoch."""
    generator = np.random.default_rng(seed)
    accuracies: Accuracies = {}
    for depth in (1, 2):
        for i, level in enumerate([0.3, 0.6, 0.85, 0.9, 0.92]):
            grown = level * np.linspace(0.7, 1, epochs)
            values = (grown + generator.normal(0, 0.03, (repeats, epochs))).clip(0, 1)
            accuracies[f"net-{depth}-{i}", depth, 100 * 2**i] = values.tolist()
    return accuracies
