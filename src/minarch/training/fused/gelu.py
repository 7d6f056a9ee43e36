"""GELU and its gradients on vectors of float32, as numba compiles them.

1 - erf(z) is a polynomial of 1 / (1 + P z) times exp(-z^2), for z >= 0, within 1.5e-7 (Abramowitz and Stegun 7.1.26).
The same exponential gives the derivative.
"""

import math
from typing import Any

import numpy as np
from llvmlite import ir
from numba.extending import intrinsic

from minarch.training.fused.compiler import ZERO, Floats, inner
from minarch.training.fused.lanes import LANES, VECTOR, Vector, add_product, lanes, load, spread, store
from minarch.training.fused.operators import ONE, exponential, larger

P = np.float32(0.3275911 / math.sqrt(2))
TAIL = tuple(np.float32(c / 2) for c in (1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592))
HALF, DENSITY = np.float32(-0.5), np.float32(1 / math.sqrt(2 * math.pi))


@inner
def bend(values: Floats, out: Floats, n: int, learn: bool) -> None:
    """GELU of n numbers, whole vectors; to `learn`, its derivatives take the place of the values."""
    for p in range(0, n, LANES):
        value, slope = gelu(load(values, p))
        store(out, p, value)
        if learn:
            store(values, p, slope)


@inner
def differentiate_gelu(slopes: Floats, derivatives: Floats, n: int) -> None:
    """From the gradients of n results those of the values, in place."""
    for p in range(0, n, LANES):
        store(slopes, p, load(slopes, p) * load(derivatives, p))


@inner
def gelu(x: Vector) -> tuple[Vector, Vector]:
    """x times the normal distribution's function, and its derivative, each within 3e-7 times 1 + |x|."""
    size = larger(x, spread(ZERO) - x)
    bell = exponential(spread(HALF) * x * x)
    t = spread(ONE) / add_product(spread(ONE), size, spread(P))
    series = spread(TAIL[0])
    for coefficient in TAIL[1:]:
        series = add_product(spread(coefficient), series, t)
    share = _share(x, series * t * bell)
    return x * share, add_product(share, x, bell * spread(DENSITY))


@intrinsic
def _share(typing: Any, x: Any, tail: Any) -> Any:
    """The distribution's function at x, if `tail` is what lies beyond |x|."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        x, tail = arguments
        ones, zeros = (ir.Constant(VECTOR, [value] * LANES) for value in (1.0, 0.0))
        return builder.select(builder.fcmp_ordered(">", x, zeros), builder.fsub(ones, tail), tail)

    return lanes(lanes, lanes), generate
