"""An item as a search for depth leaves it: every repeat has an architecture of its own, the first layers of one."""

from pathlib import Path

import torch

from minarch.data.tensors import load_split
from minarch.files import write_json
from minarch.models.build import build
from minarch.models.cost import macs, parameters
from minarch.models.families import Family
from minarch.models.weights import save_networks
from minarch.training.evaluate import evaluate
from minarch.training.loop import Recipe, train

RECIPE = Recipe(epochs=6, batch_size=32, optimizer="adam", learning_rate=5e-3, weight_decay=0.0)


def searched_item(folder: Path, data: Path, full: Family, depths: list[int], stacked: bool) -> Path:
    """Repeat r has the first `depths[r]` layers of `full`; `stacked`: how timing.json says that they were trained."""
    splits = {name: load_split(data, name) for name in ("train", "validation", "test")}
    networks, repeats, tests = {}, [], []
    for repeat, depth in enumerate(depths):
        torch.manual_seed(repeat)
        spec = full.at_depth(depth).spec((1, 8, 8), 10)
        network = build(spec)
        train(network, splits["train"], RECIPE, torch.Generator().manual_seed(repeat))
        networks[repeat] = network.eval()
        size = {"parameters": parameters(network), "macs": macs(network, spec["shape"])}
        reached = evaluate(network, splits["validation"]).accuracy
        run = {"repeat": repeat, "seed": repeat, "status": "ok", "spec": spec, **size, "validation_accuracy": reached}
        repeats.append(run | {"depth": depth, "met": True})
        tests.append({"repeat": repeat, "accuracy": evaluate(network, splits["test"]).accuracy})
    folder.mkdir()
    save_networks(folder / "weights.safetensors", networks)
    model = {"dataset": "digits", "family": full.name, "architecture": f"{full.name}-{full.label}-odn"}
    record = model | {"kind": "search", "method": "original", "level": 0, "weights": "weights.safetensors"}
    write_json(folder / "results.json", record | {"repeats": repeats})
    write_json(folder / "test.json", {"repeats": tests})
    write_json(folder / "timing.json", {"at_once": 2} if stacked else {"layout": "contiguous"})
    return folder
