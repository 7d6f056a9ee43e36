"""The random numbers by which gates are drawn.

Shapes: R networks side by side, G gates of the whole network, S gates that are left of them.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

CHUNK = 64  # steps whose random numbers are drawn at once


class Draws:
    """Random numbers of the gates of R networks.

    Each network has a generator of its own, so that what it draws does not depend on the others. `number` [R, S] are
    the gates' numbers in the whole network: by them they draw, so that it does not depend on which of them are left.
    """

    def __init__(self, generators: Sequence[torch.Generator], gates: int) -> None:
        self.generators = generators
        self.number = torch.arange(gates).repeat(len(generators), 1)
        self.whole = torch.empty(CHUNK, *self.number.shape)  # of all gates [CHUNK, R, G]
        self.left, self.used = self.whole, CHUNK  # of those that are left [CHUNK, R, S]

    def uniform(self) -> Tensor:
        """Numbers in [0, 1) for one step, float32 [R, S]."""
        if self.used == CHUNK:
            shape = CHUNK, self.whole.shape[2]
            self.whole = torch.stack([torch.rand(shape, generator=generator) for generator in self.generators], 1)
            self.used = 0
            self._select()
        self.used += 1
        return self.left[self.used - 1]

    def keep(self, index: Tensor) -> None:
        """Forget all gates but those at `index` [R, S'], counted among those that are left."""
        self.number = self.number.gather(1, index)
        self._select()

    def _select(self) -> None:
        self.left = self.whole.gather(2, self.number.expand(CHUNK, -1, -1))
