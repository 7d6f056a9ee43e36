"""Stacked matrix products from torch's library, or from numpy's where that is clearly faster.

Both read the same memory. The libraries differ up to twofold, in both directions, with the processor and the shape (on
some processors the one inside torch takes a slow path for float32), so each shape is measured once.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from minarch.training.tuning import fastest, seconds_of

Product = Callable[[Tensor, Tensor, Tensor | None], Tensor]


class Products:
    """left [..., M, K] x right [..., K, N] -> [..., M, N], into `out` if given.

    `chosen` names the library that was chosen for each shape, on a CPU. `coarse`: shapes go by the one whose matrices
    have the next powers of two as edges; for networks that change their shape while they are trained, of which each
    could be measured only for longer than it lasts.
    """

    def __init__(self, device: torch.device, *, coarse: bool = False) -> None:
        self.device, self.coarse = device, coarse
        self.chosen: dict[str, str] = {}
        self._of_shape: dict[tuple[object, ...], Product] = {}

    def __call__(self, left: Tensor, right: Tensor, out: Tensor | None = None) -> Tensor:
        if self.device.type != "cpu":
            return torch.matmul(left, right, out=out)
        shape = (left.shape, right.shape, left.stride(-1), right.stride(-1))
        product = self._of_shape.get(shape)
        if product is None:
            product = self._of_shape[shape] = self._fastest(left, right)
        return product(left, right, out)

    def _fastest(self, left: Tensor, right: Tensor) -> Product:
        if self.coarse:
            left, right = _rounded(left), _rounded(right)
        shape = " x ".join(f"{'·'.join(map(str, s.shape))}{'' if s.stride(-1) == 1 else 't'}" for s in (left, right))
        timers = {
            library: lambda product=product: seconds_of(lambda: product(left, right, None))
            for library, product in LIBRARIES.items()
        }
        self.chosen[shape] = fastest(f"product {shape}", timers)
        return LIBRARIES[self.chosen[shape]]


def _rounded(matrices: Tensor) -> Tensor:
    """Matrices [..., M, K] whose edges are the next powers of two, laid out alike."""
    *stack, rows, columns = matrices.shape
    edges = [1 << (edge - 1).bit_length() for edge in (rows, columns)]
    if matrices.stride(-1) == 1:
        return torch.ones(*stack, *edges)
    return torch.ones(*stack, *edges[::-1]).transpose(-1, -2)


def _torch(left: Tensor, right: Tensor, out: Tensor | None) -> Tensor:
    return torch.matmul(left, right, out=out)


def _numpy(left: Tensor, right: Tensor, out: Tensor | None) -> Tensor:
    if out is None:
        out = torch.empty(*left.shape[:-1], right.shape[-1])
    np.matmul(left.numpy(), right.numpy(), out=out.numpy())
    return out


LIBRARIES = {"torch": _torch, "numpy": _numpy}
