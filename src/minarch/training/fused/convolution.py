"""3x3 convolutions over flattened planes, and their gradients, as numba compiles them.

A plane holds a map of every image of a block, row after row of `stride` places: a convolution is then one long loop,
also over the places between rows, whose values mean nothing. Arrays are flat float32; `pitch` is the distance of two
planes.
Four filters and the three taps of a row go together: so many weights and sums fit into the registers.
"""

import numpy as np

from minarch.training.fused.compiler import ZERO, Floats, inner

WHOLE = 32  # places: loops end at multiples of so many, and no vector is left over


@inner
def convolve(
    maps: Floats, inputs: int, weights: Floats, bias: Floats, out: Floats, outputs: int, pitch: int, stride: int, n: int
) -> None:
    """Write n places of all output planes; weights are [outputs, inputs, 9]."""
    for f in range(0, outputs - 3, 4):
        for c in range(inputs):
            for row in range(3):
                of_row = weights[(f * inputs + c) * 9 + row * 3 :]
                _four_filters(
                    maps[c * pitch + row * stride :],
                    of_row,
                    inputs * 9,
                    bias[f:],
                    out[f * pitch :],
                    pitch,
                    n,
                    c + row == 0,
                )
    for f in range(outputs // 4 * 4, outputs):
        for c in range(inputs):
            _one_filter(
                maps[c * pitch :], weights[(f * inputs + c) * 9 :], bias[f], out[f * pitch :], stride, n, c == 0
            )


@inner
def _four_filters(
    x: Floats, weights: Floats, apart: int, bias: Floats, out: Floats, pitch: int, n: int, first: bool
) -> None:
    """out[p] = (bias if first else out[p]) + the three taps of a row, of four filters."""
    x1, x2 = x[1:], x[2:]
    out1, out2, out3 = out[pitch:], out[2 * pitch :], out[3 * pitch :]
    v, w, y = weights[apart:], weights[2 * apart :], weights[3 * apart :]
    u0, u1, u2, v0, v1, v2 = weights[0], weights[1], weights[2], v[0], v[1], v[2]
    w0, w1, w2, y0, y1, y2 = w[0], w[1], w[2], y[0], y[1], y[2]
    b0, b1, b2, b3 = bias[0], bias[1], bias[2], bias[3]
    for p in range(n):
        left, middle, right = x[p], x1[p], x2[p]
        out[p] = (b0 if first else out[p]) + u0 * left + u1 * middle + u2 * right
        out1[p] = (b1 if first else out1[p]) + v0 * left + v1 * middle + v2 * right
        out2[p] = (b2 if first else out2[p]) + w0 * left + w1 * middle + w2 * right
        out3[p] = (b3 if first else out3[p]) + y0 * left + y1 * middle + y2 * right


@inner
def _one_filter(x: Floats, w: Floats, bias: float, out: Floats, stride: int, n: int, first: bool) -> None:
    """out[p] = (bias if first else out[p]) + all nine taps."""
    a1, a2, b0, b1, b2 = x[1:], x[2:], x[stride:], x[stride + 1 :], x[stride + 2 :]
    c0, c1, c2 = x[2 * stride :], x[2 * stride + 1 :], x[2 * stride + 2 :]
    w0, w1, w2, w3, w4, w5, w6, w7, w8 = w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7], w[8]
    for p in range(n):
        value = (bias if first else out[p]) + w0 * x[p] + w1 * a1[p] + w2 * a2[p]
        value += w3 * b0[p] + w4 * b1[p] + w5 * b2[p]
        out[p] = value + w6 * c0[p] + w7 * c1[p] + w8 * c2[p]


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
    x1, x2, d1, d2, d3 = x[1:], x[2:], d[pitch:], d[2 * pitch :], d[3 * pitch :]
    r0 = r1 = r2 = s0 = s1 = s2 = t0 = t1 = t2 = u0 = u1 = u2 = ZERO
    for p in range(n):
        left, middle, right = x[p], x1[p], x2[p]
        r0, r1, r2 = r0 + d[p] * left, r1 + d[p] * middle, r2 + d[p] * right
        s0, s1, s2 = s0 + d1[p] * left, s1 + d1[p] * middle, s2 + d1[p] * right
        t0, t1, t2 = t0 + d2[p] * left, t1 + d2[p] * middle, t2 + d2[p] * right
        u0, u1, u2 = u0 + d3[p] * left, u1 + d3[p] * middle, u2 + d3[p] * right
    for f, sums in enumerate(((r0, r1, r2), (s0, s1, s2), (t0, t1, t2), (u0, u1, u2))):
        for tap in range(3):
            out[f * apart + tap] += sums[tap]


@inner
def _of_one(x: Floats, d: Floats, out: Floats, n: int) -> None:
    x1, x2, left, middle, right = x[1:], x[2:], ZERO, ZERO, ZERO
    for p in range(n):
        left, middle, right = left + d[p] * x[p], middle + d[p] * x1[p], right + d[p] * x2[p]
    for tap, value in enumerate((left, middle, right)):
        out[tap] += value


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
