"""Stacked matrix products from torch's library, or from numpy's where that is clearly faster.

Both read the same memory. The libraries differ up to twofold, in both directions, with the processor and the shape (on
some processors the one inside torch takes a slow path for float32), so each shape is measured once.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from minarch.training.tuning import fastest, seconds_of

Way = Callable[[Tensor, Tensor, Tensor | None], Tensor]


class Products:
    """left [..., M, K] x right [..., K, N] -> [..., M, N], into `out` if given.

    `chosen` is what was chosen for each shape, on a CPU.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.chosen: dict[str, str] = {}
        self._ways: dict[tuple[object, ...], Way] = {}

    def __call__(self, left: Tensor, right: Tensor, out: Tensor | None = None) -> Tensor:
        if self.device.type != "cpu":
            return torch.matmul(left, right, out=out)
        shape = (left.shape, right.shape, left.stride(-1), right.stride(-1))
        way = self._ways.get(shape)
        if way is None:
            way = self._ways[shape] = self._fastest(left, right)
        return way(left, right, out)

    def _fastest(self, left: Tensor, right: Tensor) -> Way:
        shape = " x ".join(f"{'·'.join(map(str, s.shape))}{'' if s.stride(-1) == 1 else 't'}" for s in (left, right))
        ways = {name: lambda way=way: seconds_of(lambda: way(left, right, None)) for name, way in WAYS.items()}
        self.chosen[shape] = fastest(f"product {shape}", ways)
        return WAYS[self.chosen[shape]]


def _torch(left: Tensor, right: Tensor, out: Tensor | None) -> Tensor:
    return torch.matmul(left, right, out=out)


def _numpy(left: Tensor, right: Tensor, out: Tensor | None) -> Tensor:
    if out is None:
        out = torch.empty(*left.shape[:-1], right.shape[-1])
    np.matmul(left.numpy(), right.numpy(), out=out.numpy())
    return out


WAYS = {"torch": _torch, "numpy": _numpy}
