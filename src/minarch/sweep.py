"""Stage `sweep`: one item per architecture and block of repeats, with curves, weights and counts of every repeat."""

import csv
from pathlib import Path
from typing import Any

import torch

from minarch.contract import ORIGINAL
from minarch.data.record import Record
from minarch.data.tensors import Split, load_split
from minarch.files import read_json, write_json
from minarch.flow.job import run_stage
from minarch.models.build import checked
from minarch.models.families import architecture, family_slug, spec_of
from minarch.models.weights import save_networks
from minarch.training.blocks import fits_into_memory, measure, train_repeats
from minarch.training.loop import Recipe
from minarch.training.memory import keep_freed_memory
from minarch.training.repeats import COLUMNS, Repeat, Task
from minarch.training.strategy import Strategy, choose, device_of


def work(config: dict[str, Any], inputs: dict[str, Any], out: Path) -> None:
    """Train the item's repeats; the test split is read once, after everything else, into a file of its own.

    What goes on are the networks of the last epoch, which no accuracy has chosen: what a later stage costs is measured
    against them, and the best of many epochs looks better on the images that chose it than it is.
    """
    record: Record = read_json(inputs["data"] / "record.json")
    family, training = architecture(config["family"], config["knobs"]), config["train"]
    spec = spec_of(family, record["shape"], record["classes"])
    identity = {k: config[k] for k in ("dataset", "family", "knobs")} | {"seed": training["seed"]}
    device = device_of(training["device"], training.get("precision"))
    train, validation = (load_split(inputs["data"], name) for name in ("train", "validation"))
    task = Task(spec, identity, train, validation, Recipe.of(training))
    fits_into_memory(task, len(config["repeats"]))
    checked(spec)
    keep_freed_memory()
    strategy = choose(task, len(config["repeats"]), training["strategy"], device)
    repeats = train_repeats(task, config["repeats"], strategy)

    sizes = {"parameters": task.parameters, "macs": task.macs}
    results = {
        "architecture": f"{family_slug(config['family'])}-{family.label}",
        "dataset": config["dataset"],
        "family": config["family"],
        "knobs": config["knobs"],
        "classes": record["classes"],
        **sizes,
        "depth": family.depth,
        "method": ORIGINAL,
        "level": 0,
        "weights": "weights.safetensors",
        "repeats": [_summary(r, spec) | sizes for r in repeats],
    }
    write_json(out / "results.json", results)
    with (out / "curves.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("repeat", "epoch", *COLUMNS))
        writer.writerows((r.repeat, e, *row) for r in repeats for e, row in enumerate(r.curve, 1))
    save_networks(out / results["weights"], {r.repeat: r.networks["final"] for r in repeats})
    write_json(out / "test.json", _test(task, repeats, load_split(inputs["data"], "test"), strategy))
    timing = {"seconds": [r.seconds for r in repeats], "threads": torch.get_num_threads(), "torch": torch.__version__}
    write_json(out / "timing.json", {**timing, **strategy.record()})


def _summary(result: Repeat, spec: dict[str, Any]) -> dict[str, Any]:
    final = result.metrics(len(result.curve))
    return {
        "repeat": result.repeat,
        "seed": result.seed,
        "status": result.status,
        "spec": spec,
        "epochs": len(result.curve),
        "final": final,
        "validation_accuracy": final["validation_accuracy"],
    }


def _test(task: Task, repeats: list[Repeat], split: Split, strategy: Strategy) -> dict[str, Any]:
    measured = measure(task, [result.networks["final"] for result in repeats], split, strategy)
    return {
        "repeats": [
            {"repeat": result.repeat, "loss": loss if loss < float("inf") else None, "accuracy": accuracy}
            for result, (loss, accuracy) in zip(repeats, measured, strict=True)
        ]
    }


if __name__ == "__main__":
    run_stage("sweep", work)
