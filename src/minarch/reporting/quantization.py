"""Tables of the models in fewer bits: what was exported and measured, and what was simulated."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from minarch.analysis.intervals import ACCURACY, with_intervals
from minarch.analysis.minimal import Bootstrap
from minarch.analysis.precision import VARIANT, drop_table, fewest_bits, fragile, regression
from minarch.analysis.records import MODEL
from minarch.files import read_json
from minarch.quantization import CURVE, EXPORT
from minarch.reporting.records import of_kind, read_curve, variant

FLOAT32, NO_METHOD = "fp32", ""  # the precision of what no method quantized
EXPORTED = [*VARIANT, "quantization", "precision"]  # one exported model
NUMBERS = ["parameters", "macs", "agreement", "bytes", "weight_bytes", "onnx_bytes", "validation", "test"]


def read_exports(items: Iterable[Path]) -> pd.DataFrame:
    """One row per repeat and file: EXPORTED, status, NUMBERS, layers that were `reverted`, whether `trained` again.

    The float32 file, which every method writes again, is one row; its accuracies are those of the exported file, too.
    """
    rows = []
    for item, record in of_kind(items, EXPORT):
        tests = {run["repeat"]: run for run in read_json(item / "test.json")["repeats"]}
        for run in record["repeats"]:
            for precision in (FLOAT32, record["precision"]):
                method = NO_METHOD if precision == FLOAT32 else record["quantization"]
                row = variant(record) | {"quantization": method, "precision": precision}
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
        for batch, precisions in read_json(item / "timing.json")["latency_ms"].items():
            for precision, latency in precisions.items():
                row = variant(record) | {"quantization": record["quantization"], "precision": precision}
                rows.append(row | {"batch": int(batch)} | latency)
    return pd.DataFrame(rows, columns=[*EXPORTED, "batch", "median", "low", "high"])


def read_measurement(items: Iterable[Path]) -> dict[str, str]:
    """How latency and INT8 accuracies were measured: devices, threads, rounds and INT8 kernels, each as words."""
    timings = [read_json(item / "timing.json") for item, _ in of_kind(items, EXPORT)]
    for timing in timings:
        products = "saturate at 16 bits" if timing["int8_saturates"] else "are exact"
        timing["int8"] = f"{timing['int8_kernel']}, whose products {products}"
    names = ("device", "threads", "rounds", "int8")
    return {name: ", ".join(sorted({str(timing[name]) for timing in timings})) for name in names}


def quantization_table(
    exports: pd.DataFrame, latencies: pd.DataFrame, methods: Sequence[str], confidence: float
) -> pd.DataFrame:
    """What a method costs and brings each exported model: drops in percentage points, paired by repeat, beside sizes.

    `reverted` layers and the share `trained` of the repeats are means; `faster_<batch>` is the float32 latency over
    that of the quantized file, both measured in turn.

    Args:
        methods: in the order of the study.
    """
    whole = exports["precision"] == FLOAT32
    at = [*VARIANT, "repeat"]
    measured = ["bytes", "weight_bytes", "validation", "test"]
    pairs = exports[~whole].merge(exports.loc[whole, [*at, *measured]], on=at, suffixes=("", "_fp32"))
    drops = ["validation_drop_points", "test_drop_points"]
    for split, drop in zip(("validation", "test"), drops, strict=True):
        pairs[drop] = 100 * (pairs[f"{split}_fp32"] - pairs[split])
    sizes = ["parameters", "bytes_fp32", "bytes", "weight_bytes_fp32", "weight_bytes", "reverted", "trained"]
    table = pairs.groupby(EXPORTED, sort=False)[sizes].mean().reset_index()
    table = table.merge(with_intervals(pairs, EXPORTED, drops, confidence), on=EXPORTED)
    agreement = with_intervals(pairs, EXPORTED, ["agreement"], confidence, ACCURACY).drop(columns="n")
    table = table.merge(agreement, on=EXPORTED)
    place = table["quantization"].map(list(methods).index)
    table = table.assign(place=place).sort_values([*VARIANT, "place"], ignore_index=True).drop(columns="place")
    method = [*VARIANT, "quantization"]
    for batch, rows in latencies.groupby("batch"):
        whole = rows["precision"] == FLOAT32
        before, after = (own.groupby(method)["median"].median() for own in (rows[whole], rows[~whole]))
        faster = (before / after).rename(f"faster_{batch}")
        table = table.merge(faster.reset_index(), on=method, how="left")
    return table


def precision_tables(
    items: Iterable[Path], parameters: pd.DataFrame, points: float, bootstrap: Bootstrap
) -> dict[str, pd.DataFrame]:
    """What was simulated: drops, the fewest bits within `points`, the regression on size and difficulty, fragility.

    Args:
        parameters: MODEL and parameters of every model.
    """
    curves = read_curve(items, CURVE, ["method", "level"], ["repeat", "precision", "scheme"], ["bits", "bytes"])
    return {
        "precision": drop_table(curves, bootstrap.confidence),
        "fewest": fewest_bits(curves, points, bootstrap),
        "hurt": regression(curves, parameters[[*MODEL, "parameters"]]),
        "fragile": fragile(curves, bootstrap.confidence),
    }
