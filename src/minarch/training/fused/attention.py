"""Attention of a block's images, each in a lane of its own, forward and backward, as numba compiles it.

N tokens, M of them ask; E heads of Z values. Queries are [M, EZ], keys and values [N, EZ], shares [E, M, N] vectors.
"""

import numpy as np

from minarch.training.fused.compiler import ZERO, Floats, inner
from minarch.training.fused.lanes import LANES, add_product, load, spread, store
from minarch.training.fused.linear import apart
from minarch.training.fused.operators import ONE, exponential, larger


@inner
def attend(
    queries: Floats,
    keys: Floats,
    values: Floats,
    shares: Floats,
    out: Floats,
    asking: int,
    tokens: int,
    heads: int,
    width: int,
) -> None:
    """Mix the values [M, EZ] by softmax(queries keys^T / sqrt(Z)), which stays in `shares`."""
    size, row = width // heads, apart(width) * LANES
    scale = np.float32(1 / np.sqrt(size))
    for e in range(heads):
        at, of_head = e * size * LANES, shares[e * asking * tokens * LANES :]
        _mix(queries[at:], row, LANES, keys[at:], LANES, row, of_head, tokens * LANES, asking, size, tokens)
        for n in range(asking):
            _soften(of_head[n * tokens * LANES :], tokens, scale)
        _mix(of_head, tokens * LANES, LANES, values[at:], row, LANES, out[at:], row, asking, tokens, size)


@inner
def differentiate_attention(
    queries: Floats,
    keys: Floats,
    values: Floats,
    shares: Floats,
    slopes: Floats,
    of_queries: Floats,
    of_keys: Floats,
    of_values: Floats,
    of_scores: Floats,
    asking: int,
    tokens: int,
    heads: int,
    width: int,
) -> None:
    """From the gradients [M, EZ] of what was mixed (`slopes`) those of queries, keys and values; `of_scores` [M, N]
    is a buffer.
    """
    size, row, wide = width // heads, apart(width) * LANES, tokens * LANES
    scale = np.float32(1 / np.sqrt(size))
    for e in range(heads):
        at, of_head = e * size * LANES, shares[e * asking * tokens * LANES :]
        _mix(of_head, LANES, wide, slopes[at:], row, LANES, of_values[at:], row, tokens, asking, size)
        _mix(slopes[at:], row, LANES, values[at:], LANES, row, of_scores, wide, asking, size, tokens)
        for n in range(asking):
            _differentiate_softmax(of_head[n * wide :], of_scores[n * wide :], tokens, scale)
        _mix(of_scores, wide, LANES, keys[at:], row, LANES, of_queries[at:], row, asking, tokens, size)
        _mix(of_scores, LANES, wide, queries[at:], row, LANES, of_keys[at:], row, tokens, asking, size)


@inner
def _mix(
    left: Floats,
    down: int,
    along: int,
    right: Floats,
    step: int,
    beside: int,
    out: Floats,
    pitch: int,
    rows: int,
    depth: int,
    columns: int,
) -> None:
    """Write left [rows, depth] times right [depth, columns], in every lane apart; two rows, four columns at once.

    Values lie `down` and `along` apart on the left, `step` and `beside` on the right, and rows `pitch` in the result,
    whose columns lie beside each other. Where fewer are left, the last one is computed again.
    """
    for i in range(0, rows, 2):
        r0, r1 = i * down, min(i + 1, rows - 1) * down
        for j in range(0, columns, 4):
            j1, j2, j3 = min(j + 1, columns - 1), min(j + 2, columns - 1), min(j + 3, columns - 1)
            c0, c1, c2, c3 = j * beside, j1 * beside, j2 * beside, j3 * beside
            a0 = a1 = a2 = a3 = b0 = b1 = b2 = b3 = spread(ZERO)
            for k in range(depth):
                x, y, s = load(left, r0 + k * along), load(left, r1 + k * along), k * step
                d0, d1, d2, d3 = load(right, c0 + s), load(right, c1 + s), load(right, c2 + s), load(right, c3 + s)
                a0, a1, a2, a3 = (
                    add_product(a0, x, d0),
                    add_product(a1, x, d1),
                    add_product(a2, x, d2),
                    add_product(a3, x, d3),
                )
                b0, b1, b2, b3 = (
                    add_product(b0, y, d0),
                    add_product(b1, y, d1),
                    add_product(b2, y, d2),
                    add_product(b3, y, d3),
                )
            p, q = i * pitch, min(i + 1, rows - 1) * pitch
            o0, o1, o2, o3 = j * LANES, j1 * LANES, j2 * LANES, j3 * LANES
            store(out, p + o0, a0), store(out, p + o1, a1), store(out, p + o2, a2), store(out, p + o3, a3)
            store(out, q + o0, b0), store(out, q + o1, b1), store(out, q + o2, b2), store(out, q + o3, b3)


@inner
def _soften(scores: Floats, n: int, scale: float) -> None:
    """Softmax of n scores times a scale, in place."""
    most, whole, times = load(scores, 0), spread(ZERO), spread(scale)
    for m in range(1, n):
        most = larger(most, load(scores, m * LANES))
    for m in range(n):
        value = exponential((load(scores, m * LANES) - most) * times)
        whole = whole + value
        store(scores, m * LANES, value)
    share = spread(ONE) / whole
    for m in range(n):
        store(scores, m * LANES, load(scores, m * LANES) * share)


@inner
def _differentiate_softmax(shares: Floats, slopes: Floats, n: int, scale: float) -> None:
    """From the gradients of n shares those of the scores, in place."""
    whole, times = spread(ZERO), spread(scale)
    for m in range(n):
        whole = add_product(whole, load(shares, m * LANES), load(slopes, m * LANES))
    for m in range(n):
        store(slopes, m * LANES, (load(slopes, m * LANES) - whole) * load(shares, m * LANES) * times)
