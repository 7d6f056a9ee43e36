"""Stage prune: trained networks made smaller by cutting units out, and curves of what zeroing weights or units costs.

A repeat is "ok"; "nothing_removed": its layers are too small for the level (it is trained all the same, as a control);
"diverged": the training after the cut left no finite weights; "unstable": those it starts from were not finite, so
nothing was done.
"""

import time
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch

from minarch.contract import model_of, read_networks, read_test_accuracies
from minarch.data.tensors import Split, load_split
from minarch.files import write_json
from minarch.flow.job import run_stage
from minarch.models.weights import finite, load_networks, save_networks
from minarch.pruning import MAGNITUDE, SENSITIVITY, STRUCTURED
from minarch.pruning.curves import magnitude, sensitivity
from minarch.pruning.records import Accuracy, Pruned
from minarch.pruning.recovery import trained_by
from minarch.pruning.retraining import Retraining
from minarch.pruning.structured import Criterion, prune_structured
from minarch.training.memory import keep_freed_memory
from minarch.training.repeats import derive_seed

CRITERION = tuple(field.name for field in fields(Criterion))
WEIGHTS = "weights.safetensors"


def work(config: dict[str, Any], inputs: dict[str, Any], out: Path) -> None:
    """Prune every repeat of the parent; test accuracies go into a file of their own, which nothing selects by."""
    splits = {name: load_split(inputs["data"], name) for name in ("train", "validation", "test")}
    keep_freed_memory()
    started = time.perf_counter()
    results: dict[str, Any] = {"kind": config["kind"], "parent": inputs["parent"].name}
    results |= model_of(read_networks(inputs["parent"]))
    timing: dict[str, Any] = {"device": "cpu", "threads": torch.get_num_threads()}
    if config["kind"] == STRUCTURED:
        origin = inputs.get("origin", inputs["parent"])
        retraining = Retraining.of(config, read_networks(origin), trained_by(origin))
        repeats = structured(config, inputs["parent"], origin, splits, retraining)
        how = {name: config[name] for name in (*CRITERION, "schedule", "weights", "rewind")}
        results |= {"method": config["method"], "level": config["level"], "weights": WEIGHTS, "how": how}
        results["repeats"] = [pruned.entry() for pruned in repeats]
        networks = {pruned.original["repeat"]: pruned.network for pruned in repeats if pruned.network is not None}
        save_networks(out / WEIGHTS, networks)
        write_json(out / "test.json", {"repeats": [pruned.tested() for pruned in repeats]})
        timing |= retraining.strategy.record()
    else:
        curve = {MAGNITUDE: magnitude, SENSITIVITY: sensitivity}[config["kind"]]
        results |= curve(config, load_networks(inputs["parent"]), splits, out)
    write_json(out / "results.json", results)
    write_json(out / "timing.json", timing | {"seconds": time.perf_counter() - started})


def structured(
    config: dict[str, Any], parent: Path, origin: Path, splits: dict[str, Split], retraining: Retraining
) -> list[Pruned]:
    """Cut units out of the networks of `parent`, and train what is left.

    `parent` is what is cut: the trained model, or (iterative) what the level before left of it; `origin` is always the
    trained model.
    """
    originals, tested = load_networks(origin), read_test_accuracies(origin)
    networks = originals if origin == parent else load_networks(parent)
    criterion = Criterion(**{name: config[name] for name in CRITERION})
    measured = {repeat: base for repeat, base in originals.items() if finite(base)}
    cuts = {
        repeat: prune_structured(
            networks[repeat],
            level=config["level"],
            criterion=criterion,
            seed=derive_seed({"prune": origin.name, "level": config["level"], **config["training"]}, repeat),
            original=base if origin != parent else None,
            train=splits["train"],
        )
        for repeat, base in measured.items()
        if repeat in networks and finite(networks[repeat])
    }
    retrained, repeats = retraining.run(cuts, splits), []
    for original in retraining.model["repeats"]:
        repeat = original["repeat"]
        steps = {"base": Accuracy(original["validation_accuracy"], tested[repeat])} if repeat in measured else {}
        if repeat not in cuts:
            repeats.append(Pruned(original, "unstable", steps))
            continue
        smaller, (trained, reached) = cuts[repeat], retrained[repeat]
        removed = smaller.removed_share > 0 or config["level"] == 0
        status = "diverged" if not finite(trained) else "ok" if removed else "nothing_removed"
        sizes = smaller.removed_share, smaller.group_sizes()
        repeats.append(Pruned(original, status, steps | reached, trained, *sizes))
    return repeats


if __name__ == "__main__":
    run_stage("prune", work)
