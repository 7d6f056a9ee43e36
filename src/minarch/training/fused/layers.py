"""Where a multilayer perceptron's parameters and values lie in flat arrays, as the kernels read them."""

from collections.abc import Sequence
from itertools import pairwise
from math import prod

import numpy as np
from numpy.typing import NDArray

from minarch.models.families import Spec
from minarch.training.fused.plan import ROWS, WIDE

LAYER = np.dtype(
    [
        ("inputs", "i8"),  # of the first layer: pixels, in whole vectors
        ("outputs", "i8"),
        ("weight", "i8"),  # where the weights begin among the parameters
        ("bias", "i8"),
        ("made", "i8"),  # where the values begin that it makes
    ]
)


class Layers:
    """The places of a perceptron of this structure: a row of LAYER per layer in `rows`; `values` counts parameters, and
    `made` the values of a block.
    """

    def __init__(self, spec: Spec) -> None:
        rows, self.values, self.made = [], 0, 0
        self.pixels, self.classes = prod(spec["shape"]), spec["classes"]
        width = -(-self.pixels // WIDE) * WIDE
        for inputs, outputs in pairwise([width, *spec["hidden"], self.classes]):
            bias = self.values + inputs * outputs
            rows.append((inputs, outputs, self.values, bias, self.made))
            self.values, self.made = bias + outputs, self.made + outputs * ROWS
        self.rows = np.array(rows, LAYER)

    def packed(self, state: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """The parameters, in the order of the network's, as one array."""
        first, *others = state
        filled = np.pad(first, ((0, 0), (0, self.rows[0]["inputs"] - self.pixels)))
        return np.concatenate([filled.ravel(), *(other.ravel() for other in others)])

    def unpacked(self, values: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """The parameters, or their gradients, as `packed` takes them, flat: copies."""
        parts = []
        for row in self.rows:
            weight, bias = values[row["weight"] : row["bias"]], values[row["bias"] :][: row["outputs"]]
            parts += [weight.reshape(row["outputs"], -1), bias]
        return [parts[0][:, : self.pixels].ravel(), *(part.flatten() for part in parts[1:])]
