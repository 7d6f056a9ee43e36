"""Stage quantize: trained or pruned networks at lower precision, exported and measured, or simulated as a curve.

A repeat is "ok", or "unstable": its weights or its logits are not finite, so there is nothing to export.
"""

import time
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from minarch.data.catalogue import CATALOGUE, FOLDER
from minarch.data.tensors import Split, load_split
from minarch.errors import UserError
from minarch.files import read_json, write_json
from minarch.flow.job import run_stage
from minarch.flow.seal import RECORD
from minarch.models.cost import macs, parameters
from minarch.models.network import Network
from minarch.models.weights import finite, load_networks
from minarch.quantization import CURVE
from minarch.quantization.arithmetic import int8_kernel
from minarch.quantization.curve import precision_curve
from minarch.quantization.export import Deployed, export
from minarch.quantization.files import FLOAT32, Exported
from minarch.quantization.int8 import calibration_images
from minarch.quantization.measure import accuracy, core, images_per_second, latency_ms
from minarch.quantization.methods import Source, quantize
from minarch.quantization.parity import torch_logits
from minarch.quantization.preprocessing import Preprocessing

BATCHES = (1, 64)
SIZES = ("bytes", "weight_bytes", "onnx_bytes")


def work(config: dict[str, Any], inputs: dict[str, Any], out: Path) -> None:
    """Quantize every repeat of the parent; test accuracies go into a file of their own, which nothing selects by."""
    started = time.perf_counter()
    source, networks = read_json(inputs["parent"] / "results.json"), load_networks(inputs["parent"])
    splits = {name: load_split(inputs["data"], name) for name in ("train", "validation", "test")}
    about = {"kind": config["kind"], "parent": inputs["parent"].name}
    about |= {name: source[name] for name in ("dataset", "family", "architecture")}
    about |= {"method": source.get("method", "original"), "level": source.get("level", 0)}
    if config["kind"] == CURVE:
        found = precision_curve(config, networks, splits, out)
        timing: dict[str, Any] = {"device": "cpu", "threads": torch.get_num_threads()}
    else:
        entries = exported(config, source, networks, splits, preprocessing_of(inputs["data"]), out)
        found = {name: config[name] for name in ("quantization", "precision", "backend")} | {"repeats": entries}
        timing = timed(config, entries, splits["validation"].images, out)
    write_json(out / "results.json", about | found)
    write_json(out / "timing.json", timing | {"seconds": time.perf_counter() - started})


def preprocessing_of(data: Path) -> Preprocessing:
    """What the files say of the images of a data item.

    Raises:
        UserError: the item is not finished, and of a data set that may be a folder's.
    """
    record = read_json(data / "record.json")
    if (data / RECORD).exists():
        resize = read_json(data / RECORD)["identity"]["dataset"].startswith(FOLDER)
    elif record["dataset"] in CATALOGUE:
        resize = False
    else:
        raise UserError(
            f"{data}: {RECORD} is missing, which says whether images were resized; allowed: a finished item"
        )
    return Preprocessing(record["dataset"], record["shape"], record["class_names"], resize)


def exported(
    config: dict[str, Any],
    source: dict[str, Any],
    networks: dict[int, Network],
    splits: dict[str, Split],
    preprocessing: Preprocessing,
    out: Path,
) -> list[dict[str, Any]]:
    """The entries of results.json; writes the files of every repeat, classes.safetensors and test.json."""
    train, validation = splits["train"], splits["validation"]
    calibration = calibration_images(train.images, config["calibration"], config["seed"])
    precision, name = config["precision"], source["architecture"]
    precisions = (FLOAT32, precision)
    entries, test, classes = [], [], dict[str, Tensor]()
    for repeat in (entry["repeat"] for entry in source["repeats"]):
        network = networks.get(repeat)
        logits = None
        if network is not None and finite(network):
            deployed = Deployed(network, train.mean, train.std)
            logits = torch_logits(deployed, validation.images)
        if network is None or logits is None or not logits.isfinite().all():
            nothing = dict.fromkeys(precisions)
            entry = dict.fromkeys(("parameters", "macs", "agreement", "reverted", "qat"))
            entry |= {**dict.fromkeys(SIZES, nothing), "validation": {"torch": None, **nothing}}
            entries.append({"repeat": repeat, "status": "unstable", **entry})
            test.append({"repeat": repeat, **nothing, "parity": {}, "processor_parity": {}})
            continue
        model = export(deployed, preprocessing.shape, name)
        asked = Source(network, model, name, source["family"] == "vit", repeat)
        quantized = quantize(config, asked, splits, calibration)
        files = Exported(out, repeat, {FLOAT32: deployed, precision: quantized.network})
        files.write({FLOAT32: model, precision: quantized.model}, preprocessing, name)
        on_validation, on_test, predicted = files.measure(splits, config["target"])
        on_validation["validation"]["torch"] = accuracy(logits, validation.labels)
        entry = {"parameters": parameters(network), "macs": macs(network, preprocessing.shape), **files.sizes()}
        entry |= {**on_validation, "reverted": quantized.reverted, "qat": quantized.qat}
        entries.append({"repeat": repeat, "status": "ok", **entry})
        test.append({"repeat": repeat, **on_test})
        kind = torch.uint8 if len(preprocessing.classes) <= 256 else torch.int64
        classes |= {f"{each}-{repeat}": found.to(kind) for each, found in predicted.items()}
    save_file(classes, out / "classes.safetensors")
    write_json(out / "test.json", {"repeats": test})
    return entries


def timed(config: dict[str, Any], entries: list[dict[str, Any]], images: Tensor, out: Path) -> dict[str, Any]:
    """Latency and throughput of the first repeat that has files, on `images` uint8 [N, C, H, W], one thread; with the
    processor, and its instructions in effect, which also decide the accuracies of INT8.
    """
    repeat = next((entry["repeat"] for entry in entries if entry["status"] == "ok"), None)
    latency = {}
    if repeat is not None:
        files = {each: out / f"{each}-{repeat}.xml" for each in (FLOAT32, config["precision"])}
        latency = {batch: latency_ms(files, images, batch, config["latency_rounds"]) for batch in BATCHES}
    kernel, saturated = int8_kernel()
    return {
        "repeat": repeat,
        "rounds": config["latency_rounds"],
        "threads": 1,
        "latency_ms": {str(batch): found for batch, found in latency.items()},
        "images_per_second": {str(batch): images_per_second(found, batch) for batch, found in latency.items()},
        "device": core().get_property("CPU", "FULL_DEVICE_NAME"),
        "int8_kernel": kernel,
        "int8_saturates": saturated,
    }


if __name__ == "__main__":
    run_stage("quantize", work)
