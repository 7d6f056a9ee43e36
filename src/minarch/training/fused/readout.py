"""The linear classifier and the loss, as numba compiles them.

A block holds I images; `values` are a filter's map of them, one image after the other, `pitch` apart; weights of the
filter are [K, width], where K is the number of classes rounded up to whole groups of five. Logits are [I, K].
Two images and five classes go together: so many sums fit into the registers.
"""

import numpy as np
from numpy.typing import NDArray

from minarch.training.fused.compiler import ZERO, Floats, inner
from minarch.training.fused.plan import GROUP, IMAGES


@inner
def read(values: Floats, pitch: int, weights: Floats, width: int, n: int, logits: Floats) -> None:
    """Add to the logits what n places of a filter's map bring."""
    for k in range(0, logits.shape[1], GROUP):
        w = weights[k * width :]
        w1, w2, w3, w4 = w[width:], w[2 * width :], w[3 * width :], w[4 * width :]
        for i in range(0, IMAGES, 2):
            a, b = values[i * pitch :], values[(i + 1) * pitch :]
            s0 = s1 = s2 = s3 = s4 = t0 = t1 = t2 = t3 = t4 = ZERO
            for p in range(n):
                x, y = a[p], b[p]
                s0, s1, s2, s3, s4 = s0 + x * w[p], s1 + x * w1[p], s2 + x * w2[p], s3 + x * w3[p], s4 + x * w4[p]
                t0, t1, t2, t3, t4 = t0 + y * w[p], t1 + y * w1[p], t2 + y * w2[p], t3 + y * w3[p], t4 + y * w4[p]
            for j, (s, t) in enumerate(((s0, t0), (s1, t1), (s2, t2), (s3, t3), (s4, t4))):
                logits[i, k + j] += s
                logits[i + 1, k + j] += t


@inner
def differentiate(
    values: Floats,
    pitch: int,
    weights: Floats,
    width: int,
    n: int,
    slopes: Floats,
    of_values: Floats,
    of_weights: Floats,
) -> None:
    """From the gradients of the logits (`slopes`) those of the values, where these are positive, and of the weights.

    The former are written, the latter added.
    """
    classes = slopes.shape[1]
    for k in range(0, classes, GROUP):
        for i in range(0, IMAGES, 2):
            _mix(values, pitch, weights, width, n, slopes, of_values, i, k, k + GROUP == classes)
    for k in range(classes):
        _add_outer(values, pitch, slopes, k, of_weights[k * width :], n)


@inner
def _mix(
    values: Floats,
    pitch: int,
    weights: Floats,
    width: int,
    n: int,
    slopes: Floats,
    out: Floats,
    i: int,
    k: int,
    last: bool,
) -> None:
    """Add five classes' weights times slopes for images i and i + 1; at last only where their values are positive."""
    w = weights[k * width :]
    w1, w2, w3, w4 = w[width:], w[2 * width :], w[3 * width :], w[4 * width :]
    z, y, o, q = values[i * pitch :], values[(i + 1) * pitch :], out[i * pitch :], out[(i + 1) * pitch :]
    a0, a1, a2, a3, a4 = slopes[i, k], slopes[i, k + 1], slopes[i, k + 2], slopes[i, k + 3], slopes[i, k + 4]
    i, first = i + 1, k == 0
    b0, b1, b2, b3, b4 = slopes[i, k], slopes[i, k + 1], slopes[i, k + 2], slopes[i, k + 3], slopes[i, k + 4]
    for p in range(n):
        s = (ZERO if first else o[p]) + a0 * w[p] + a1 * w1[p] + a2 * w2[p] + a3 * w3[p] + a4 * w4[p]
        t = (ZERO if first else q[p]) + b0 * w[p] + b1 * w1[p] + b2 * w2[p] + b3 * w3[p] + b4 * w4[p]
        o[p], q[p] = (ZERO if last and z[p] <= 0 else s), (ZERO if last and y[p] <= 0 else t)


@inner
def _add_outer(values: Floats, pitch: int, slopes: Floats, k: int, out: Floats, n: int) -> None:
    """Add the eight images' values times the slopes of class k."""
    a, b, c, d = values, values[pitch:], values[2 * pitch :], values[3 * pitch :]
    e, f, g, h = values[4 * pitch :], values[5 * pitch :], values[6 * pitch :], values[7 * pitch :]
    s0, s1, s2, s3, s4 = slopes[0, k], slopes[1, k], slopes[2, k], slopes[3, k], slopes[4, k]
    s5, s6, s7 = slopes[5, k], slopes[6, k], slopes[7, k]
    for p in range(n):
        value = out[p] + s0 * a[p] + s1 * b[p] + s2 * c[p] + s3 * d[p]
        out[p] = value + s4 * e[p] + s5 * f[p] + s6 * g[p] + s7 * h[p]


@inner
def lose(
    logits: Floats, labels: NDArray[np.int64], index: NDArray[np.int64], classes: int, share: float
) -> tuple[float, int]:
    """The images' summed cross-entropy and right answers; the logits become its gradients times `share`.

    As everywhere, an answer is right if the true class alone scores highest. Rows and columns beyond the images and the
    classes become 0.
    """
    loss, right, count = 0.0, 0, len(index)
    for i in range(count):
        true = labels[index[i]]
        of_true, most, whole, at_least = logits[i, true], logits[i, 0], ZERO, 0
        for k in range(classes):
            at_least += logits[i, k] >= of_true
            most = max(most, logits[i, k])
        for k in range(classes):
            logits[i, k] = np.exp(logits[i, k] - most)
            whole += logits[i, k]
        right += at_least == 1
        loss += np.log(whole) + most - of_true
        for k in range(classes):
            logits[i, k] = (logits[i, k] / whole - np.float32(k == true)) * share
        logits[i, classes:] = 0
    logits[count:] = 0
    return loss, right
