"""Tables of the models in fewer bits: what was exported and measured, and what was simulated."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, TypedDict

import pandas as pd

from minarch.analysis.hurt import hurt_table
from minarch.analysis.intervals import ACCURACY, with_intervals
from minarch.analysis.minimal import Bootstrap
from minarch.analysis.precision import DROPS, SPLITS, VARIANT, drop_table, fewest_bits, fragile
from minarch.analysis.records import MODEL
from minarch.files import read_json
from minarch.quantization import CURVE, EXPORT, FLOAT32
from minarch.reporting.tables import Table, Tables
from minarch.reporting.tables.read import of_kind, read_curve, variant

NO_METHOD = ""  # of FLOAT32, which no method quantized
FASTER = "faster_"  # and the batch
IR, ONNX = "IR", "ONNX"
EXPORTED = [*VARIANT, "quantization", "precision"]  # one exported model
FILES = ["bytes", "weight_bytes"]  # of the files of a model, of the values in them
NUMBERS = ["parameters", "macs", "agreement", *FILES, "validation", "test"]


class Processor(TypedDict):
    """What timing.json says of the processor that ran the files."""

    device: str
    threads: int
    int8_kernel: str
    int8_saturates: bool


class TimedFile(TypedDict):
    """A file of an item, and the milliseconds that it takes for a whole batch."""

    item: str
    precision: str
    batch: int
    median: float
    low: float
    high: float


class Measurement(Processor):
    """timing.json of stage latency."""

    rounds: int
    files: list[TimedFile]


def read_exports(items: Iterable[Path], methods: Sequence[str]) -> pd.DataFrame:
    """One row per repeat and file: EXPORTED, status, NUMBERS, layers that were `reverted`, whether `trained` again,
    and the `item` that holds the file.

    The float32 file, which every method measures again, is one row, of the first method's item, which holds it; its
    accuracies are those of the exported file, too.

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
                row = exported_as(record, precision) | {"item": item.name}
                row |= {name: run[name] for name in ("repeat", "status", "parameters", "macs")}
                row |= {name: run[name][precision] for name in (*FILES, "validation")}
                if run["status"] == "ok":
                    row["file_format"] = IR if run["no_onnx"][precision] else ONNX
                row["agreement"] = None if precision == FLOAT32 else run["agreement"]
                changed = precision != FLOAT32 and run["status"] == "ok"
                row["reverted"] = len(run["reverted"] or []) if changed else 0
                row["trained"] = changed and bool((run["qat"] or {}).get("trained"))
                rows.append(row | {"test": tests[run["repeat"]][precision]})
    return pd.DataFrame(rows).astype(dict.fromkeys(NUMBERS, float)).drop_duplicates([*EXPORTED, "repeat"])


def exported_as(record: dict[str, Any], precision: str) -> dict[str, Any]:
    """EXPORTED of the file of a precision, from the record of the item that holds it."""
    method = NO_METHOD if precision == FLOAT32 else record["quantization"]
    return variant(record) | {"quantization": method, "precision": precision}


def read_latencies(item: Path, exports: Iterable[Path]) -> pd.DataFrame:
    """One row per exported file and batch: median, low and high milliseconds for a whole batch.

    Args:
        item: of stage latency.
        exports: the items of stage quantize.
    """
    models = {export.name: record for export, record in of_kind(exports, EXPORT)}
    timing: Measurement = read_json(item / "timing.json")
    rows = []
    for file in timing["files"]:
        row = exported_as(models[file["item"]], file["precision"])
        rows.append(row | {name: file[name] for name in ("batch", "median", "low", "high")})
    return pd.DataFrame(rows, columns=[*EXPORTED, "batch", "median", "low", "high"])


def read_measurement(item: Path, exports: Iterable[Path]) -> dict[str, str]:
    """Words for how stage latency's `item` measured: device, threads, rounds; and for the INT8 kernels of that
    processor and of those that the accuracies of the `exports` come from.
    """
    timing: Measurement = read_json(item / "timing.json")
    accuracies: list[Processor] = [read_json(export / "timing.json") for export, _ in of_kind(exports, EXPORT)]
    return {
        "device": timing["device"],
        "threads": str(timing["threads"]),
        "rounds": str(timing["rounds"]),
        "int8": ", ".join(sorted({_kernel(processor) for processor in (timing, *accuracies)})),
    }


def _kernel(processor: Processor) -> str:
    products = "saturate at 16 bits" if processor["int8_saturates"] else "are exact"
    return f"{processor['int8_kernel']}, whose products {products}"


def deployed(exports: pd.DataFrame) -> pd.DataFrame:
    """One row per exported model: its `file_format`, the `bytes` of its files as they ship and `weight_bytes`, means
    over repeats, whose structures may differ.
    """
    models = exports.groupby(EXPORTED)
    return models[FILES].mean().join(models["file_format"].first()).reset_index()


def quantization_table(
    exports: pd.DataFrame, latencies: pd.DataFrame, methods: Sequence[str], confidence: float
) -> pd.DataFrame:
    """One row per model in fewer bits: drops in percentage points, paired by repeat, beside what the method brings.

    `reverted` layers and the share `trained` of the repeats are means; `faster_<batch>` is the float32 latency over
    that of the quantized file, both measured in turn; sizes are those of `deployed`.

    Args:
        methods: in the order of the study.
    """
    whole = exports["precision"] == FLOAT32
    at = [*VARIANT, "repeat"]
    pairs = exports[~whole].merge(exports.loc[whole, [*at, *SPLITS]], on=at, suffixes=("", "_fp32"))
    for split, drop in zip(SPLITS, DROPS, strict=True):
        pairs[drop] = 100 * (pairs[f"{split}_fp32"] - pairs[split])
    table = pairs.groupby(EXPORTED, sort=False)[["parameters", "reverted", "trained"]].mean().reset_index()
    files = deployed(exports)
    before = files.loc[files["precision"] == FLOAT32].drop(columns=["quantization", "precision"])
    table = table.merge(files, on=EXPORTED).merge(before, on=VARIANT, suffixes=("", "_fp32"))
    table = table.merge(with_intervals(pairs, EXPORTED, DROPS, confidence), on=EXPORTED)
    agreement = with_intervals(pairs, EXPORTED, ["agreement"], confidence, ACCURACY).drop(columns="n")
    table = table.merge(agreement, on=EXPORTED)
    place = table["quantization"].map(list(methods).index)
    table = table.assign(place=place).sort_values([*VARIANT, "place"], ignore_index=True).drop(columns="place")
    for batch, rows in latencies.groupby("batch"):
        medians = rows.groupby(EXPORTED)["median"].median().reset_index()
        float32 = medians.loc[medians["precision"] == FLOAT32, [*VARIANT, "median"]]
        pairs = medians.merge(float32, on=VARIANT, suffixes=("", "_fp32"))
        pairs[f"{FASTER}{batch}"] = pairs["median_fp32"] / pairs["median"]
        table = table.merge(pairs[[*EXPORTED, f"{FASTER}{batch}"]], on=EXPORTED, how="left")
    return table


def precision_tables(
    items: Iterable[Path], parameters: pd.DataFrame, classes: pd.Series, points: float, bootstrap: Bootstrap
) -> Tables:
    """Tables of simulated precision: drops, the fewest bits within `points`, what size and difficulty add to them, and
    fragility.

    Args:
        parameters: MODEL and parameters of every model.
        classes: number of them by data set.
    """
    curves = read_curve(items, CURVE, ["method", "level"], ["repeat", "precision", "scheme"], ["bits", "bytes"])
    return {
        Table.PRECISION: drop_table(curves, bootstrap.confidence),
        Table.FEWEST: fewest_bits(curves, points, bootstrap),
        Table.HURT: hurt_table(curves, parameters[[*MODEL, "parameters"]], 1 / classes, bootstrap.confidence),
        Table.FRAGILE: fragile(curves, bootstrap.confidence),
    }
