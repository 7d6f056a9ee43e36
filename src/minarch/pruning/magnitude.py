"""Unstructured magnitude pruning: the smallest weights of the whole network become zero, nothing is retrained.

Global L1, one-shot; which tensors count and that nothing is fine-tuned is our inference from arXiv 2601.17987.
"""

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Sparse:
    """A network of which `removed` weights were set to zero, the share `level` of its prunable ones."""

    level: float
    removed: int
    network: nn.Module


def prunable_weights(network: nn.Module) -> list[Tensor]:
    """The weights of linear and convolutional layers: not biases, norms, class token or positions."""
    return [tensor for name, tensor in network.named_parameters() if name.endswith("weight") and tensor.dim() >= 2]


def prune_magnitude(network: nn.Module, levels: Sequence[float]) -> Iterator[Sparse]:
    """For every level (in [0, 1]) a copy with that share of the weights zeroed, the smallest; rounded to whole weights.

    What a level removes, every higher level removes too; equal magnitudes go in the order of the layers.
    """
    order = torch.cat([weight.detach().abs().flatten() for weight in prunable_weights(network)]).argsort(stable=True)
    for level in levels:
        removed = round(level * len(order))
        keep = torch.ones(len(order), dtype=torch.bool)
        keep[order[:removed]] = False
        sparse = deepcopy(network)
        weights = prunable_weights(sparse)
        with torch.no_grad():
            for weight, kept in zip(weights, keep.split([weight.numel() for weight in weights]), strict=True):
                weight[~kept.view_as(weight)] = 0
        yield Sparse(level, removed, sparse)
