"""LayerNorm, forward and backward, as numba compiles it.

A norm only subtracts the mean and divides by the deviation. The linear layers that read it take in its weights and
biases, once per step, and its gradients come from those of these layers.
"""

import numpy as np
from numpy.typing import NDArray

from minarch.training.fused.compiler import ZERO, Floats, inner
from minarch.training.fused.lanes import LANES, add_product, load, spread, store
from minarch.training.fused.linear import apart
from minarch.training.fused.operators import ONE, root
from minarch.training.fused.program import LINEAR

EPSILON = np.float32(1e-5)  # torch's default of LayerNorm


@inner
def normalise(values: Floats, width: int, tokens: int, out: Floats, scales: Floats) -> None:
    """Tokens [tokens, width] less their mean, divided by their deviation, whose reciprocals go into `scales`."""
    share = spread(np.float32(1 / width))
    for t in range(tokens):
        token, normed = values[t * apart(width) * LANES :], out[t * apart(width) * LANES :]
        whole = squares = spread(ZERO)
        for v in range(width):
            whole = whole + load(token, v * LANES)
        mean = whole * share
        for v in range(width):
            difference = load(token, v * LANES) - mean
            squares = add_product(squares, difference, difference)
        scale = spread(ONE) / root(add_product(spread(EPSILON), squares, share))
        for v in range(width):
            store(normed, v * LANES, (load(token, v * LANES) - mean) * scale)
        store(scales, t * LANES, scale)


@inner
def differentiate_norm(
    normed: Floats, width: int, tokens: int, scales: Floats, slopes: Floats, of_values: Floats
) -> None:
    """Add the gradients of the tokens, from those of the normed ones (`slopes`)."""
    share = spread(np.float32(1 / width))
    for t in range(tokens):
        at, scale = t * apart(width) * LANES, load(scales, t * LANES)
        whole = along = spread(ZERO)
        for v in range(width):
            slope = load(slopes, at + v * LANES)
            whole, along = whole + slope, add_product(along, slope, load(normed, at + v * LANES))
        mean, along = whole * share, along * share
        for v in range(width):
            p = at + v * LANES
            rest = load(slopes, p) - mean - load(normed, p) * along
            store(of_values, p, add_product(load(of_values, p), rest, scale))


@inner
def take_in(values: Floats, operations: NDArray[np.void], out: Floats) -> None:
    """Write the parameters, those of linear layers with the norms before them."""
    out[:] = values
    for a in operations:
        if a.kind == LINEAR and a.norm >= 0:
            scale, shift = values[a.norm :], values[a.norm + a.inputs :]
            for u in range(a.outputs):
                weights, new = values[a.weight + u * a.inputs :], out[a.weight + u * a.inputs :]
                whole = np.float32(0)
                for v in range(a.inputs):
                    new[v] = weights[v] * scale[v]
                    whole += weights[v] * shift[v]
                if a.bias >= 0:  # keys have none: it would add the same to all scores of a query
                    out[a.bias + u] += whole


@inner
def give_out(values: Floats, gradients: Floats, operations: NDArray[np.void]) -> None:
    """From the gradients of the layers that took in a norm those of their own parameters and of the norm's."""
    for a in operations:
        if a.kind == LINEAR and a.norm >= 0:
            scale, shift = values[a.norm :], values[a.norm + a.inputs :]
            of_scale, of_shift = gradients[a.norm :], gradients[a.norm + a.inputs :]
            for u in range(a.outputs):
                weights, slopes = values[a.weight + u * a.inputs :], gradients[a.weight + u * a.inputs :]
                of_bias = gradients[a.bias + u] if a.bias >= 0 else np.float32(0)
                for v in range(a.inputs):
                    of_scale[v] += slopes[v] * weights[v]
                    of_shift[v] += of_bias * weights[v]
                    slopes[v] = slopes[v] * scale[v] + of_bias * shift[v]
