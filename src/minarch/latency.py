"""Stage latency: how long the exported files take on one thread, one after the other, while nothing else runs here."""

import time
from pathlib import Path
from typing import Any

from minarch.data.tensors import load_split
from minarch.files import read_json, write_json
from minarch.flow.job import run_stage
from minarch.holdings import holdings
from minarch.quantization.arithmetic import processor
from minarch.quantization.measure import latency_ms

BATCHES = (1, 64)
Files = dict[tuple[str, str], Path]  # (item, precision) -> file


def work(config: dict[str, Any], inputs: dict[str, Any], out: Path) -> None:
    """Write timing.json: of every file and batch the median, lowest and highest round, and on which processor."""
    started = time.perf_counter()
    images = {
        read_json(folder / "record.json")["dataset"]: load_split(folder, "validation").images
        for folder in inputs["data"]
    }
    files = [
        {"item": item, "precision": precision, "batch": batch, **milliseconds}
        for dataset, turn in models(inputs["exports"])
        for batch in BATCHES
        for (item, precision), milliseconds in latency_ms(turn, images[dataset], batch, config["rounds"]).items()
    ]
    timing = {**processor(), "rounds": config["rounds"], "files": files}
    write_json(out / "timing.json", timing | {"seconds": time.perf_counter() - started})


def models(exports: list[Path]) -> list[tuple[str, Files]]:
    """The data set and the files of every model: FLOAT32 and what its methods made of it, which take turns.

    Args:
        exports: the folders of stage quantize's exports.
    """
    by_parent: dict[str, tuple[str, Files]] = {}
    for folder in exports:
        results = read_json(folder / "results.json")
        _, files = by_parent.setdefault(results["parent"], (results["dataset"], {}))
        files |= {(folder.name, model.precision): model.path for model in holdings(folder)}
    return list(by_parent.values())


if __name__ == "__main__":
    run_stage("latency", work)
