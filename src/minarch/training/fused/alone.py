"""Repeats trained by compiled steps, one after the other. Only who has numba can import this."""

import fcntl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import torch
from torch import nn

from minarch.data.tensors import Split
from minarch.models.build import build
from minarch.models.families import Spec
from minarch.training.augment import Moves
from minarch.training.fused.available import kept, marker
from minarch.training.fused.network import Fused, images_of
from minarch.training.loop import Recipe
from minarch.training.repeats import Repeat, Task

SMALLEST: dict[str, Spec] = {
    "cnn": {"family": "cnn", "shape": [1, 3, 3], "classes": 1, "channels": [1]},
    "dnn": {"family": "dnn", "shape": [1, 3, 3], "classes": 1, "hidden": [1]},
    "vit": {"family": "vit", "shape": [1, 3, 3], "classes": 1, "patch": 3, "width": 1}
    | {"head_size": 1, "heads": [1], "ffn": [1]},
}
RECIPE = Recipe(epochs=1, batch_size=1, optimizer="adam", learning_rate=0.1, weight_decay=0.0)


def train_fused(task: Task, result: Repeat) -> None:
    """Train a repeat as the plain loop does, within rounding."""
    recipe, order = task.recipe, task.order(result)
    network, factor = Fused(task.spec, task.network(result), recipe), 1.0
    measured = [images_of(split) for split in task.measured]
    best = network.net.values
    moves = None if recipe.augment is None else Moves(recipe.augment, task.train)
    seen = task.train if moves is None else replace(task.train, images=torch.empty_like(task.train.images))
    for epoch in range(1, recipe.epochs + 1):
        if moves is not None:
            moves.moved(order.initial_seed(), epoch).fill(seen.images)
        network.epoch(images_of(seen), torch.randperm(len(task.train), generator=order), epoch, factor)
        if result.record(value for split in measured for value in network.measure(split)):
            best = network.net.values.copy()
        if task.ended(result):
            break
        factor = task.factor(result)
    result.networks = {"final": network.network(), "best": network.network(best)}


def measure_fused(task: Task, networks: Sequence[nn.Module], split: Split) -> list[tuple[float, float]]:
    """Loss and accuracy of networks of the task's structure on a split."""
    images = images_of(split)
    return [Fused(task.spec, network, task.recipe).measure(images) for network in networks]


def prepare(family: str) -> None:
    """Compile a family's steps, which takes many seconds, or load them; of several processes one compiles, all wait."""
    folder = kept()
    if folder is None:
        _step_once(SMALLEST[family])
        return
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        with suppress(OSError):  # a disk without locks: whoever comes meanwhile compiles the same again
            fcntl.flock(lock, fcntl.LOCK_EX)
        _step_once(SMALLEST[family])
    marker(folder, family).touch()


def _step_once(spec: Spec) -> None:
    one = torch.zeros(1, dtype=torch.int64)
    split = Split(torch.zeros(1, 1, 3, 3, dtype=torch.uint8), one, torch.zeros(1), torch.ones(1))
    Fused(spec, build(spec), RECIPE).epoch(images_of(split), one)
