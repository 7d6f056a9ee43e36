"""ReLU, and the largest of 2x2 places, as numba compiles them; arrays are flat, of one map of one image.

Comparisons are such that NaN stays NaN.
"""

import numpy as np
from numpy.typing import NDArray

from minarch.training.fused.compiler import ZERO, Floats, inner


@inner
def let_live(slopes: Floats, values: Floats, n: int) -> None:
    """Set slopes to 0 where the values are not positive: ReLU's gradient, or a mask."""
    for p in range(n):
        slopes[p] = ZERO if values[p] <= 0 else slopes[p]


@inner
def pool(
    maps: Floats,
    largest: Floats,
    window: NDArray[np.int32],
    out: Floats,
    places: NDArray[np.uint32],
    n: int,
    height: int,
    width: int,
    stride: int,
    stride_out: int,
) -> None:
    """The largest of every 2x2 places, then ReLU, into `out`, and where it was into `places`, [height, width] each.

    First at every place, not only every second one, so that the loop is long; the two buffers hold that.
    """
    right, below, across = maps[1:], maps[stride:], maps[stride + 1 :]
    one, row, next_row = np.int32(1), np.int32(stride), np.int32(stride + 1)
    for p in range(n):
        above, i = (right[p], one) if right[p] > maps[p] or right[p] != right[p] else (maps[p], np.int32(0))
        under, j = (across[p], next_row) if across[p] > below[p] or across[p] != across[p] else (below[p], row)
        value, k = (under, j) if under > above or under != under else (above, i)
        window[p] = k
        largest[p] = ZERO if value <= 0 else value
    for y in range(height):
        start = 2 * y * stride
        values, offsets, row_out, row_places = (
            largest[start:],
            window[start:],
            out[y * stride_out :],
            places[y * stride_out :],
        )
        for x in range(width):
            row_out[x] = values[2 * x]
            row_places[x] = np.uint32(offsets[2 * x] + start + 2 * x)


@inner
def unpool(
    slopes: Floats, places: NDArray[np.uint32], out: Floats, height: int, width: int, n: int, stride: int
) -> None:
    """Slopes [height, width] at the places where the largest values were; of the first n places the others are 0."""
    out[:n] = 0
    for y in range(height):
        row, row_places = slopes[y * stride :], places[y * stride :]
        for x in range(width):
            out[row_places[x]] = row[x]
