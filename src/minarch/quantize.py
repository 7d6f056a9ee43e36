"""Stage quantize: a trained or pruned network exported to OpenVINO in float32 and INT8, and what both files measure.

A repeat is "ok", or "unstable": its weights are not finite, so there is nothing to export.
"""

import json
import time
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from minarch.data.tensors import Split, load_split
from minarch.flow.job import run_stage
from minarch.models.cost import macs, parameters
from minarch.models.weights import finite, load_networks
from minarch.quantization.export import export, save
from minarch.quantization.int8 import calibration_images, quantize_int8
from minarch.quantization.measure import core, latency_ms, predictor
from minarch.training.evaluate import evaluate

PRECISIONS = ("fp32", "int8")
BATCHES = (1, 64)


def work(config: dict[str, Any], inputs: dict[str, Any], out: Path) -> None:
    """Export and quantize every repeat of the parent; measure the latency of the first one that is finite."""
    started = time.perf_counter()
    parent = inputs["parent"]
    source = json.loads((parent / "results.json").read_text())
    networks = load_networks(parent)
    splits = {name: load_split(inputs["data"], name) for name in ("train", "validation", "test")}
    calibration = calibration_images(splits["train"].images, config["calibration"], config["seed"])
    entries, test = [], []
    for repeat in (entry["repeat"] for entry in source["repeats"]):
        network = networks.get(repeat)
        if network is None or not finite(network):
            nothing = dict.fromkeys(PRECISIONS)
            entries.append(
                {"repeat": repeat, "status": "unstable", "parameters": None, "macs": None, "agreement": None}
                | {"bytes": nothing, "weight_bytes": nothing, "validation": {"torch": None, **nothing}}
            )
            test.append({"repeat": repeat, **nothing})
            continue
        files = {precision: out / f"{precision}-{repeat}.xml" for precision in PRECISIONS}
        model = export(network, splits["train"].mean, splits["train"].std)
        save(model, files["fp32"])
        transformer = source["family"] == "vit"
        save(quantize_int8(model, calibration, preset=config["preset"], transformer=transformer), files["int8"])
        entry, accuracy = measure(network, files, splits)
        entries.append({"repeat": repeat, "status": "ok", **entry})
        test.append({"repeat": repeat, **accuracy})
    about = {
        "parent": parent.name,
        **{name: source[name] for name in ("dataset", "family", "architecture")},
        "method": source.get("method", "original"),
        "level": source.get("level", 0),
    }
    write(out / "results.json", about | {"repeats": entries})
    write(out / "test.json", {"repeats": test})
    timed = next((entry["repeat"] for entry in entries if entry["status"] == "ok"), None)
    timing: dict[str, Any] = {"repeat": timed, "rounds": config["latency_rounds"], "threads": 1, "latency_ms": {}}
    if timed is not None:
        files = {precision: out / f"{precision}-{timed}.xml" for precision in PRECISIONS}
        images, rounds = splits["validation"].images, config["latency_rounds"]
        timing["latency_ms"] = {str(batch): latency_ms(files, images, batch, rounds) for batch in BATCHES}
    timing["device"] = core().get_property("CPU", "FULL_DEVICE_NAME")
    write(out / "timing.json", timing | {"seconds": time.perf_counter() - started})


def measure(
    network: nn.Module, files: dict[str, Path], splits: dict[str, Split]
) -> tuple[dict[str, Any], dict[str, float]]:
    """The entry of results.json for one repeat's files, and apart from it their accuracies on the test split."""
    predict = {precision: predictor(file) for precision, file in files.items()}
    found = {precision: run(splits["validation"].images) for precision, run in predict.items()}
    validation = {precision: share(classes == splits["validation"].labels) for precision, classes in found.items()}
    test = {precision: share(run(splits["test"].images) == splits["test"].labels) for precision, run in predict.items()}
    weights = {precision: file.with_suffix(".bin").stat().st_size for precision, file in files.items()}
    entry = {
        "parameters": parameters(network),
        "macs": macs(network, splits["train"].images.shape[1:]),
        "bytes": {precision: file.stat().st_size + weights[precision] for precision, file in files.items()},
        "weight_bytes": weights,
        "validation": {"torch": evaluate(network, splits["validation"]).accuracy, **validation},
        "agreement": share(found["int8"] == found["fp32"]),
    }
    return entry, test


def share(hits: Tensor) -> float:
    return float(hits.double().mean())


def write(path: Path, body: dict[str, Any]) -> None:
    path.write_text(json.dumps(body, indent=1, allow_nan=False) + "\n")


if __name__ == "__main__":
    run_stage("quantize", work)
