"""The linear classifier and the loss, as numba compiles them.

A block holds I images; `values` are a filter's map of them, one image after the other, `pitch` apart; weights of the
filter are [K, width], where K is the number of classes rounded up to whole groups of five. Logits are [I, K].
Two images and five classes go together: so many sums fit into the registers. Loops run over whole vectors: the weights
of places that are no image's are 0, and so are those after a filter's last place.
"""

import numpy as np
from numpy.typing import NDArray

from minarch.training.fused.compiler import ZERO, Floats, inner
from minarch.training.fused.lanes import LANES, add_product, load, spread, store, sum_of, where_positive
from minarch.training.fused.plan import GROUP, IMAGES
from minarch.training.fused.pooling import let_live


@inner
def read(values: Floats, pitch: int, weights: Floats, width: int, n: int, logits: Floats) -> None:
    """Add to the logits what n places of a filter's map bring."""
    for k in range(0, logits.shape[1], GROUP):
        for i in range(0, IMAGES, 2):
            s0 = s1 = s2 = s3 = s4 = t0 = t1 = t2 = t3 = t4 = spread(ZERO)
            for p in range(0, n, LANES):
                x, y, w = load(values, i * pitch + p), load(values, (i + 1) * pitch + p), k * width + p
                w0, w1, w2 = load(weights, w), load(weights, w + width), load(weights, w + 2 * width)
                w3, w4 = load(weights, w + 3 * width), load(weights, w + 4 * width)
                s0, s1, s2 = add_product(s0, x, w0), add_product(s1, x, w1), add_product(s2, x, w2)
                t0, t1, t2 = add_product(t0, y, w0), add_product(t1, y, w1), add_product(t2, y, w2)
                s3, s4 = add_product(s3, x, w3), add_product(s4, x, w4)
                t3, t4 = add_product(t3, y, w3), add_product(t4, y, w4)
            for j, (s, t) in enumerate(((s0, t0), (s1, t1), (s2, t2), (s3, t3), (s4, t4))):
                logits[i, k + j] += sum_of(s)
                logits[i + 1, k + j] += sum_of(t)


@inner
def differentiate(
    values: Floats,
    pitch: int,
    weights: Floats,
    width: int,
    n: int,
    slopes: Floats,
    classes: int,
    of_values: Floats,
    of_weights: Floats,
) -> None:
    """From the gradients of the logits (`slopes`) those of the values, where these are positive, and of the weights.

    The former are written, the latter added. Every weight that is read serves four images, and both.
    """
    for p in range(0, n, LANES):
        for i in range(0, IMAGES, 4):
            at = i * pitch
            z0, z1 = load(values, at + p), load(values, at + pitch + p)
            z2, z3 = load(values, at + 2 * pitch + p), load(values, at + 3 * pitch + p)
            d0 = d1 = d2 = d3 = spread(ZERO)
            for k in range(classes):
                w, g = load(weights, k * width + p), load(of_weights, k * width + p)
                s0, s1 = spread(slopes[i, k]), spread(slopes[i + 1, k])
                s2, s3 = spread(slopes[i + 2, k]), spread(slopes[i + 3, k])
                d0, d1, d2, d3 = (
                    add_product(d0, w, s0),
                    add_product(d1, w, s1),
                    add_product(d2, w, s2),
                    add_product(d3, w, s3),
                )
                g = add_product(add_product(add_product(add_product(g, z0, s0), z1, s1), z2, s2), z3, s3)
                store(of_weights, k * width + p, g)
            store(of_values, at + p, where_positive(d0, z0))
            store(of_values, at + pitch + p, where_positive(d1, z1))
            store(of_values, at + 2 * pitch + p, where_positive(d2, z2))
            store(of_values, at + 3 * pitch + p, where_positive(d3, z3))


@inner
def clear_gaps(gradients: Floats, rows: int, mask: Floats) -> None:
    """Set to 0 what no weight is to learn: gradients [rows, width] where the mask [width] is 0."""
    for row in range(rows):
        let_live(gradients[row * len(mask) :], mask, len(mask))


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


@inner
def smooth(
    logits: Floats, labels: NDArray[np.int64], index: NDArray[np.int64], classes: int, share: float, smoothing: float
) -> None:
    """Make of the gradients that `lose` leaves, times `share`, those by labels smoothed by `smoothing`.

    They are a step of their own so that plain labels are learned to the same bytes as if there were none.
    """
    more, every = np.float32(smoothing) * share, np.float32(smoothing / classes) * share
    for i in range(len(index)):
        for k in range(classes):
            logits[i, k] -= every
        logits[i, labels[index[i]]] += more
