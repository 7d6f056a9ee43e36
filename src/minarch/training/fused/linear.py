"""Linear layers on tokens, forward and backward, as numba compiles them.

Values are vectors along the images of a block, [tokens, width]; weights are numbers. Four outputs of two tokens go
together: so many sums fit into the registers. Where fewer are left, the last one is computed again.
"""

from minarch.training.fused import program
from minarch.training.fused.compiler import ZERO, Floats, inner
from minarch.training.fused.lanes import LANES, add_product, load, spread, store, sum_of

apart = inner(program.apart)


@inner
def multiply(
    values: Floats,
    inputs: int,
    weights: Floats,
    across: int,
    along: int,
    bias: Floats,
    out: Floats,
    outputs: int,
    tokens: int,
    onto: bool,
) -> None:
    """Write, or with `onto` add, the `outputs` of each token; weights lie `across` apart for the next output and
    `along` for the next input; no bias is an empty array.
    """
    wide, high = apart(inputs) * LANES, apart(outputs) * LANES
    for t in range(0, tokens - 1, 2):
        _two_tokens(values[t * wide :], inputs, weights, across, along, bias, out[t * high :], outputs, onto)
    if tokens % 2:
        t = tokens - 1
        _one_token(values[t * wide :], inputs, weights, across, along, bias, out[t * high :], outputs, onto)


@inner
def _two_tokens(
    values: Floats,
    inputs: int,
    weights: Floats,
    across: int,
    along: int,
    bias: Floats,
    out: Floats,
    outputs: int,
    onto: bool,
) -> None:
    last, wide, high = outputs - 1, apart(inputs) * LANES, apart(outputs) * LANES
    for u in range(0, outputs, 4):
        u1, u2, u3 = min(u + 1, last), min(u + 2, last), min(u + 3, last)
        a0 = a1 = a2 = a3 = spread(ZERO)
        if len(bias):
            a0, a1, a2, a3 = spread(bias[u]), spread(bias[u1]), spread(bias[u2]), spread(bias[u3])
        b0, b1, b2, b3 = a0, a1, a2, a3
        w0, w1, w2, w3 = u * across, u1 * across, u2 * across, u3 * across
        for v in range(inputs):
            x, y, w = load(values, v * LANES), load(values, wide + v * LANES), v * along
            c0, c1, c2, c3 = (
                spread(weights[w0 + w]),
                spread(weights[w1 + w]),
                spread(weights[w2 + w]),
                spread(weights[w3 + w]),
            )
            a0, a1, a2, a3 = (
                add_product(a0, c0, x),
                add_product(a1, c1, x),
                add_product(a2, c2, x),
                add_product(a3, c3, x),
            )
            b0, b1, b2, b3 = (
                add_product(b0, c0, y),
                add_product(b1, c1, y),
                add_product(b2, c2, y),
                add_product(b3, c3, y),
            )
        p0, p1, p2, p3 = u * LANES, u1 * LANES, u2 * LANES, u3 * LANES
        if onto:
            a0, a1, a2, a3 = a0 + load(out, p0), a1 + load(out, p1), a2 + load(out, p2), a3 + load(out, p3)
            b0, b1 = b0 + load(out, high + p0), b1 + load(out, high + p1)
            b2, b3 = b2 + load(out, high + p2), b3 + load(out, high + p3)
        store(out, p0, a0), store(out, p1, a1), store(out, p2, a2), store(out, p3, a3)
        store(out, high + p0, b0), store(out, high + p1, b1), store(out, high + p2, b2), store(out, high + p3, b3)


@inner
def _one_token(
    values: Floats,
    inputs: int,
    weights: Floats,
    across: int,
    along: int,
    bias: Floats,
    out: Floats,
    outputs: int,
    onto: bool,
) -> None:
    last = outputs - 1
    for u in range(0, outputs, 4):
        u1, u2, u3 = min(u + 1, last), min(u + 2, last), min(u + 3, last)
        a0 = a1 = a2 = a3 = spread(ZERO)
        if len(bias):
            a0, a1, a2, a3 = spread(bias[u]), spread(bias[u1]), spread(bias[u2]), spread(bias[u3])
        w0, w1, w2, w3 = u * across, u1 * across, u2 * across, u3 * across
        for v in range(inputs):
            x, w = load(values, v * LANES), v * along
            a0, a1 = add_product(a0, spread(weights[w0 + w]), x), add_product(a1, spread(weights[w1 + w]), x)
            a2, a3 = add_product(a2, spread(weights[w2 + w]), x), add_product(a3, spread(weights[w3 + w]), x)
        p0, p1, p2, p3 = u * LANES, u1 * LANES, u2 * LANES, u3 * LANES
        if onto:
            a0, a1, a2, a3 = a0 + load(out, p0), a1 + load(out, p1), a2 + load(out, p2), a3 + load(out, p3)
        store(out, p0, a0), store(out, p1, a1), store(out, p2, a2), store(out, p3, a3)


@inner
def differentiate_weights(
    values: Floats, inputs: int, slopes: Floats, outputs: int, tokens: int, of_weights: Floats, of_bias: Floats
) -> None:
    """Add the gradients of the weights [outputs, inputs], and of the biases if there are any."""
    wide, high = apart(inputs) * LANES, apart(outputs) * LANES
    for u in range(0, outputs, 4):
        p0, p1, p2, p3 = (
            u * LANES,
            min(u + 1, outputs - 1) * LANES,
            min(u + 2, outputs - 1) * LANES,
            min(u + 3, outputs - 1) * LANES,
        )
        for v in range(0, inputs, 2):
            q0, q1 = v * LANES, min(v + 1, inputs - 1) * LANES
            a0 = a1 = a2 = a3 = b0 = b1 = b2 = b3 = spread(ZERO)
            for t in range(tokens):
                x, y, s = load(values, t * wide + q0), load(values, t * wide + q1), t * high
                d0, d1, d2, d3 = load(slopes, s + p0), load(slopes, s + p1), load(slopes, s + p2), load(slopes, s + p3)
                a0, a1, a2, a3 = (
                    add_product(a0, d0, x),
                    add_product(a1, d1, x),
                    add_product(a2, d2, x),
                    add_product(a3, d3, x),
                )
                b0, b1, b2, b3 = (
                    add_product(b0, d0, y),
                    add_product(b1, d1, y),
                    add_product(b2, d2, y),
                    add_product(b3, d3, y),
                )
            for j, (a, b) in enumerate(((a0, b0), (a1, b1), (a2, b2), (a3, b3))):
                if u + j < outputs:
                    of_weights[(u + j) * inputs + v] += sum_of(a)
                    if v + 1 < inputs:
                        of_weights[(u + j) * inputs + v + 1] += sum_of(b)
    for u in range(min(outputs, len(of_bias))):
        whole = spread(ZERO)
        for t in range(tokens):
            whole = whole + load(slopes, t * high + u * LANES)
        of_bias[u] += sum_of(whole)
