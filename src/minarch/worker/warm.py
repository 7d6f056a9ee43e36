"""Torch's first steps, and the compiled ones, before a process forks: its jobs find done what each would do again."""

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from safetensors.torch import save

from minarch.data.tensors import Split
from minarch.flow.item import Item
from minarch.models.build import build
from minarch.models.cost import macs
from minarch.models.families import Spec
from minarch.training.fused.available import OTHERS, SHORT_S, fusable, is_kept
from minarch.training.loop import Recipe
from minarch.training.stacked.ensemble import Ensemble
from minarch.training.stacked.pixels import Pixels
from minarch.training.stacked.products import Products

SPEC: Spec = {"family": "dnn", "shape": [1, 1, 1], "classes": 2, "hidden": [1]}
RECIPE = Recipe(epochs=1, batch_size=2, optimizer="adam", learning_rate=0.1, weight_decay=0.0)


def warm_up() -> None:
    """Count, measure, train and write a network of one unit on the CPU, not by autograd, whose threads a fork loses."""
    torch.set_num_threads(1)  # as many as a job has; others would be lost by a fork
    cpu, network = torch.device("cpu"), build(SPEC)
    macs(network, SPEC["shape"])
    ensemble = Ensemble(SPEC, [network], RECIPE, Products(cpu))
    images, labels = torch.zeros(2, 1, 1, 1, dtype=torch.uint8), torch.arange(2)
    pixels = Pixels(Split(images, labels, torch.zeros(1), torch.ones(1)), 2, cpu)
    _, targets = pixels.batch(labels[None])
    ensemble.measure(pixels)
    ensemble.gradients.backward(targets)
    if not torch.backends.cuda.is_built():  # a step looks for CUDA, which forked processes could then not use
        ensemble.optimizer.step()
    save(network.state_dict())


def compile_steps(items: Iterable[Item]) -> None:
    """Load the compiled steps that were kept, and compile those by which items will probably be trained.

    Items that train what an earlier stage trained do not say its family, but its steps were kept then.
    """
    by_any_way = (item for item in items if _may_be_compiled(item.config.get("train", {})))
    long = {str(item.config.get("family")) for item in by_any_way if item.resources.seconds >= SHORT_S}
    for family in OTHERS:
        if fusable({"family": family}) and (family in long or is_kept(family)):
            from minarch.training.fused.alone import prepare

            prepare(family)


def _may_be_compiled(train: Mapping[str, Any]) -> bool:
    """Whether a study's training may be done by compiled steps."""
    return train.get("strategy") == "auto" and train.get("device") == "cpu"
