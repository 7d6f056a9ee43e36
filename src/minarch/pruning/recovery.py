"""What training after a cut needs: statistics estimated again, how the whole network was trained, earlier weights."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from minarch.data.tensors import Split
from minarch.files import read_json
from minarch.models.network import Network
from minarch.training.fused.available import installed
from minarch.training.loop import Recipe, train
from minarch.training.repeats import Repeat, Task
from minarch.training.stacked.products import Products
from minarch.training.strategy import AT_ONCE, Strategy, choose
from minarch.training.structures import train_structures

BATCH = 256  # images whose statistics are averaged


@torch.no_grad()
def reestimate(network: nn.Module, split: Split) -> bool:
    """Estimate the statistics of batch norms again, in place: means over all batches of the (training!) images.

    Returns whether the network has batch norms.
    """
    norms = [module for module in network.modules() if isinstance(module, _BatchNorm)]
    if not norms:
        return False
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean of the batches
    network.train()
    for start in range(0, len(split), BATCH):
        network(split.batch(slice(start, start + BATCH)))
    network.eval()
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    return True


def train_on(
    starts: Mapping[int, Network],
    splits: Mapping[str, Split],
    recipe: Recipe,
    seed: int,
    strategy: Strategy | None = None,
    kind: type[Task] = Task,
) -> dict[int, Network]:
    """Train networks on, those of one structure together, and return them as they are after the last epoch,
    in evaluation mode; `starts` stay as they are.

    Args:
        starts: repeat -> the network from which it starts.
        seed: by it and the number of the repeat the order of its images is drawn.
        strategy: None: the fastest for the structure of the first one, by torch alone.
        kind: of training.

    Raises:
        UserError: one network alone does not fit into memory.
    """
    specs = {repeat: network.spec() for repeat, network in starts.items()}
    if not specs:
        return {}
    recipe = replace(recipe, batch_size=min(recipe.batch_size, len(splits["train"])))
    identity, spec = {"finetune": seed}, next(iter(specs.values()))
    task = kind(spec, identity, splits["train"], splits["validation"], recipe, measures_train=False, starts=starts)
    strategy = strategy or choose(task, len(specs), "auto", torch.device("cpu"), compiled=False)
    trained = train_structures(task, specs, strategy)
    return {repeat: result.networks["final"].eval() for repeat, (_, result) in trained.items()}


def trained_by(item: Path) -> Strategy:
    """The strategy that trained an item's networks, on a CPU: what is left is trained by it, too; by autograd if it
    needs numba, which is not here.
    """
    timing = read_json(item / "timing.json")
    if timing.get("strategy") == "fused" and installed():
        return Strategy(0, Products(torch.device("cpu")), fused=True)
    at_once = min(timing.get("at_once", 0), AT_ONCE)  # an accelerator stacks more
    return Strategy(at_once, Products(torch.device("cpu")), timing.get("layout", "contiguous"))


def at_epoch(task: Task, repeat: int, seed: int, epochs: int) -> Network:
    """The network of a repeat as it was after `epochs` of the task, the sweep's training; 0 is its initialisation.

    It is trained again from its seed by the plain loop, which equals the sweep's to floating-point tolerance.
    """
    result = Repeat(repeat, seed)
    network = task.network(result)
    if epochs:
        train(network, task.train, task.recipe, task.order(result), lambda epoch: epoch == epochs)
    return network.eval()
