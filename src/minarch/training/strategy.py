"""Strategies: an architecture's repeats are trained stacked, so many at once, or one after the other by autograd."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NotRequired, TypedDict

import torch
from torch import nn

from minarch.errors import UserError
from minarch.models.build import build
from minarch.training.loop import optimizer_for, step
from minarch.training.memory import out_of_memory
from minarch.training.repeats import Task
from minarch.training.stacked.ensemble import Ensemble, stackable
from minarch.training.stacked.pixels import Pixels
from minarch.training.stacked.products import Products
from minarch.training.tuning import fastest, processor

Kind = Literal["auto", "stacked", "sequential"]  # of strategy, as a study names it; auto: whichever is faster
AT_ONCE = 32  # networks in a stack, at most
STACK_BYTES = 2**29  # of parameters, gradients, optimizer state and best copy on a CPU
STACK_FLOPS = 2**31  # of a step: in so much work, what calls cost is lost, and larger stacks gain nothing
LAYOUTS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}
TIMED_STEPS = 2  # per strategy and round


class Trained(TypedDict):
    """The fields of timing.json that say how an item was trained; some are those of stacks, some of the plain loop."""

    device: str
    processor: str
    strategy: Kind
    at_once: NotRequired[int]
    products: NotRequired[dict[str, str]]
    layout: NotRequired[str]


@dataclass(frozen=True)
class Strategy:
    """`at_once` networks stacked (0: one after the other by autograd, in `layout`) on the device of `products`."""

    at_once: int
    products: Products
    layout: str = "contiguous"

    def __str__(self) -> str:
        """The text by which a workspace keeps which strategy is fastest."""
        return f"stacked {self.at_once}" if self.at_once else f"sequential {self.layout}"

    @property
    def device(self) -> torch.device:
        return self.products.device

    def record(self) -> Trained:
        """What an item that was trained so keeps of it."""
        name = torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else self.device.type
        where: Trained = {"device": name, "processor": processor(), "strategy": "sequential"}
        if self.at_once:
            return {**where, "strategy": "stacked", "at_once": self.at_once, "products": self.products.chosen}
        return {**where, "layout": self.layout}


class _Stacked:
    """The timer of a stack: seconds of one network's step, `count` at once."""

    def __init__(self, task: Task, count: int) -> None:
        self.task, self.count, self.products = task, count, Products(torch.device("cpu"))

    def __call__(self) -> float:
        return _seconds(self._step) / self.count

    def _step(self) -> None:
        pixels, ensemble, index = self._ready
        ensemble.step(pixels, index)

    @cached_property
    def _ready(self) -> tuple[Pixels, Ensemble, torch.Tensor]:
        task = self.task
        networks = [build(task.spec) for _ in range(self.count)]
        shares = 1 if task.recipe.shared_batches else self.count
        index = torch.randint(len(task.train), (shares, task.recipe.batch_size))
        ensemble = Ensemble(task.spec, networks, task.recipe, self.products)
        return Pixels(task.train, task.spec["classes"], self.products.device), ensemble, index


class _Sequential:
    """The timer of the plain loop: seconds of one network's step by autograd."""

    def __init__(self, task: Task, layout: str) -> None:
        self.task, self.layout = task, layout

    def __call__(self) -> float:
        return _seconds(self._step)

    def _step(self) -> None:
        model, stepper, index = self._ready
        step(model, self.task.train, index, stepper)

    @cached_property
    def _ready(self) -> tuple[nn.Module, torch.optim.Optimizer, torch.Tensor]:
        model = build(self.task.spec).to(memory_format=LAYOUTS[self.layout])  # type: ignore[call-overload]
        index = torch.randint(len(self.task.train), (self.task.recipe.batch_size,))
        return model, optimizer_for(model.parameters(), self.task.recipe), index


def _seconds(run_step: Callable[[], None]) -> float:
    """Seconds of a step; infinitely many if it does not fit into memory."""
    try:
        run_step()
        started = time.perf_counter()
        for _ in range(TIMED_STEPS):
            run_step()
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error):
            raise
        return float("inf")
    return (time.perf_counter() - started) / TIMED_STEPS


def device_of(name: str, precision: str | None = None) -> torch.device:
    """The device called `name`, its products in tf32 if that is the precision; UserError if this machine has none."""
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("train.device: 'cuda' is not available on this machine, it must be cpu")
    of_products = precision or "ieee"  # which is float32
    torch.backends.cuda.matmul.fp32_precision = of_products
    torch.backends.cudnn.conv.fp32_precision = of_products  # type: ignore[attr-defined]
    torch.backends.cudnn.deterministic = True
    return torch.device(name)


def choose(task: Task, count: int, kind: Kind, device: torch.device) -> Strategy:
    """The fastest strategy of a kind for `count` repeats on this type of processor.

    Larger stacks come first: they are rarely slower, and how much faster they are says little more than noise does.
    On an accelerator, all repeats that fit are stacked: launching work costs more than doing it.

    Raises:
        UserError: the architecture cannot be stacked, but the kind is "stacked".
    """
    family, products = task.spec["family"], Products(device)
    stacks = kind != "sequential" and stackable(task.spec)
    if kind == "stacked" and not stacks:
        raise UserError(
            f"train.strategy: 'stacked' is not allowed, this {family} has no stacked form; allowed: auto, sequential"
        )
    if device.type != "cpu":
        return Strategy(count if stacks else 0, products)
    timers: dict[Strategy, Callable[[], float]] = {}
    if stacks:
        timers |= {Strategy(size, products): _Stacked(task, size) for size in _sizes(task, count)}
    if kind != "stacked":
        layouts = LAYOUTS if family == "cnn" else ["contiguous"]
        timers |= {Strategy(0, products, layout): _Sequential(task, layout) for layout in layouts}
    return fastest(_question(task), timers)


def _sizes(task: Task, count: int) -> list[int]:
    """The sizes of stacks, the largest first: all repeats, a quarter of them, and so on, within both limits."""
    flops = 2 * 3 * task.macs * task.recipe.batch_size  # forward, two gradients
    largest = min(STACK_BYTES / (5 * 4 * task.parameters), STACK_FLOPS / flops)
    sizes = [min(count, AT_ONCE)]
    while sizes[-1] > 1:
        sizes.append(math.ceil(sizes[-1] / 4))
    return [size for size in sizes if size <= max(1, largest)]


def _question(task: Task) -> str:
    structure = " ".join(f"{name}={value}" for name, value in task.spec.items())
    batches = f"batch={task.recipe.batch_size}" + (" shared" if task.recipe.shared_batches else "")
    return f"strategy {structure} {batches} {task.recipe.optimizer}"
