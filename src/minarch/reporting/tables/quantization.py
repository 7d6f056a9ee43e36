"""Tables of the models in fewer bits: what was exported and measured, and what was simulated."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypedDict

import pandas as pd

from minarch.analysis.intervals import ACCURACY, with_intervals
from minarch.analysis.minimal import Bootstrap
from minarch.analysis.precision import DROPS, SPLITS, VARIANT, drop_table, fewest_bits, fragile, regression
from minarch.analysis.records import MODEL
from minarch.files import read_json
from minarch.quantization import CURVE, EXPORT, FLOAT32
from minarch.reporting.tables import Table, Tables
from minarch.reporting.tables.read import of_kind, read_curve, variant

NO_METHOD = ""  # of FLOAT32, which no method quantized
FASTER = "faster_"  # and the batch
EXPORTED = [*VARIANT, "quantization", "precision"]  # one exported model
NUMBERS = ["parameters", "macs", "agreement", "bytes", "weight_bytes", "onnx_bytes", "validation", "test"]


class Latency(TypedDict):
    """Milliseconds for a whole batch."""

    median: float
    low: float
    high: float


class Measurement(TypedDict):
    """timing.json of an export."""

    device: str
    threads: int
    rounds: int
    int8_kernel: str
    int8_saturates: bool
    latency_ms: dict[str, dict[str, Latency]]  # batch -> precision


def read_exports(items: Iterable[Path], methods: Sequence[str]) -> pd.DataFrame:
    """One row per repeat and file: EXPORTED, status, NUMBERS, layers that were `reverted`, whether `trained` again,
    and the `item` that holds the file.

    The float32 file, which every method writes again, is one row, of the first method's item; its accuracies are those
    of the exported file, too.

    Args:
        methods: in the order of the study.
    """
    exports = of_kind(items, EXPORT)
    exports.sort(key=lambda export: (methods.index(export[1]["quantization"]), export[0].name))
    rows = []
    for item, record in exports:
        tests = {run["repeat"]: run for run in read_json(item / "test.json")["repeats"]}
        for run in record["repeats"]:
            for precision in (FLOAT32, record["precision"]):
                method = NO_METHOD if precision == FLOAT32 else record["quantization"]
                row = variant(record) | {"quantization": method, "precision": precision, "item": item.name}
                row |= {name: run[name] for name in ("repeat", "status", "parameters", "macs")}
                row |= {name: run[name][precision] for name in ("bytes", "weight_bytes", "onnx_bytes", "validation")}
                row["agreement"] = None if precision == FLOAT32 else run["agreement"]
                changed = precision != FLOAT32 and run["status"] == "ok"
                row["reverted"] = len(run["reverted"] or []) if changed else 0
                row["trained"] = changed and bool((run["qat"] or {}).get("trained"))
                rows.append(row | {"test": tests[run["repeat"]][precision]})
    return pd.DataFrame(rows).astype(dict.fromkeys(NUMBERS, float)).drop_duplicates([*EXPORTED, "repeat"])


def read_latencies(items: Iterable[Path]) -> pd.DataFrame:
    """One row per export, precision and batch: median, low and high milliseconds for a whole batch.

    A float32 row names the method beside whose file it was measured, in turn.
    """
    rows = []
    for item, record in of_kind(items, EXPORT):
        timing: Measurement = read_json(item / "timing.json")
        for batch, precisions in timing["latency_ms"].items():
            for precision, latency in precisions.items():
                row = variant(record) | {"quantization": record["quantization"], "precision": precision}
                rows.append({**row, "batch": int(batch), **latency})
    return pd.DataFrame(rows, columns=[*EXPORTED, "batch", "median", "low", "high"])


def read_measurement(items: Iterable[Path]) -> dict[str, str]:
    """Words for how latency and INT8 accuracies were measured: devices, threads, rounds and INT8 kernels."""
    words: dict[str, set[str]] = {"device": set(), "threads": set(), "rounds": set(), "int8": set()}
    for item, _ in of_kind(items, EXPORT):
        timing: Measurement = read_json(item / "timing.json")
        products = "saturate at 16 bits" if timing["int8_saturates"] else "are exact"
        words["device"].add(timing["device"])
        words["threads"].add(str(timing["threads"]))
        words["rounds"].add(str(timing["rounds"]))
        words["int8"].add(f"{timing['int8_kernel']}, whose products {products}")
    return {name: ", ".join(sorted(variants)) for name, variants in words.items()}


def quantization_table(
    exports: pd.DataFrame, latencies: pd.DataFrame, methods: Sequence[str], confidence: float
) -> pd.DataFrame:
    """One row per model in fewer bits: drops in percentage points, paired by repeat, beside what the method brings.

    `reverted` layers and the share `trained` of the repeats are means; `faster_<batch>` is the float32 latency over
    that of the quantized file, both measured in turn.

    Args:
        methods: in the order of the study.
    """
    whole = exports["precision"] == FLOAT32
    at = [*VARIANT, "repeat"]
    measured = ["bytes", "weight_bytes", "validation", "test"]
    pairs = exports[~whole].merge(exports.loc[whole, [*at, *measured]], on=at, suffixes=("", "_fp32"))
    for split, drop in zip(SPLITS, DROPS, strict=True):
        pairs[drop] = 100 * (pairs[f"{split}_fp32"] - pairs[split])
    sizes = ["parameters", "bytes_fp32", "bytes", "weight_bytes_fp32", "weight_bytes", "reverted", "trained"]
    table = pairs.groupby(EXPORTED, sort=False)[sizes].mean().reset_index()
    table = table.merge(with_intervals(pairs, EXPORTED, DROPS, confidence), on=EXPORTED)
    agreement = with_intervals(pairs, EXPORTED, ["agreement"], confidence, ACCURACY).drop(columns="n")
    table = table.merge(agreement, on=EXPORTED)
    place = table["quantization"].map(list(methods).index)
    table = table.assign(place=place).sort_values([*VARIANT, "place"], ignore_index=True).drop(columns="place")
    method = [*VARIANT, "quantization"]
    for batch, rows in latencies.groupby("batch"):
        whole = rows["precision"] == FLOAT32
        before, after = (files.groupby(method)["median"].median() for files in (rows[whole], rows[~whole]))
        faster = (before / after).rename(f"{FASTER}{batch}")
        table = table.merge(faster.reset_index(), on=method, how="left")
    return table


def precision_tables(items: Iterable[Path], parameters: pd.DataFrame, points: float, bootstrap: Bootstrap) -> Tables:
    """Tables of simulated precision: drops, the fewest bits within `points`, the regression on size and difficulty,
    and fragility.

    Args:
        parameters: MODEL and parameters of every model.
    """
    curves = read_curve(items, CURVE, ["method", "level"], ["repeat", "precision", "scheme"], ["bits", "bytes"])
    return {
        Table.PRECISION: drop_table(curves, bootstrap.confidence),
        Table.FEWEST: fewest_bits(curves, points, bootstrap),
        Table.HURT: regression(curves, parameters[[*MODEL, "parameters"]]),
        Table.FRAGILE: fragile(curves, bootstrap.confidence),
    }
