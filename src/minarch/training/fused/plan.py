"""Where a CNN's parameters and maps lie in flat arrays, as the kernels read them.

A map is a plane of rows `stride` places apart. Maps that a padded convolution reads have one more column and row: the
gap after a row is the padding after it and before the next one. All images of a block follow each other in a plane.
"""

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from minarch.models.families import Spec

IMAGES, ROWS = 8, 32  # of a block of a CNN, of other networks: what they need fits into the second cache
GROUP = 5  # classes at once: the classifier has whole groups of them
WIDE = 32  # places of the longest vector; loops run over whole ones, or over two
SPARE = 96  # places after a plane, which such loops may touch

LAYER = np.dtype(
    [
        ("inputs", "i8"),
        ("outputs", "i8"),
        ("height", "i8"),  # of the maps made
        ("width", "i8"),
        ("stride", "i8"),  # from row to row
        ("plane", "i8"),  # from image to image
        ("pitch", "i8"),  # from filter to filter
        ("used", "i8"),  # places of an image's maps made, with their gaps
        ("span", "i8"),  # the same in whole vectors
        ("read", "i8"),  # where the maps read begin,
        ("made", "i8"),  # the maps made, and later the gradients of the maps read,
        ("slopes", "i8"),  # and the gradients of the maps made
        ("places", "i8"),  # where it is noted which places were the largest
        ("weight", "i8"),  # where the filters begin among the parameters
        ("bias", "i8"),
        ("head", "i8"),  # where the classifier's weights begin, if the layer is the last one
    ]
)


class Plan:
    """The places of everything that a block of images needs in a CNN of this structure.

    `layers` has a row of LAYER per convolution; `head`: the shape [K, F, span] of the classifier's weights, whose gaps
    and further classes are 0, and `weight`, `bias` say where it begins; `values` counts parameters.
    """

    def __init__(self, spec: Spec) -> None:
        rows, floats, notes, values = [], 0, 0, 0
        inputs, height, width = spec["shape"]
        for position, outputs in enumerate(spec["channels"]):
            if position == 0:
                stride, plane = width, height * width
                height, width = height - 2, width - 2
            else:
                height, width = height // 2, width // 2
                stride, plane = width + 1, (height + 1) * (width + 1)
            used, span = height * stride, _rounded(height * stride)
            if position == len(spec["channels"]) - 1:
                plane = max(plane, span)  # of the next image: else the end of a vector would lie in it
            pitch = _rounded(IMAGES * plane + 3 * stride) + SPARE
            made = floats + inputs * pitch
            slopes = made + max(inputs, outputs) * pitch
            bias = values + 9 * inputs * outputs
            of_maps = inputs, outputs, height, width, stride, plane, pitch, used, span
            rows.append((*of_maps, floats, made, slopes, notes, values, bias, _rounded(bias + outputs)))
            floats, notes, values = slopes + outputs * pitch, notes + inputs * IMAGES * plane, bias + outputs
            inputs = outputs
        self.layers = np.array(rows, LAYER)
        self.floats, self.notes = floats + SPARE, notes + SPARE
        self.classes = spec["classes"]
        self.head, self.last = (-(-self.classes // GROUP) * GROUP, inputs, span), (height, width, stride)
        self.weight = rows[-1][-1]
        self.bias = self.weight + int(np.prod(self.head))
        self.values = self.bias + self.head[0]

    def packed(self, state: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        """The parameters, in the order of the network's, as one array."""
        *filters, weight, bias = state
        head = np.zeros(self.head, np.float32)
        self._inside(head)[:] = weight.reshape(self.classes, self.head[1], *self.last[:2])
        values, filled = np.zeros(self.values, np.float32), np.concatenate([part.ravel() for part in filters])
        values[: len(filled)] = filled
        values[self.weight : self.bias] = head.ravel()
        values[self.bias :][: self.classes] = bias
        return values

    def unpacked(self, values: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """The parameters, or their gradients, as `packed` takes them, flat: copies."""
        parts = [values[a:b] for row in self.layers for a, b in ((row["weight"], row["bias"]), self._biases(row))]
        head = self._inside(values[self.weight : self.bias].reshape(self.head))
        return [*(part.copy() for part in parts), head.ravel(), values[self.bias :][: self.classes].copy()]

    def mask(self) -> NDArray[np.float32]:
        """1 at the places of a row [span] of the classifier's weights, 0 in its gaps."""
        row = np.zeros(self.head, np.float32)
        self._inside(row)[:] = 1
        return row[0, 0].copy()

    def _inside(self, head: NDArray[np.float32]) -> NDArray[np.float32]:
        """The classifier's weights [K, F, height, width], a view of an array as `head` says."""
        height, width, stride = self.last
        strides = (*head.strides[:2], stride * head.itemsize, head.itemsize)
        return as_strided(head, (self.classes, self.head[1], height, width), strides)

    def _biases(self, row: np.void) -> tuple[int, int]:
        return row["bias"], row["bias"] + row["outputs"]


def _rounded(count: int) -> int:
    return -(-count // WIDE) * WIDE
