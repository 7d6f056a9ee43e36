"""Stage prune: a trained architecture made smaller, either by cutting units out and fine-tuning, or by zeroing weights.

A repeat is "ok"; "nothing_removed": its layers are too small for the level (it is fine-tuned all the same, as a
control); "diverged": the fine-tuning ended in weights that are not finite; "unstable": the parent's weights were not,
so nothing was done.
"""

import csv
import json
import time
from math import isfinite
from pathlib import Path
from typing import Any

import torch
from torch import nn

from minarch.data.tensors import Split, load_split
from minarch.flow.job import run_stage
from minarch.models.cost import macs, parameters
from minarch.models.weights import finite, load_networks, save_networks
from minarch.pruning.magnitude import prune_magnitude
from minarch.pruning.structured import prune_structured
from minarch.training.evaluate import evaluate
from minarch.training.loop import Recipe, train
from minarch.training.memory import keep_freed_memory
from minarch.training.repeats import derive_seed


def work(config: dict[str, Any], inputs: dict[str, Any], out: Path) -> None:
    """Prune every repeat of the parent; test accuracies go into a file of their own, which nothing selects by."""
    parent = inputs["parent"]
    sources = json.loads((parent / "results.json").read_text())
    about = {
        "method": config["method"],
        "parent": parent.name,
        **{name: sources[name] for name in ("dataset", "family", "architecture")},
    }
    method = structured if config["method"] == "structured" else magnitude
    splits = {name: load_split(inputs["data"], name) for name in ("train", "validation", "test")}
    keep_freed_memory()
    started = time.perf_counter()
    results = method(config, load_networks(parent), splits, out)
    (out / "results.json").write_text(json.dumps(about | results, indent=1, allow_nan=False) + "\n")
    timing = {"seconds": time.perf_counter() - started, "device": "cpu", "threads": torch.get_num_threads()}
    (out / "timing.json").write_text(json.dumps(timing, indent=1) + "\n")


def structured(
    config: dict[str, Any], networks: dict[int, nn.Module], splits: dict[str, Split], out: Path
) -> dict[str, Any]:
    """Cut units, fine-tune; writes weights.safetensors and test.json."""
    shape = splits["train"].images.shape[1:]
    entries, test, tuned = [], [], {}
    for repeat, base in networks.items():
        before = {"repeat": repeat, "parameters_before": parameters(base), "macs_before": macs(base, shape)}
        if finite(base):
            tuned[repeat], after, measured = cut_and_finetune(config, base, repeat, splits)
            cost: dict[str, int | None] = {"parameters": parameters(tuned[repeat]), "macs": macs(tuned[repeat], shape)}
        else:
            after = {"status": "unstable", "spec": None, "removed_share": None}
            cost = {"parameters": None, "macs": None}
            measured = {split: dict.fromkeys(("base", "pruned", "finetuned")) for split in ("validation", "test")}
        entries.append({**before, **after, **cost, "validation": measured["validation"]})
        test.append({"repeat": repeat, **measured["test"]})
    save_networks(out / "weights.safetensors", tuned)
    (out / "test.json").write_text(json.dumps({"repeats": test}, indent=1, allow_nan=False) + "\n")
    asked = {name: config[name] for name in ("level", "importance", "round_to")}
    return asked | {"weights": "weights.safetensors", "repeats": entries}


def cut_and_finetune(
    config: dict[str, Any], base: nn.Module, repeat: int, splits: dict[str, Split]
) -> tuple[nn.Module, dict[str, Any], dict[str, dict[str, float | None]]]:
    """One repeat: the fine-tuned network, what happened to it, and its accuracies base, pruned and finetuned by split.

    All architectures and levels see the images in the same order in the same repeat.
    """
    cut = prune_structured(base, level=config["level"], importance=config["importance"], round_to=config["round_to"])
    network = cut.network
    measured: dict[str, dict[str, float | None]] = {
        split: {"base": evaluate(base, splits[split]).accuracy, "pruned": evaluate(network, splits[split]).accuracy}
        for split in ("validation", "test")
    }
    options = dict(config["finetune"])
    seed = derive_seed({"finetune": options.pop("seed")}, repeat)
    train(network, splits["train"], Recipe(**options), torch.Generator().manual_seed(seed))
    converged = finite(network)
    for split, accuracies in measured.items():
        accuracies["finetuned"] = evaluate(network, splits[split]).accuracy if converged else None
    removed = cut.removed_share > 0 or config["level"] == 0
    status = "diverged" if not converged else "ok" if removed else "nothing_removed"
    after = {"status": status, "spec": network.spec(), "removed_share": cut.removed_share}  # type: ignore[operator]
    return network, after, measured


def magnitude(
    config: dict[str, Any], networks: dict[int, nn.Module], splits: dict[str, Split], out: Path
) -> dict[str, Any]:
    """Accuracy over the share of zeroed weights, level 0 (the base) always first; writes curve.csv and test.csv."""
    levels = sorted({0.0, *config["levels"]})
    entries = []
    with (out / "curve.csv").open("w", newline="") as curve_file, (out / "test.csv").open("w", newline="") as test_file:
        curve, test = (csv.writer(file, lineterminator="\n") for file in (curve_file, test_file))
        curve.writerow(["repeat", "level", "remaining_parameters", "validation_loss", "validation_accuracy"])
        test.writerow(["repeat", "level", "accuracy"])
        for repeat, base in networks.items():
            total, sound = parameters(base), finite(base)
            entries.append({"repeat": repeat, "status": "ok" if sound else "unstable", "parameters": total})
            for sparse in prune_magnitude(base, levels) if sound else ():
                validation = evaluate(sparse.network, splits["validation"])
                loss = validation.loss if isfinite(validation.loss) else ""
                curve.writerow([repeat, sparse.level, total - sparse.removed, loss, validation.accuracy])
                test.writerow([repeat, sparse.level, evaluate(sparse.network, splits["test"]).accuracy])
    return {"scope": config["scope"], "levels": levels, "repeats": entries}


if __name__ == "__main__":
    run_stage("prune", work)
