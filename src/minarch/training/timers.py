"""What a strategy takes, by trying it: seconds of a network's step, and of its share of what is measured each epoch."""

import time
from functools import cached_property
from typing import TYPE_CHECKING

import torch
from torch import nn

from minarch.data.tensors import Split
from minarch.models.build import build
from minarch.training.evaluate import evaluate
from minarch.training.loop import optimizer_for, step
from minarch.training.memory import out_of_memory
from minarch.training.repeats import Task
from minarch.training.stacked.ensemble import Ensemble
from minarch.training.stacked.pixels import Pixels
from minarch.training.stacked.products import Products

if TYPE_CHECKING:
    from minarch.training.fused.block import Images
    from minarch.training.fused.network import Fused as FusedNetwork

STEPS = 2  # that are timed
MEASURED = 512  # images, at most, of the measurement that is timed


class Timer:
    """Seconds that one network takes, of those trained at once; infinitely many if they do not fit into memory."""

    def __init__(self, task: Task, count: int = 1) -> None:
        self.task, self.count, self.part = task, count, task.validation.thinned(MEASURED)
        steps = -(-len(task.train) // task.recipe.batch_size)
        self.share = sum(len(split) for split in task.measured) / steps / len(self.part)  # of a step, in parts

    def __call__(self) -> float:
        try:
            self.step()
            started = time.perf_counter()
            for _ in range(STEPS):
                self.step()
            stepped = time.perf_counter()
            self.measure()
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
            return float("inf")
        return ((stepped - started) / STEPS + self.share * (time.perf_counter() - stepped)) / self.count

    def step(self) -> None:
        """Train all networks on a batch."""
        raise NotImplementedError

    def measure(self) -> None:
        """Measure all networks on `part`."""
        raise NotImplementedError


class Stacked(Timer):
    """A stack of `count` networks on a device."""

    def __init__(self, task: Task, count: int, device: torch.device) -> None:
        super().__init__(task, count)
        self.device = device

    def step(self) -> None:
        ensemble, pixels, _, index = self._ready
        ensemble.step(pixels, index)

    def measure(self) -> None:
        ensemble, _, part, _ = self._ready
        ensemble.measure(part)

    @cached_property
    def _ready(self) -> tuple[Ensemble, Pixels, Pixels, torch.Tensor]:
        task, device = self.task, self.device
        networks = [build(task.spec) for _ in range(self.count)]
        index = _index(task, 1 if task.recipe.shared_batches else self.count).to(device)
        pixels, part = (Pixels(split, task.spec["classes"], device) for split in (task.train, self.part))
        return Ensemble(task.spec, networks, task.recipe, Products(device)), pixels, part, index


class Plain(Timer):
    """The plain loop on a device, in a layout."""

    def __init__(self, task: Task, layout: torch.memory_format, device: torch.device) -> None:
        super().__init__(task)
        self.layout, self.device = layout, device

    def step(self) -> None:
        model, train, _, stepper, index = self._ready
        step(model, train, index, stepper)

    def measure(self) -> None:
        model, _, part, _, _ = self._ready
        evaluate(model, part)

    @cached_property
    def _ready(self) -> tuple[nn.Module, Split, Split, torch.optim.Optimizer, torch.Tensor]:
        model = build(self.task.spec).to(self.device, memory_format=self.layout)  # type: ignore[call-overload]
        train, part = (split.to(self.device) for split in (self.task.train, self.part))
        return model, train, part, optimizer_for(model.parameters(), self.task.recipe), _index(self.task, 1)[0]


class Fused(Timer):
    """Compiled steps; the first one compiles them, or loads what was compiled."""

    def step(self) -> None:
        network, images, _, index = self._ready
        network.epoch(images, index)

    def measure(self) -> None:
        network, _, part, _ = self._ready
        network.measure(part)

    @cached_property
    def _ready(self) -> "tuple[FusedNetwork, Images, Images, torch.Tensor]":
        from minarch.training.fused.alone import prepare
        from minarch.training.fused.network import Fused as FusedNetwork
        from minarch.training.fused.network import images_of

        task = self.task
        prepare(task.spec["family"])
        network = FusedNetwork(task.spec, build(task.spec), task.recipe)
        return network, images_of(task.train), images_of(self.part), _index(task, 1)[0]


def _index(task: Task, batches: int) -> torch.Tensor:
    return torch.randint(len(task.train), (batches, task.recipe.batch_size))
