"""After a cut: statistics estimated again, then training, from the cut, earlier or new weights."""

from copy import deepcopy
from dataclasses import replace
from math import nan
from pathlib import Path

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from minarch.data.tensors import Split
from minarch.files import read_json
from minarch.models.network import Network
from minarch.models.weights import finite
from minarch.training.evaluate import evaluate
from minarch.training.fused.available import installed
from minarch.training.loop import Recipe, train
from minarch.training.repeats import Repeat, Task
from minarch.training.stacked.ensemble import Ensemble
from minarch.training.stacked.pixels import Pixels
from minarch.training.stacked.products import Products
from minarch.training.strategy import LAYOUTS, Strategy

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
    network: Network,
    splits: dict[str, Split],
    recipe: Recipe,
    generator: torch.Generator,
    strategy: Strategy | None = None,
) -> Network:
    """Train on, and return the network after the epoch of best validation accuracy, of equal ones that of the lowest
    loss, as the sweep keeps it, in evaluation mode. If no epoch leaves finite weights, it is the network as it ended.

    Args:
        generator: decides the order of the images.
        strategy: as the model was trained; None: by autograd, which hooks on gradients need.
    """
    result = Repeat(0, 0)

    def keep(loss: float, accuracy: float) -> None:
        if finite(network) and result.record((nan, nan, loss, accuracy)):
            result.networks["best"] = deepcopy(network)

    spec = network.spec()
    if strategy is not None and strategy.at_once:
        ensemble = Ensemble(spec, [network], recipe, strategy.products)
        pixels, validation = (Pixels(splits[n], spec["classes"], strategy.device) for n in ("train", "validation"))
        for _ in range(recipe.epochs):
            ensemble.epoch(pixels, torch.randperm(len(pixels), generator=generator)[None])
            network.load_state_dict(ensemble.parameters.state(ensemble.parameters.flat, 0))
            loss, accuracy = ensemble.measure(validation)
            keep(float(loss), float(accuracy))
    elif strategy is not None and strategy.fused:
        from minarch.training.fused.network import Fused, images_of  # numba is there only where it was chosen

        fused = Fused(spec, network, recipe)
        images, measured = (images_of(splits[name]) for name in ("train", "validation"))
        for _ in range(recipe.epochs):
            fused.epoch(images, torch.randperm(len(splits["train"]), generator=generator))
            network.load_state_dict(fused.network().state_dict())
            keep(*fused.measure(measured))
    else:
        if strategy is not None:
            network.to(memory_format=LAYOUTS[strategy.layout])  # type: ignore[call-overload]

        def after_epoch(_: int) -> bool:
            validation = evaluate(network, splits["validation"])
            keep(validation.loss, validation.accuracy)
            return False

        train(network, splits["train"], recipe, generator, after_epoch)
    return result.networks.get("best", network).eval()


def trained_by(item: Path) -> Strategy:
    """The strategy that trained an item's networks, on a CPU and one by one: what is left is trained by it, too; by
    autograd if it needs numba, which is not here.
    """
    timing = read_json(item / "timing.json")
    if timing.get("strategy") == "fused" and installed():
        return Strategy(0, Products(torch.device("cpu")), fused=True)
    at_once = min(timing.get("at_once", 0), 1)
    return Strategy(at_once, Products(torch.device("cpu")), timing.get("layout", "contiguous"))


def at_epoch(task: Task, repeat: int, seed: int, epochs: int) -> Network:
    """The network of a repeat as it was after `epochs` of the sweep's training, 0 being its initialisation.

    It is trained again from its seed by the plain loop, which equals the sweep's to floating-point tolerance.
    """
    result = Repeat(repeat, seed)
    network = task.network(result)
    if epochs:
        train(network, task.train, replace(task.recipe, epochs=epochs), task.order(result))
    return network.eval()
