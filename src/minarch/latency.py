"""Stage latency: what the exported files take here, one after the other, while nothing else runs: milliseconds of one
thread, and as C the bytes of code, constants and stack that the compiler of this machine makes of them.
"""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import onnx

from minarch.c99.compiled import Compiler, NotCompiled, compiled_bytes, find_compiler
from minarch.c99.source import NoSource, as_c
from minarch.data.tensors import load_split
from minarch.files import read_json, write_json
from minarch.flow.job import run_stage
from minarch.holdings import ONNX, holdings
from minarch.quantization.arithmetic import processor
from minarch.quantization.measure import latency_ms
from minarch.quantization.preprocessing import read_preprocessing

BATCHES = (1, 64)
LARGEST = 2**20  # bytes of a file: a larger one is no microcontroller's, and takes a compiler minutes
Files = dict[tuple[str, str], Path]  # (item, precision) -> file


def work(config: dict[str, Any], inputs: dict[str, Any], out: Path) -> None:
    """Write timing.json: of every file and batch the median, lowest and highest round, and on which processor; of every
    file what it is as C, and by which compiler.
    """
    started = time.perf_counter()
    images = {
        read_json(folder / "record.json")["dataset"]: load_split(folder, "validation").images
        for folder in inputs["data"]
    }
    turns = models(inputs["exports"])
    files = [
        {"item": item, "precision": precision, "batch": batch, **milliseconds}
        for dataset, turn in turns
        for batch in BATCHES
        for (item, precision), milliseconds in latency_ms(turn, images[dataset], batch, config["rounds"]).items()
    ]
    timing = {**processor(), "rounds": config["rounds"], "files": files}
    timing |= as_compiled({name: path for _, turn in turns for name, path in turn.items()})
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


def as_compiled(files: Files) -> dict[str, Any]:
    """What timing.json says of C: the compiler, and of every file the bytes, or why there are none.

    Where there is no compiler it says why, and nothing of the files: a study needs none.
    """
    try:
        compiler = find_compiler()
    except NotCompiled as error:
        return {"compiler": None, "no_compiler": str(error), "c": []}
    with ThreadPoolExecutor(os.cpu_count()) as compilers:  # nothing is timed any more
        made = {name: compilers.submit(_bytes, _source(path), compiler) for name, path in files.items()}
        rows = [{"item": item, "precision": name} | bytes_.result() for (item, name), bytes_ in made.items()]
    return {"compiler": f"{compiler.version}, for {compiler.target}", "no_compiler": None, "c": rows}


def _source(path: Path) -> str | NoSource:
    """A file as C, or why there is none."""
    if path.suffix != ONNX:
        return NoSource("it has no ONNX file")
    if path.stat().st_size > LARGEST:
        return NoSource(f"its file is larger than {LARGEST} bytes")
    try:
        return as_c(onnx.load(path), read_preprocessing(path), path.parent.name)
    except NoSource as error:
        return error


def _bytes(source: str | NoSource, compiler: Compiler) -> dict[str, Any]:
    """The bytes of a source, or under `no_c` why there are none."""
    nothing = dict.fromkeys(("code", "weights", "stack"))
    if isinstance(source, NoSource):
        return nothing | {"no_c": str(source)}
    try:
        return {**asdict(compiled_bytes(source, compiler)), "no_c": None}
    except NotCompiled as error:
        return nothing | {"no_c": str(error)}


if __name__ == "__main__":
    run_stage("latency", work)
