"""3x3 convolutions over flattened planes, and their gradients, as numba compiles them.

A plane holds a map of every image of a block, row after row of `stride` places: a convolution is then one long loop,
also over the places between rows, whose values mean nothing. Arrays are flat float32; `pitch` is the distance of two
planes. Loops run over whole vectors: up to TILE places beyond the last one are read and written.
Four filters go together, and the sums of TILE of their places stay in the registers until all inputs are added.
"""

import numpy as np

from minarch.training.fused.compiler import ZERO, Floats, inner
from minarch.training.fused.lanes import LANES, add_product, load, spread, store, sum_of, where_positive

TILE = 2 * LANES


@inner
def convolve(
    maps: Floats,
    inputs: int,
    weights: Floats,
    bias: Floats,
    out: Floats,
    outputs: int,
    pitch: int,
    stride: int,
    n: int,
    rectified: bool,
) -> None:
    """Write n places of all output planes, `rectified` after ReLU; weights are [outputs, inputs, 9]."""
    for f in range(0, outputs - 3, 4):
        for p in range(0, n, TILE):
            _four_filters(
                maps, p, inputs, weights[f * inputs * 9 :], bias[f:], out[f * pitch :], pitch, stride, rectified
            )
    for f in range(outputs // 4 * 4, outputs):
        for p in range(0, n, TILE):
            _one_filter(maps, p, inputs, weights[f * inputs * 9 :], bias[f], out[f * pitch :], pitch, stride, rectified)


@inner
def _four_filters(
    maps: Floats,
    p: int,
    inputs: int,
    weights: Floats,
    bias: Floats,
    out: Floats,
    pitch: int,
    stride: int,
    rectified: bool,
) -> None:
    apart = inputs * 9
    a0, a1, a2, a3 = spread(bias[0]), spread(bias[1]), spread(bias[2]), spread(bias[3])
    b0, b1, b2, b3 = a0, a1, a2, a3
    for c in range(inputs):
        for row in range(3):
            start, w = c * pitch + row * stride + p, c * 9 + row * 3
            for tap in range(3):
                x, y = load(maps, start + tap), load(maps, start + tap + LANES)
                w0, w1 = spread(weights[w + tap]), spread(weights[w + tap + apart])
                w2, w3 = spread(weights[w + tap + 2 * apart]), spread(weights[w + tap + 3 * apart])
                a0, a1, a2, a3 = (
                    add_product(a0, w0, x),
                    add_product(a1, w1, x),
                    add_product(a2, w2, x),
                    add_product(a3, w3, x),
                )
                b0, b1, b2, b3 = (
                    add_product(b0, w0, y),
                    add_product(b1, w1, y),
                    add_product(b2, w2, y),
                    add_product(b3, w3, y),
                )
    if rectified:
        a0, a1, a2, a3 = where_positive(a0, a0), where_positive(a1, a1), where_positive(a2, a2), where_positive(a3, a3)
        b0, b1, b2, b3 = where_positive(b0, b0), where_positive(b1, b1), where_positive(b2, b2), where_positive(b3, b3)
    q = p + LANES
    store(out, p, a0), store(out, p + pitch, a1), store(out, p + 2 * pitch, a2), store(out, p + 3 * pitch, a3)
    store(out, q, b0), store(out, q + pitch, b1), store(out, q + 2 * pitch, b2), store(out, q + 3 * pitch, b3)


@inner
def _one_filter(
    maps: Floats,
    p: int,
    inputs: int,
    weights: Floats,
    bias: float,
    out: Floats,
    pitch: int,
    stride: int,
    rectified: bool,
) -> None:
    a = b = spread(bias)
    for c in range(inputs):
        for row in range(3):
            start, w = c * pitch + row * stride + p, c * 9 + row * 3
            for tap in range(3):
                weight = spread(weights[w + tap])
                a = add_product(a, weight, load(maps, start + tap))
                b = add_product(b, weight, load(maps, start + tap + LANES))
    if rectified:
        a, b = where_positive(a, a), where_positive(b, b)
    store(out, p, a)
    store(out, p + LANES, b)


@inner
def correlate(
    maps: Floats, inputs: int, slopes: Floats, outputs: int, out: Floats, pitch: int, stride: int, n: int
) -> None:
    """Add to `out` [outputs, inputs, 9] the gradients of the weights: n places of maps times those of slopes."""
    for f in range(0, outputs, 4):
        for c in range(inputs):
            for row in range(3):
                x = maps[c * pitch + row * stride :]
                if f + 4 <= outputs:
                    _of_four(x, slopes[f * pitch :], pitch, out[(f * inputs + c) * 9 + row * 3 :], inputs * 9, n)
                else:
                    for g in range(f, outputs):
                        _of_one(x, slopes[g * pitch :], out[(g * inputs + c) * 9 + row * 3 :], n)


@inner
def _of_four(x: Floats, d: Floats, pitch: int, out: Floats, apart: int, n: int) -> None:
    """The three taps of a row, of four filters."""
    r0 = r1 = r2 = s0 = s1 = s2 = t0 = t1 = t2 = u0 = u1 = u2 = spread(ZERO)
    for p in range(0, n, LANES):
        x0, x1, x2 = load(x, p), load(x, p + 1), load(x, p + 2)
        d0, d1, d2, d3 = load(d, p), load(d, p + pitch), load(d, p + 2 * pitch), load(d, p + 3 * pitch)
        r0, r1, r2 = add_product(r0, d0, x0), add_product(r1, d0, x1), add_product(r2, d0, x2)
        s0, s1, s2 = add_product(s0, d1, x0), add_product(s1, d1, x1), add_product(s2, d1, x2)
        t0, t1, t2 = add_product(t0, d2, x0), add_product(t1, d2, x1), add_product(t2, d2, x2)
        u0, u1, u2 = add_product(u0, d3, x0), add_product(u1, d3, x1), add_product(u2, d3, x2)
    for f, sums in enumerate(((r0, r1, r2), (s0, s1, s2), (t0, t1, t2), (u0, u1, u2))):
        for tap in range(3):
            out[f * apart + tap] += sum_of(sums[tap])


@inner
def _of_one(x: Floats, d: Floats, out: Floats, n: int) -> None:
    left = middle = right = spread(ZERO)
    for p in range(0, n, LANES):
        slope = load(d, p)
        left, middle = add_product(left, slope, load(x, p)), add_product(middle, slope, load(x, p + 1))
        right = add_product(right, slope, load(x, p + 2))
    for tap, value in enumerate((left, middle, right)):
        out[tap] += sum_of(value)


@inner
def turned(weights: Floats, outputs: int, inputs: int, out: Floats) -> None:
    """The weights [outputs, inputs, 9] as those of the convolution [inputs, outputs, 9] that takes gradients back."""
    for f in range(outputs):
        for c in range(inputs):
            for tap in range(9):
                out[(c * outputs + f) * 9 + 8 - tap] = weights[(f * inputs + c) * 9 + tap]


@inner
def total(values: Floats, n: int) -> np.float32:
    """The sum of the first n."""
    whole = ZERO
    for p in range(n):
        whole += values[p]
    return whole
