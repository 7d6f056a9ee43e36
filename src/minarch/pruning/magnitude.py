"""Unstructured magnitude pruning: the smallest weights become zero, of the whole network or of each tensor.

Global L1, one-shot, nothing fine-tuned is our inference of what arXiv 2601.17987 did; the other ways are ours.
"""

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from minarch.models.network import Network
from minarch.pruning import Scope
from minarch.training.repeats import Repeat, Task
from minarch.training.stacked.ensemble import Ensemble
from minarch.training.stacked.parameters import Parameters
from minarch.training.stacked.pixels import Pixels
from minarch.training.stacked.products import Products


@dataclass(frozen=True)
class Sparse:
    """A network of which `removed` weights were set to zero, the share `level` of its prunable ones."""

    level: float
    removed: int
    network: Network


def prunable(name: str, tensor: Tensor) -> bool:
    """True of the weights of linear and convolutional layers: not of biases, norms, class token or positions."""
    return name.endswith("weight") and tensor.dim() >= 2


def prunable_weights(network: nn.Module) -> list[Tensor]:
    """The prunable parameters of a network, in its order."""
    return [tensor for name, tensor in network.named_parameters() if prunable(name, tensor)]


def prune_magnitude(network: Network, levels: Sequence[float], scope: Scope = "global") -> Iterator[Sparse]:
    """For every level (in [0, 1]) a copy with that share of the weights zeroed, the smallest; rounded to whole weights.

    Scope "layer" takes the share of every tensor. What a level removes, every higher level removes too; equal
    magnitudes go in the order of the layers.
    """
    weights = [weight.detach().abs().flatten() for weight in prunable_weights(network)]
    ranked = [torch.cat(weights)] if scope == "global" else weights
    orders = [part.argsort(stable=True) for part in ranked]
    for level in levels:
        kept = [torch.ones(len(order), dtype=torch.bool) for order in orders]
        for keep, order in zip(kept, orders, strict=True):
            keep[order[: round(level * len(order))]] = False
        everywhere = torch.cat(kept)
        sparse = deepcopy(network)
        with torch.no_grad():
            for weight, keep in zip(
                prunable_weights(sparse), everywhere.split([len(weight) for weight in weights]), strict=True
            ):
                weight[~keep.view_as(weight)] = 0
        yield Sparse(level, int((~everywhere).sum()), sparse)


class HoldingZeros(Task):
    """A training that leaves prunable weights that are zero at its start as they are: they get no gradient.

    It can be stacked, or made by autograd; compiled steps know nothing of it.
    """

    def network(self, result: Repeat) -> Network:
        network = super().network(result)
        for weight in prunable_weights(network):
            kept = weight.detach() != 0
            weight.register_hook(lambda gradient, kept=kept: gradient * kept)
        return network

    def stack(self, results: Sequence[Repeat], products: Products) -> Ensemble:
        return SparseEnsemble(self.spec, [self.network(result) for result in results], self.recipe, products)


class SparseEnsemble(Ensemble):
    """Stacked networks whose prunable weights that are zero at the start stay so."""

    def _take(self, parameters: Parameters) -> None:
        super()._take(parameters)
        values = parameters.views(parameters.trained)
        self.kept = torch.cat(
            [((value != 0) | (not prunable(name, value[0]))).flatten() for name, value in values.items()]
        )

    def differentiate(self, pixels: Pixels, index: Tensor) -> None:
        super().differentiate(pixels, index)
        self.parameters.gradient.mul_(self.kept)
