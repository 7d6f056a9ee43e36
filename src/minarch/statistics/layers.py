"""Statistics of the weights of each layer (docs/methods.md 2.3; the list of statistics is our inference).

Weights are those of linear and convolutional layers: no biases, norms, positions or class token. Shapes: R repeats of
one architecture, n values, [M, N] a layer as a matrix (a convolution as [out, in * height * width]). One repeat is
worked on at a time: its statistics do not depend on its neighbours, and copies in float64 stay small.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from minarch.models.vit import Block
from minarch.models.weights import finite
from minarch.statistics import QUANTILES

PROJECTIONS = ("query", "key", "value", "output")  # of a Block's attention


@dataclass(frozen=True)
class Layer:
    """A module that owns weights; kind is dense, convolution or attention."""

    name: str
    kind: str
    shape: tuple[int, ...]


def layers_of(network: nn.Module) -> list[Layer]:
    """The linear and convolutional layers, in the order of the network; a patch embedding is a convolution."""
    layers = []
    for name, module in network.named_modules():
        if isinstance(module, (nn.Linear, nn.Conv2d)):
            parent, _, role = name.rpartition(".")
            attends = role in PROJECTIONS and isinstance(network.get_submodule(parent), Block)
            kind = "convolution" if isinstance(module, nn.Conv2d) else "attention" if attends else "dense"
            layers.append(Layer(name, kind, tuple(module.weight.shape)))
    return layers


def stack(networks: Sequence[nn.Module], layers: Sequence[Layer]) -> tuple[dict[str, Tensor], Tensor]:
    """Weights and biases [R, ...] by "<layer>.weight" and ".bias", and which networks are finite, bool [R].

    Those that are not are all zero in the stack.
    """
    sound, stacked = torch.tensor([finite(network) for network in networks]), {}
    for layer in layers:
        modules = [network.get_submodule(layer.name) for network in networks]
        for name in ("weight", "bias"):
            if getattr(modules[0], name) is not None:
                values = torch.stack([getattr(module, name).detach() for module in modules])
                values[~sound] = 0
                stacked[f"{layer.name}.{name}"] = values
    return stacked, sound


def blank(values: Tensor, sound: Tensor) -> Tensor:
    """`values` [R, ...] with NaN where a network is not `sound` [R]."""
    return values.masked_fill(~sound.view(-1, *[1] * (values.dim() - 1)), torch.nan)


def moments(values: Tensor, near_zero: float) -> dict[str, Tensor]:
    """Statistics [R] of `values` [R, n]; near_zero is the share below it in absolute value.

    std is the population's (1/n), kurtosis is excess. Skewness and kurtosis of equal values are NaN.
    """
    columns: dict[str, list[Tensor]] = {}
    for row in values.double():
        mean = row.mean()
        deviation = row - mean
        squares = deviation * deviation
        variance = squares.mean()
        statistics = {
            "mean": mean,
            "std": variance.sqrt(),
            "skewness": (squares * deviation).mean() / variance**1.5,
            "kurtosis": (squares * squares).mean() / variance**2 - 3,
            "min": row.min(),
            "max": row.max(),
            "near_zero": (row.abs() < near_zero).double().mean(),
        }
        for name, value in statistics.items():
            columns.setdefault(name, []).append(value)
    return {name: torch.stack(column) for name, column in columns.items()}


def singular_values(matrices: Tensor) -> Tensor:
    """Singular values [R, min(M, N)] of `matrices` [R, M, N], ascending, in float64.

    Roots of the Gram matrix's eigenvalues, several times faster than an SVD. That loses half of the digits, so what is
    below sqrt(k * 2.2e-16) of the largest (k values) counts as zero: less than the rounding of float32 weights.
    """
    spectra = []
    for matrix in matrices:
        wide = (matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T).double()
        squares = torch.linalg.eigvalsh(wide @ wide.T)
        squares[squares < len(squares) * torch.finfo(torch.float64).eps * squares[-1]] = 0
        spectra.append(squares.sqrt())
    return torch.stack(spectra)


def effective_rank(singular: Tensor) -> Tensor:
    """Exponential of the entropy of the normalised singular values [R, k] -> [R] (Roy & Vetterli 2007).

    1 for a matrix of rank 1, k if all singular values are equal; NaN for a matrix of zeros.
    """
    shares = singular / singular.sum(1, keepdim=True)
    return torch.special.entr(shares).sum(1).exp()


def quantiles(values: Tensor, count: int = QUANTILES) -> Tensor:
    """float32 [R, count]: the values [R, n] at ranks (i + 0.5)/count, not interpolated, so each one occurred."""
    doubled = 2 * count
    ranks = (values.shape[1] * np.arange(1, doubled, 2) + doubled - 1) // doubled - 1  # ceil(n p) - 1
    ordered = np.sort(values.numpy(), axis=1)
    return torch.from_numpy(ordered[:, ranks]).float().contiguous() + 0.0  # -0.0 and 0.0 have no order
