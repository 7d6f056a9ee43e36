"""What the gates of stage complexity did: theta over the epochs, and what of a network was kept."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from minarch.analysis.complexity import CURVE, POINT
from minarch.complexity import GATED
from minarch.files import read_json

QUANTILES = ["min", "q25", "median", "q75", "max"]  # of theta over the gates of a group
GATES = [*POINT, "group", "kind", "epoch", "n", *QUANTILES]
LAYER = "layer"  # the kind of what is left out as a whole
KEPT = [*POINT, "repeat", "status", "part", "kind", "before", "after"]


def read_gated(items: Iterable[Path]) -> list[tuple[Path, dict[str, Any]]]:
    """The items that were trained with gates, by POINT, each with its record."""
    records = [(item, read_json(item / "results.json")) for item in items]
    gated = [(item, record) for item, record in records if record["way"] == GATED]
    return sorted(gated, key=lambda pair: tuple(pair[1][name] for name in POINT))


def kept_table(items: Iterable[Path]) -> pd.DataFrame:
    """One row per point, repeat and part, a group of units or (kind LAYER, of which there is one) a layer.

    `before` and `after` count units. Of a group of which none is left the layer was left out.
    """
    rows = []
    for _, record in read_gated(items):
        point = {name: record[name] for name in POINT}
        for run in record["repeats"]:
            of_run = point | {"repeat": run["repeat"], "status": run["status"]}
            parts = [(group["name"], group["kind"], group["before"], group["after"]) for group in run["groups"]]
            parts += [(layer["name"], LAYER, 1, int(layer["kept"])) for layer in run["layers"]]
            rows += [of_run | dict(zip(["part", "kind", "before", "after"], part, strict=True)) for part in parts]
    return pd.DataFrame(rows, columns=KEPT)


def gates_table(items: Iterable[Path]) -> pd.DataFrame:
    """One row per group and epoch of the middle nu of each curve (of an even number the lower): QUANTILES, each the
    mean over n repeats.
    """
    curves: dict[tuple[Any, ...], list[tuple[Path, dict[str, Any]]]] = {}
    for item, record in read_gated(items):
        curves.setdefault(tuple(record[name] for name in CURVE), []).append((item, record))
    tables = [pd.DataFrame(columns=GATES)]
    for points in curves.values():
        item, record = points[(len(points) - 1) // 2]
        table = pd.read_csv(item / "gates.csv")
        grouped = table.groupby(["group", "kind", "epoch"], sort=False)
        means = grouped[QUANTILES].mean().join(grouped.size().rename("n")).reset_index()
        tables.append(means.assign(**{name: record[name] for name in POINT}))
    filled = [table for table in tables if len(table)] or tables[:1]
    return pd.concat(filled, ignore_index=True)[GATES]
