"""The exported models as C: bytes that the compiler of stage latency made of them, and the front in these bytes."""

from collections.abc import Iterable
from pathlib import Path
from typing import TypedDict

import pandas as pd

from minarch.analysis.reliability import Reliability
from minarch.files import read_json
from minarch.quantization import EXPORT
from minarch.reporting.tables.models import front_table
from minarch.reporting.tables.quantization import EXPORTED, exported_as
from minarch.reporting.tables.read import of_kind

C_BYTES, C_STACK = "c_bytes", "c_stack_bytes"  # code and constants, which a device stores; memory while it runs
PARTS = ["c_code_bytes", "c_weight_bytes", C_STACK]
NO_C = "no_c"  # why a model has no C; empty: it has


class CompiledFile(TypedDict):
    """A file of an item as C: bytes, or why there are none."""

    item: str
    precision: str
    code: int | None
    weights: int | None
    stack: int | None
    no_c: str | None


class Compiled(TypedDict):
    """What timing.json of stage latency says of C: by which compiler for which processor, or why by none."""

    compiler: str | None
    no_compiler: str | None
    c: list[CompiledFile]


def read_compiled(item: Path, exports: Iterable[Path]) -> pd.DataFrame:
    """One row per exported model: C_BYTES, PARTS (means where its repeats came in blocks) and NO_C.

    Args:
        item: of stage latency.
        exports: the items of stage quantize.
    """
    models = {export.name: record for export, record in of_kind(exports, EXPORT)}
    timing: Compiled = read_json(item / "timing.json")
    rows = []
    for file in timing["c"]:
        row = exported_as(models[file["item"]], file["precision"])
        sizes = zip(PARTS, (file["code"], file["weights"], file["stack"]), strict=True)
        rows.append(row | dict(sizes) | {NO_C: file["no_c"] or ""})
    table = pd.DataFrame(rows, columns=[*EXPORTED, *PARTS, NO_C]).astype(dict.fromkeys(PARTS, float))
    by_model = table.groupby(EXPORTED)
    table = by_model[PARTS].mean().join(by_model[NO_C].max()).reset_index()
    table.insert(len(EXPORTED), C_BYTES, table["c_code_bytes"] + table["c_weight_bytes"])
    return table


def compiler_words(item: Path) -> dict[str, str]:
    """The compiler of stage latency's `item`, or why there was none: one of the two is empty."""
    timing: Compiled = read_json(item / "timing.json")
    return {"compiler": timing["compiler"] or "", "no_compiler": timing["no_compiler"] or ""}


def c_front_table(models: pd.DataFrame, *, max_drop_points: float, reliability: Reliability) -> pd.DataFrame:
    """The front of the models that there is C of, in C_BYTES in place of the bytes of the file."""
    compiled = models.dropna(subset=[C_BYTES])
    in_c = compiled.assign(bytes=compiled[C_BYTES])
    return front_table(in_c, max_drop_points=max_drop_points, reliability=reliability).drop(columns="bytes")
