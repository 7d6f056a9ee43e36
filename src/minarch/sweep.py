"""Stage `sweep`: one item per architecture and block of repeats, with curves, weights and counts of every repeat."""

import csv
import json
from pathlib import Path
from typing import Any

import torch

from minarch.data.tensors import Split, load_split
from minarch.flow.job import run_stage
from minarch.models.build import build
from minarch.models.cost import macs, parameters
from minarch.models.families import architecture
from minarch.models.weights import save_networks
from minarch.training.evaluate import evaluate
from minarch.training.repeats import COLUMNS, Repeat, train_repeat


def work(config: dict[str, Any], inputs: dict[str, Any], out: Path) -> None:
    """Train the item's repeats; the test split is read once, after everything else, into a file of its own."""
    record = json.loads((inputs["data"] / "record.json").read_text())
    kind = architecture(config["family"], config["knobs"])
    spec = kind.spec(record["shape"], record["classes"])
    options = dict(config["train"])
    identity = {k: config[k] for k in ("dataset", "family", "knobs")} | {"seed": options.pop("seed")}
    splits = (load_split(inputs["data"], "train"), load_split(inputs["data"], "validation"))
    repeats = [train_repeat(spec, identity, r, splits, options) for r in config["repeats"]]

    model = build(spec)
    results = {
        "architecture": f"{config['family'].rpartition(':')[2].lower()}-{kind.label}",
        "dataset": config["dataset"],
        "family": config["family"],
        "knobs": config["knobs"],
        "classes": record["classes"],
        "parameters": parameters(model),
        "macs": macs(model, record["shape"]),
        "depth": kind.depth,
        "weights": "best.safetensors",
        "repeats": [_summary(r, spec) for r in repeats],
    }
    _write(out / "results.json", results)
    with (out / "curves.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("repeat", "epoch", *COLUMNS))
        writer.writerows((r.repeat, e, *row) for r in repeats for e, row in enumerate(r.curve, 1))
    for name in ("final", "best"):
        save_networks(out / f"{name}.safetensors", {r.repeat: r.networks[name] for r in repeats})
    seconds = {"seconds": [r.seconds for r in repeats], "device": "cpu", "threads": 1, "torch": torch.__version__}
    _write(out / "timing.json", seconds)
    _write(out / "test.json", _test(repeats, load_split(inputs["data"], "test")))


def _summary(result: Repeat, spec: dict[str, Any]) -> dict[str, Any]:
    return {
        "repeat": result.repeat,
        "seed": result.seed,
        "status": result.status,
        "spec": spec,
        "best_epoch": result.best_epoch,
        "final": result.metrics(len(result.curve)),
        "best": result.metrics(result.best_epoch),
    }


def _test(repeats: list[Repeat], split: Split) -> dict[str, Any]:
    rows = []
    for result in repeats:
        row: dict[str, Any] = {"repeat": result.repeat}
        for name, network in result.networks.items():
            found = evaluate(network, split)
            row[name] = {"loss": found.loss if found.loss < float("inf") else None, "accuracy": found.accuracy}
        rows.append(row)
    return {"repeats": rows}


def _write(path: Path, body: dict[str, Any]) -> None:
    path.write_text(json.dumps(body, indent=1, allow_nan=False) + "\n")


if __name__ == "__main__":
    run_stage("sweep", work)
