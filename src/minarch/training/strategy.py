"""Strategies: an architecture's repeats are trained stacked, so many at once, or one after the other, by autograd or by
compiled steps.
"""

import math
from dataclasses import dataclass
from typing import Literal, NotRequired, TypedDict

import torch

from minarch.errors import UserError
from minarch.training.fused.available import fusable, lasts
from minarch.training.repeats import Task
from minarch.training.stacked.ensemble import stackable, written
from minarch.training.stacked.products import Products
from minarch.training.timers import Fused, Plain, Stacked, Timer
from minarch.training.tuning import fastest, processor

Kind = Literal["auto", "stacked", "sequential"]  # of strategy, as a study names it; auto: whichever is faster
AT_ONCE = 32  # networks in a stack, at most
STACK_BYTES = 2**29  # of parameters, gradients, optimizer state and best copy on a CPU
STACK_FLOPS = 2**31  # of a step: in so much work, what calls cost is lost, and larger stacks gain nothing
LAYOUTS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}
IN_LAYOUTS = ("cnn", "separable")  # families of which networks trained alone may be faster in another layout


class Trained(TypedDict):
    """The fields of timing.json that say how an item was trained; some are those of stacks, some of the plain loop."""

    device: str
    processor: str
    strategy: Literal["stacked", "sequential", "fused"]
    at_once: NotRequired[int]
    products: NotRequired[dict[str, str]]
    layout: NotRequired[str]


@dataclass(frozen=True)
class Strategy:
    """`at_once` networks stacked (0: one after the other by autograd, in `layout`) on the device of `products`.

    `fused`: one after the other by compiled steps; what these cannot do, autograd does.
    """

    at_once: int
    products: Products
    layout: str = "contiguous"
    fused: bool = False

    def __str__(self) -> str:
        """The text by which a workspace keeps which strategy is fastest."""
        if self.fused:
            return "fused"
        return f"stacked {self.at_once}" if self.at_once else f"sequential {self.layout}"

    @property
    def device(self) -> torch.device:
        return self.products.device

    def record(self) -> Trained:
        """What an item that was trained so keeps of it."""
        name = torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else self.device.type
        where: Trained = {"device": name, "processor": processor(), "strategy": "sequential"}
        if self.fused:
            return {**where, "strategy": "fused"}
        if self.at_once:
            return {**where, "strategy": "stacked", "at_once": self.at_once, "products": self.products.chosen}
        return {**where, "layout": self.layout}


def device_of(name: str, precision: str | None = None) -> torch.device:
    """The device called `name`, its products in tf32 if that is the precision; UserError if this machine has none."""
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("train.device: 'cuda' is not available on this machine, it must be cpu")
    of_products = precision or "ieee"  # which is float32
    torch.backends.cuda.matmul.fp32_precision = of_products
    torch.backends.cudnn.conv.fp32_precision = of_products  # type: ignore[attr-defined]
    torch.backends.cudnn.deterministic = True
    return torch.device(name)


def choose(task: Task, count: int, kind: Kind, device: torch.device, *, compiled: bool = True) -> Strategy:
    """The fastest strategy of a kind for `count` repeats on this type of processor.

    Compiled steps are considered where trainings last, so that a short study compiles nothing, unless `compiled` is
    False: what is to be done with the networks needs their gradients in torch.
    Larger stacks come first: they are rarely slower, and how much faster they are says little more than noise does.
    On an accelerator, all repeats that fit are stacked, where their gradients are written by hand: launching work costs
    more than doing it.

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
        return Strategy(count if stacks and (kind == "stacked" or written(task.spec)) else 0, products)
    ways = [Strategy(size, products) for size in (_sizes(task, count) if stacks else ())]
    if compiled and kind == "auto" and fusable(task.spec) and lasts(task, count):
        ways.append(Strategy(0, products, fused=True))
    if kind != "stacked":
        ways += [Strategy(0, products, layout) for layout in (LAYOUTS if family in IN_LAYOUTS else ["contiguous"])]
    return fastest(_question(task), {way: timer(task, way) for way in ways})


def timer(task: Task, strategy: Strategy) -> Timer:
    """What trains networks of a task's structure by a strategy, to be timed."""
    if strategy.fused:
        return Fused(task)
    if strategy.at_once:
        return Stacked(task, strategy.at_once, strategy.device)
    return Plain(task, LAYOUTS[strategy.layout], strategy.device)


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
