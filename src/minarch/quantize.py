"""Stage quantize: trained or pruned networks at lower precision, exported and checked, or simulated as a curve.

A repeat is "ok", or "unstable": its weights or its logits are not finite, so there is nothing to export.
"""

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from safetensors.torch import save_file

from minarch.contract import Networks, read_networks, variant_of
from minarch.data.record import Record
from minarch.data.tensors import Split, load_split
from minarch.files import read_json, write_json
from minarch.flow.job import run_stage
from minarch.models.network import Network
from minarch.models.weights import load_networks
from minarch.quantization import CURVE, FLOAT32
from minarch.quantization.arithmetic import processor
from minarch.quantization.curve import precision_curve
from minarch.quantization.int8 import calibration_images
from minarch.quantization.preprocessing import Preprocessing
from minarch.quantization.repeat import Exporter, Outcome


def work(config: dict[str, Any], inputs: dict[str, Any], out: Path) -> None:
    """Quantize every repeat of the parent; test accuracies go into a file of their own, which nothing selects by."""
    started = time.perf_counter()
    parent, networks = read_networks(inputs["parent"]), load_networks(inputs["parent"])
    splits = {name: load_split(inputs["data"], name) for name in ("train", "validation", "test")}
    results: dict[str, Any] = {"kind": config["kind"], "parent": inputs["parent"].name, **variant_of(parent)}
    if config["kind"] == CURVE:
        results |= precision_curve(config, networks, splits, out)
        timing: dict[str, Any] = {"device": "cpu", "threads": torch.get_num_threads()}
    else:
        results |= {name: config[name] for name in ("quantization", "precision", "backend")}
        results["repeats"] = exported(config, parent, networks, splits, preprocessing_of(inputs["data"]), out)
        timing = processor()
    write_json(out / "results.json", results)
    write_json(out / "timing.json", timing | {"seconds": time.perf_counter() - started})


def preprocessing_of(data: Path) -> Preprocessing:
    """What the files say of the images of a data item."""
    record: Record = read_json(data / "record.json")
    return Preprocessing(record["dataset"], record["shape"], record["class_names"], record["resized"])


def exported(
    config: dict[str, Any],
    parent: Networks,
    networks: dict[int, Network],
    splits: dict[str, Split],
    preprocessing: Preprocessing,
    out: Path,
) -> list[dict[str, Any]]:
    """The entries of results.json; writes classes.safetensors and test.json of all repeats, and files of the first.

    The first repeat that has files keeps them, those of float32 where the configuration says so; what those of the
    others weigh and predict is recorded.
    """
    calibration = calibration_images(splits["train"].images, config["calibration"], config["seed"])
    exporter = Exporter(config, splits, calibration, preprocessing, parent["architecture"])
    outcomes: list[Outcome] = []
    with TemporaryDirectory(dir=out) as others:
        for entry in parent["repeats"]:
            kept = any(outcome.entry["status"] == "ok" for outcome in outcomes)
            folder = Path(others) if kept else out
            outcomes.append(exporter.run(entry, networks.get(entry["repeat"]), folder))
    for path in out.glob(f"{FLOAT32}-*") if not config["float32"] else ():
        path.unlink()
    kind = torch.uint8 if len(preprocessing.classes) <= 256 else torch.int64
    classes = {
        f"{precision}-{outcome.entry['repeat']}": predicted.to(kind)
        for outcome in outcomes
        for precision, predicted in outcome.classes.items()
    }
    save_file(classes, out / "classes.safetensors")
    write_json(out / "test.json", {"repeats": [outcome.tested for outcome in outcomes]})
    return [outcome.entry for outcome in outcomes]


if __name__ == "__main__":
    run_stage("quantize", work)
