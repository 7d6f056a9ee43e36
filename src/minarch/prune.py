"""Stage prune: trained networks made smaller by cutting units out, and curves of what zeroing weights or units costs.

A repeat is "ok"; "nothing_removed": its layers are too small for the level (it is trained all the same, as a control);
"diverged": the training after the cut left no finite weights; "unstable": those it starts from were not finite, so
nothing was done.
"""

import time
from pathlib import Path
from typing import Any

import torch

from minarch.data.tensors import Split, load_split
from minarch.files import read_json, write_json
from minarch.flow.job import run_stage
from minarch.models.build import build
from minarch.models.cost import macs, parameters
from minarch.models.network import Network
from minarch.models.weights import finite, load_networks, save_networks
from minarch.pruning import MAGNITUDE, SENSITIVITY, STRUCTURED
from minarch.pruning.curves import magnitude, sensitivity
from minarch.pruning.cut import cut
from minarch.pruning.recovery import at_epoch, recipe_of, reestimate, train_on, trained_by
from minarch.pruning.structured import Criterion, Cut, prune_structured
from minarch.training.evaluate import evaluate
from minarch.training.memory import keep_freed_memory
from minarch.training.repeats import Task, derive_seed
from minarch.training.strategy import Strategy

STEPS = ("base", "pruned", "reestimated", "finetuned")
CRITERION = ("importance", "scope", "target", "floor", "heads", "round_to")
NOTHING: dict[str, Any] = {
    "status": "unstable",
    "spec": None,
    "parameters": None,
    "macs": None,
    "removed_share": None,
    "groups": [],
}
Accuracies = dict[str, dict[str, float | None]]  # split -> step -> accuracy


def work(config: dict[str, Any], inputs: dict[str, Any], out: Path) -> None:
    """Prune every repeat of the parent; test accuracies go into a file of their own, which nothing selects by."""
    splits = {name: load_split(inputs["data"], name) for name in ("train", "validation", "test")}
    keep_freed_memory()
    started = time.perf_counter()
    source = read_json(inputs["parent"] / "results.json")
    about = {"kind": config["kind"], "parent": inputs["parent"].name}
    about |= {name: source[name] for name in ("dataset", "family", "architecture")}
    timing: dict[str, Any] = {"device": "cpu", "threads": torch.get_num_threads()}
    if config["kind"] == STRUCTURED:
        strategy = trained_by(inputs.get("origin", inputs["parent"]))
        found = structured(config, inputs, splits, strategy, out)
        timing |= strategy.record()
    else:
        curve = {MAGNITUDE: magnitude, SENSITIVITY: sensitivity}[config["kind"]]
        found = curve(config, load_networks(inputs["parent"]), splits, out)
    write_json(out / "results.json", about | found)
    write_json(out / "timing.json", timing | {"seconds": time.perf_counter() - started})


def structured(
    config: dict[str, Any], inputs: dict[str, Any], splits: dict[str, Split], strategy: Strategy, out: Path
) -> dict[str, Any]:
    """Cut units out and train what is left; writes weights.safetensors and test.json.

    The parent is what is cut: the trained model, or (iterative) what the level before left of it; `origin` is always
    the trained model.
    """
    origin = inputs.get("origin", inputs["parent"])
    model, originals = read_json(origin / "results.json"), load_networks(origin)
    networks = originals if origin == inputs["parent"] else load_networks(inputs["parent"])
    tested = {run["repeat"]: run["best"]["accuracy"] for run in read_json(origin / "test.json")["repeats"]}
    entries, test, kept = [], [], dict[int, Network]()
    for run in model["repeats"]:
        repeat, shape = run["repeat"], splits["train"].images.shape[1:]
        base, network = originals[repeat], networks.get(repeat)
        entry = {"repeat": repeat, "parameters_before": parameters(base), "macs_before": macs(base, shape)}
        accuracy: Accuracies = {split: dict.fromkeys(STEPS) for split in ("validation", "test")}
        if finite(base):
            accuracy["validation"]["base"] = run["best"]["validation_accuracy"]
            accuracy["test"]["base"] = tested[repeat]
        if network is None or not (finite(base) and finite(network)):
            entry |= NOTHING
        else:
            found = prune_structured(
                network,
                level=config["level"],
                criterion=Criterion(**{name: config[name] for name in CRITERION}),
                seed=derive_seed({"prune": origin.name, "level": config["level"], **config["training"]}, repeat),
                original=base if origin != inputs["parent"] else None,
                train=splits["train"],
            )
            kept[repeat] = recover(config, model, run, found, splits, accuracy, strategy)
            removed = found.removed_share > 0 or config["level"] == 0
            status = "diverged" if not finite(kept[repeat]) else "ok" if removed else "nothing_removed"
            entry |= {"status": status, "spec": kept[repeat].spec(), **found.record()}
            entry |= {"parameters": parameters(kept[repeat]), "macs": macs(kept[repeat], shape)}
        entries.append(entry | {"validation": accuracy["validation"]})
        test.append({"repeat": repeat, **accuracy["test"]})
    save_networks(out / "weights.safetensors", kept)
    write_json(out / "test.json", {"repeats": test})
    asked = {"method": config["method"], "level": config["level"], "weights": "weights.safetensors"}
    how = {name: config[name] for name in (*CRITERION, "schedule", "weights", "rewind")}
    return asked | {"how": how, "repeats": entries}


def recover(
    config: dict[str, Any],
    model: dict[str, Any],
    run: dict[str, Any],
    found: Cut,
    splits: dict[str, Split],
    accuracy: Accuracies,
    strategy: Strategy,
) -> Network:
    """Train what is left of one repeat; writes what it reaches on the way into `accuracy`.

    All architectures and levels see the images in the same order in the same repeat.
    """
    recipe, seed = recipe_of(config["training"])
    order, network = derive_seed({"finetune": seed}, run["repeat"]), found.network
    torch.manual_seed(order)  # of dropout

    def record(step: str) -> None:
        for split, accuracies in accuracy.items():
            accuracies[step] = evaluate(network, splits[split]).accuracy if finite(network) else None

    record("pruned")
    if reestimate(network, splits["train"]):
        record("reestimated")
    else:
        for accuracies in accuracy.values():
            accuracies["reestimated"] = accuracies["pruned"]
    if config["weights"] == "fresh":
        torch.manual_seed(derive_seed({"fresh": seed, **network.spec()}, run["repeat"]))
        network = build(network.spec())
    elif config["weights"] == "rewound":
        identity = {name: model[name] for name in ("dataset", "family", "knobs")} | {"seed": seed}
        task = Task(run["spec"], identity, splits["train"], splits["validation"], recipe)
        network = cut(at_epoch(task, run["repeat"], run["seed"], config["rewind"]), found.groups, found.masks)
    network = train_on(network, splits, recipe, torch.Generator().manual_seed(order), strategy)
    record("finetuned")
    return network


if __name__ == "__main__":
    run_stage("prune", work)
