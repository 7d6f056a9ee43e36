"""Configurations of items of stage prune, and what they leave."""

import json
import shutil

import torch
from safetensors.torch import load_file, save_file

from minarch.flow.stages.prune import Method
from minarch.pruning import STRUCTURED

FINETUNE = {"epochs": 2, "batch_size": 32, "optimizer": "adam", "learning_rate": 2e-3, "weight_decay": 0.0, "seed": 0}
SWEPT = FINETUNE | {"learning_rate": 3e-3}  # as the items were trained, but for the epochs


def method(level=0.5, round_to=1, training=FINETUNE, **how):
    config = {"kind": STRUCTURED, "method": "own", "level": level, "round_to": round_to, "training": training}
    return config | Method.model_validate(how).identity()


PLAIN = method()
MACS = method(importance="L2", scope="global", target="macs", heads=True)
RANDOM = method(importance="random")
LEARNED = method(importance="learned", scope="global")
REWOUND = method(weights="rewound", training=SWEPT)
FRESH = method(weights="fresh", training=SWEPT)


def title(config):
    """Of a test: what is not the default."""
    return "-".join(str(config[name]) for name in Method.model_fields if config[name] != PLAIN[name]) or "plain"


def read(path):
    return json.loads(path.read_text())


def contents(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.name != "timing.json"}


def same(first, second):
    """Whether two networks have the same tensors, bit by bit."""
    state, theirs = first.state_dict(), second.state_dict()
    return list(state) == list(theirs) and all(tensor.equal(theirs[name]) for name, tensor in state.items())


def broken(item, folder, repeat):
    """A copy of an item in which a repeat's weights are not finite."""
    shutil.copytree(item, folder)
    path = folder / read(folder / "results.json")["weights"]
    tensors = load_file(path)
    tensors[f"{repeat}.classifier.weight"][0, 0] = torch.inf
    save_file(tensors, path)
    return folder


def changed_by_test_images(run, config, item, data, folder):
    """The files that differ where the test split of the data item holds other images."""
    shutil.copytree(data, folder)
    shutil.copy(folder / "validation.safetensors", folder / "test.safetensors")
    before, after = contents(run(config, item)), contents(run(config, item, folder))
    return [name for name in before if before[name] != after[name]]
