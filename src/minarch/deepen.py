"""Stage `depth`: a depth of an architecture trained alone, or a search for the first depth that meets a target.

A repeat is "ok"; "unstable": its network diverged, or is no better than chance.
"""

import csv
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from minarch.contract import ORIGINAL, read_networks
from minarch.data.record import Record
from minarch.data.tensors import load_split
from minarch.depth import ALONE, SEARCH
from minarch.depth.converge import Patience
from minarch.depth.search import Method, Problem, Search, search
from minarch.files import read_json, write_json
from minarch.flow.job import run_stage
from minarch.models.cost import macs, parameters
from minarch.models.families import architecture, family_slug, spec_of
from minarch.models.weights import finite, save_networks
from minarch.training.evaluate import evaluate
from minarch.training.loop import Recipe
from minarch.training.memory import keep_freed_memory
from minarch.training.repeats import chance
from minarch.training.strategy import device_of

WEIGHTS = "weights.safetensors"
NEVER = 2.0  # an accuracy that none reaches: a depth alone is trained until it converges


def work(config: dict[str, Any], inputs: dict[str, Any], out: Path) -> None:
    """Train the item's repeats; the test split is read once, after everything else, into a file of its own."""
    started = time.perf_counter()
    keep_freed_memory()
    problem, (method, threshold, how) = problem_of(config, inputs["data"]), plan_of(config, inputs)
    searches, strategy = search(problem, config["repeats"], method, threshold)
    write_json(out / "results.json", results_of(config, problem, searches) | how)
    _write_path(out / "path.csv", searches)
    networks = {one.repeat: one.network for one in searches if one.network is not None}
    save_networks(out / WEIGHTS, networks)
    test = load_split(inputs["data"], "test").to(problem.device)
    tested = {repeat: evaluate(network.to(problem.device), test).accuracy for repeat, network in networks.items()}
    write_json(out / "test.json", {"repeats": [{"repeat": r, "accuracy": value} for r, value in tested.items()]})
    timing = {"seconds": time.perf_counter() - started, "threads": torch.get_num_threads(), "torch": torch.__version__}
    write_json(out / "timing.json", {**timing, **strategy.record()})


def plan_of(config: dict[str, Any], inputs: dict[str, Any]) -> tuple[Method, float, dict[str, Any]]:
    """From where depths are trained, the accuracy that is enough, and what results.json says of both."""
    training = config["train"]
    if config["kind"] == ALONE:
        return Method(restart="scratch", warmup=0, rate=training["learning_rate"]), NEVER, {"depth": config["depth"]}
    rate = training.get("warmup_learning_rate") or training["learning_rate"]
    method = Method(restart=config["restart"], warmup=config["warmup"], rate=rate)
    accuracy = target_accuracy(config["target"], inputs)
    threshold = accuracy - config["tolerance_points"] / 100
    how = {name: config[name] for name in ("restart", "warmup", "target", "tolerance_points")}
    how |= {"accuracy": accuracy, "threshold": threshold}
    return method, threshold, {"levels": config["levels"], "search": how}


def problem_of(config: dict[str, Any], data: Path) -> Problem:
    """What an item's configuration asks to search, on a folder of stage data."""
    record: Record = read_json(data / "record.json")
    training, full = config["train"], architecture(config["family"], config["knobs"])
    depths = [config["depth"]] if config["kind"] == ALONE else config["levels"]
    return Problem(
        specs={depth: spec_of(full.at_depth(depth), record["shape"], record["classes"]) for depth in depths},
        identity={name: config[name] for name in ("dataset", "family", "knobs")} | {"seed": training["seed"]},
        train=load_split(data, "train"),
        validation=load_split(data, "validation"),
        recipe=Recipe.of(training),
        later_rate=training.get("later_learning_rate") or training["learning_rate"],
        patience=Patience(**{name: training[name] for name in ("patience", "decay", "decay_after")}),
        kind=training["strategy"],
        device=device_of(training["device"], training.get("precision")),
    )


def target_accuracy(target: str | float, inputs: dict[str, Any]) -> float:
    """The validation accuracy to come close to: a share, or the mean over the repeats of the best depth of those that
    the target names, trained alone. The mean, because one repeat's accuracy would decide depths by chance.
    """
    if not isinstance(target, str):
        return target
    means = []
    for item in inputs["alone"]:
        reached = [entry["validation_accuracy"] or 0.0 for entry in read_networks(item)["repeats"]]
        means.append(sum(reached) / len(reached))
    return max(means)


def results_of(config: dict[str, Any], problem: Problem, searches: Sequence[Search]) -> dict[str, Any]:
    """results.json: the contract of networks, and the path of every repeat.

    What an item ends with is an architecture of its own, called after its tower, the architecture at full depth.
    """
    tower = f"{family_slug(config['family'])}-{architecture(config['family'], config['knobs']).label}"
    title = f"{ALONE}-{config['depth']}" if config["kind"] == ALONE else config["way"]
    bar = chance(problem.validation)
    return {
        **{name: config[name] for name in ("kind", "dataset", "family", "knobs", "way", "full_depth")},
        "tower": tower,
        "architecture": f"{tower}-{title}",
        "classes": problem.specs[min(problem.specs)]["classes"],
        "method": ORIGINAL,
        "level": 0,
        "weights": WEIGHTS,
        "repeats": [_entry(one, config["kind"], bar) for one in searches],
    }


def _entry(one: Search, kind: str, bar: float) -> dict[str, Any]:
    """The repeat's entry in results.json."""
    assert one.network is not None, "every depth leaves a network"
    spec = one.network.eval().spec()
    stable = finite(one.network) and one.validation_accuracy > bar
    entry = {
        "repeat": one.repeat,
        "seed": one.seed,
        "status": "ok" if stable else "unstable",
        "spec": spec,
        "parameters": parameters(one.network),
        "macs": macs(one.network, spec["shape"]),
        "validation_accuracy": one.validation_accuracy,
        "depth": one.depth,
        "trainings": [
            {
                "depth": training.depth,
                "epochs": len(training.curve),
                "best_epoch": training.best_epoch,
                "validation_accuracy": training.validation_accuracy,
                "epochs_to_target": training.epochs_to_target,
                "training_macs": training.training_macs,
                "validation_macs": training.validation_macs,
            }
            for training in one.trainings
        ],
        "cost": one.cost,
    }
    accuracies = {str(depth): accuracy for depth, accuracy in one.warmup_accuracies.items()}
    return entry | ({"met": one.met, "warmup_accuracies": accuracies} if kind == SEARCH else {})


def _write_path(path: Path, searches: Sequence[Search]) -> None:
    """Every epoch of every training, in the order in which they were made."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["repeat", "depth", "epoch", "validation_loss", "validation_accuracy", "learning_rate"])
        for one in searches:
            for training in one.trainings:
                for epoch, row in enumerate(training.curve, 1):
                    writer.writerow([one.repeat, training.depth, epoch, *row])


if __name__ == "__main__":
    run_stage("depth", work)
