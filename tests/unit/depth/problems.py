"""Architectures of every family that is made of layers, and problems on digits in memory."""

from typing import Any

import pytest
import torch

from minarch.depth.converge import Patience
from minarch.depth.search import Problem
from minarch.models.families import architecture
from minarch.training.loop import Recipe

KNOBS: dict[str, tuple[str, dict[str, Any]]] = {
    "dnn": ("dnn", {"depth": 4, "width": 12}),
    "shaped-dnn": ("shaped-dnn", {"depth": 3, "width": 12, "steps": "grow-shrink"}),
    "cnn": ("cnn", {"depth": 2, "channels": 3}),
    "vit": ("vit", {"depth": 3, "width": 8, "heads": 2, "patch": 4}),
    "resnet": ("resnet", {"depth": 18, "width": 2}),
    "bottlenecks": ("resnet", {"depth": 50, "width": 2}),
    "separable": ("separable", {"depth": 3, "channels": 4}),
    "three stages": ("resnet", {"depth": 20, "width": 2}),
}
every_family = pytest.mark.parametrize("name", KNOBS)


def specs_of(name):
    """Depth -> structure; of residual networks some depths."""
    family = architecture(*KNOBS[name])
    depths = [1, 2, 3, family.full_depth] if family.name == "resnet" else range(1, family.full_depth + 1)
    return {depth: family.at_depth(depth).spec([1, 8, 8], 10) for depth in depths}


def problem(splits, specs, epochs=3, patience=2, **changes):
    """The search among these structures."""
    train, validation = splits
    recipe = Recipe(epochs=epochs, batch_size=50, optimizer="adam", learning_rate=1e-2, weight_decay=0.0)
    patient = Patience(patience=patience, decay=0.5, decay_after=1)
    fields = {"specs": specs, "identity": {"seed": 0}, "train": train, "validation": validation, "recipe": recipe}
    fields |= {"later_rate": 1e-2, "patience": patient, "kind": "sequential", "device": torch.device("cpu")}
    return Problem(**fields | changes)


def bits(network):
    """Every tensor of a network's state as bytes, by name."""
    return {name: tensor.numpy().tobytes() for name, tensor in network.state_dict().items()}
