"""Stage complexity: networks whose units and layers are pruned while they are trained, and what they are compared with.

An item is one way (minarch.complexity) to train the repeats of an architecture. A repeat is "ok"; "collapsed": it is no
better than chance; "diverged": its weights are not finite; "unreachable": one unit of every layer
costs more multiply-accumulates than L1 may leave, so there is no network.
"""

import csv
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from minarch.complexity import FRESH, GATED, L1
from minarch.complexity.controls import prune_by_l1, train_afresh
from minarch.complexity.motion import Policy
from minarch.complexity.outcome import Epoch, Outcome
from minarch.complexity.schedule import Schedule
from minarch.complexity.structure import Structure
from minarch.complexity.train import QUANTILES, train_gated
from minarch.contract import ORIGINAL
from minarch.data.record import Record
from minarch.data.tensors import load_split
from minarch.errors import UserError
from minarch.files import read_json, write_json
from minarch.flow.job import run_stage
from minarch.models.build import build
from minarch.models.families import architecture, family_slug, spec_of
from minarch.models.weights import save_networks
from minarch.training.blocks import train_repeats
from minarch.training.evaluate import evaluate
from minarch.training.loop import Recipe
from minarch.training.memory import keep_freed_memory
from minarch.training.repeats import Task
from minarch.training.stacked.ensemble import written
from minarch.training.stacked.products import Products
from minarch.training.strategy import Kind, Strategy, choose, device_of

WEIGHTS = "weights.safetensors"
PRICE, RULES = ("nu", "alpha", "beta"), ("heads", "start", "travel", "explore", "estimator")


def work(config: dict[str, Any], inputs: dict[str, Any], out: Path) -> None:
    """Train the item's repeats; the test split is read once, after everything else, into a file of its own."""
    started = time.perf_counter()
    keep_freed_memory()
    task, device = (
        task_of(config, inputs["data"]),
        device_of(config["train"]["device"], config["train"].get("precision")),
    )
    outcomes, strategy = train_by(config, inputs, task, device)
    write_json(out / "results.json", results_of(config, task, outcomes))
    epochs = task.recipe.epochs
    rows = [(one.repeat, *row) for one in outcomes for row in enumerate(one.epochs, epochs - len(one.epochs) + 1)]
    _write(out / "curves.csv", ("repeat", "epoch", *Epoch._fields), ((r, number, *row) for r, number, row in rows))
    if config["way"] == GATED:
        theta = ((one.repeat, *row) for one in outcomes for row in one.theta)
        _write(out / "gates.csv", ("repeat", "epoch", "group", "kind", *QUANTILES), theta)
    networks = {one.repeat: one.network for one in outcomes if one.network is not None}
    save_networks(out / WEIGHTS, networks)
    test = load_split(inputs["data"], "test").to(device)
    finite = [one.repeat for one in outcomes if one.validation_accuracy is not None]
    tested = {repeat: evaluate(networks[repeat].to(device), test).accuracy for repeat in finite}
    tests = [{"repeat": one.repeat, "accuracy": tested.get(one.repeat)} for one in outcomes]
    write_json(out / "test.json", {"repeats": tests})
    timing = {"seconds": time.perf_counter() - started, "threads": torch.get_num_threads(), "torch": torch.__version__}
    write_json(out / "timing.json", {**timing, **strategy.record()})


def task_of(config: dict[str, Any], data: Path) -> Task:
    """The training of the whole architecture, on a folder of stage data; what all ways of an architecture share."""
    record: Record = read_json(data / "record.json")
    return Task(
        spec_of(architecture(config["family"], config["knobs"]), record["shape"], record["classes"]),
        {name: config[name] for name in ("dataset", "family", "knobs")} | {"seed": config["train"]["seed"]},
        load_split(data, "train"),
        load_split(data, "validation"),
        Recipe.of(config["train"]),
        measures_train=False,
    )


def train_by(
    config: dict[str, Any], inputs: dict[str, Any], task: Task, device: torch.device
) -> tuple[list[Outcome], Strategy]:
    """Train the repeats by the item's way; also how they were trained."""
    way, repeats, products = config["way"], config["repeats"], Products(device, coarse=True)
    if way in (L1, FRESH):  # repeats differ in structure, so the whole architecture is timed
        strategy = replace(choose(task, len(repeats), config["train"]["strategy"], device), products=products)
        if way == FRESH:
            return train_afresh(task, inputs["gated"], strategy), strategy
        settle = Schedule.of(task.recipe.epochs, config["delay"], config["settle"]).settle
        return prune_by_l1(task, inputs["short"], inputs["gated"], settle, strategy, heads=config["heads"]), strategy
    if way != GATED:
        strategy = choose(task, len(repeats), config["train"]["strategy"], device)
        return [Outcome.of(task, result) for result in train_repeats(task, repeats, strategy)], strategy
    kind: Kind = config["train"]["strategy"]
    if not written(task.spec):
        if kind == "stacked":
            reason = f"no {task.spec['family']} is stacked with gates"
            raise UserError(f"train.strategy: 'stacked' is not allowed, {reason}; allowed: auto, sequential")
        kind = "sequential"
    strategy = choose(task, len(repeats), kind, device, compiled=False)
    policy = Policy(**{name: config[name] for name in (*PRICE, *RULES) if name != "heads"})
    structure = Structure(build(task.spec), heads=config["heads"])
    schedule = Schedule.of(task.recipe.epochs, config["delay"], config["settle"])
    strategy = replace(strategy, products=products)
    gated = train_gated(task, repeats, strategy, structure, policy, schedule)
    return [Outcome.of_gated(task, result, structure) for result in gated], strategy


def results_of(config: dict[str, Any], task: Task, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """results.json: the contract of networks, what the item's way is, and what became of every repeat.

    What an item ends with is an architecture of its own, called after the whole one.
    """
    whole = f"{family_slug(config['family'])}-{architecture(config['family'], config['knobs']).label}"
    results: dict[str, Any] = {name: config[name] for name in ("way", "dataset", "family", "knobs")}
    results |= {name: config[name] for name in PRICE if name in config}
    if config["way"] == GATED:
        schedule = Schedule.of(task.recipe.epochs, config["delay"], config["settle"])
        results["gates"] = {name: config[name] for name in RULES}
        results["gates"] |= {"delay_epochs": schedule.delay, "settle_epochs": schedule.settle}
    return {
        **results,
        "whole": whole,
        "architecture": f"{whole}-{config['title']}",
        "classes": task.spec["classes"],
        "epochs": task.recipe.epochs,
        "full": {"parameters": task.parameters, "macs": task.macs},
        "method": ORIGINAL,
        "level": 0,
        "weights": WEIGHTS,
        "repeats": [one.entry(task) for one in outcomes],
    }


def _write(path: Path, columns: Iterable[str], rows: Iterable[tuple[Any, ...]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


if __name__ == "__main__":
    run_stage("complexity", work)
