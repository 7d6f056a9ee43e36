"""What is done to each token alone, beside linear layers: norms and GELU, as numba compiles them."""

import numpy as np

from minarch.training.fused.compiler import ZERO, Floats, inner
from minarch.training.fused.lanes import LANES, add_product, load, spread, store
from minarch.training.fused.linear import pitch_of
from minarch.training.fused.operators import ONE, gelu, root

EPSILON = np.float32(1e-5)  # torch's default of LayerNorm


@inner
def normalise(values: Floats, width: int, tokens: int, out: Floats, scales: Floats) -> None:
    """Tokens [tokens, width] less their mean, divided by their deviation, whose reciprocals go into `scales`."""
    share = spread(np.float32(1 / width))
    for t in range(tokens):
        token, normed = values[t * pitch_of(width) :], out[t * pitch_of(width) :]
        whole = squares = spread(ZERO)
        for v in range(width):
            whole = whole + load(token, v * LANES)
        mean = whole * share
        for v in range(width):
            apart = load(token, v * LANES) - mean
            squares = add_product(squares, apart, apart)
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
        at, scale = t * pitch_of(width), load(scales, t * LANES)
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
def bend(values: Floats, out: Floats, n: int, learn: bool) -> None:
    """GELU of n numbers, whole vectors; to `learn`, its derivatives take the place of the values."""
    for p in range(0, n, LANES):
        value, slope = gelu(load(values, p))
        store(out, p, value)
        if learn:
            store(values, p, slope)
