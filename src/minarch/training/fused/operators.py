"""Arithmetic on vectors of float32 in compiled code: + - * /, the larger of two, square roots and exponentials.

Products and sums may be fused, but nothing is reordered, and NaN stays NaN.
"""

import math
import operator
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin

from minarch.training.fused.compiler import inner
from minarch.training.fused.lanes import LANES, VECTOR, Vector, add_product, lanes, spread

FUSED = ("contract",)
BITS = ir.VectorType(ir.IntType(32), LANES)
ONE = np.float32(1)
LEAST = np.float32(-87)  # whose exponential is the least that float32 holds in full
ROUNDING = np.float32(1.5 * 2**23)  # added to a small number it leaves the nearest integer in the last bits
BIAS, MANTISSA = 127, 23  # of float32: what its exponent is stored with, bits after it
PER_LN2, LN2_HIGH, LN2_LOW = (np.float32(c) for c in (1 / math.log(2), 0.693359375, -2.12194440e-4))
EXP = tuple(np.float32(c) for c in (1.98756915e-4, 1.39819995e-3, 8.33345191e-3, 4.16657959e-2, 1 / 6, 0.5))


def _operate(function: Any, name: str) -> None:
    @infer_global(function)
    class OnLanes(AbstractTemplate):
        def generic(self, arguments: Any, keywords: Any) -> Any:
            return signature(lanes, lanes, lanes) if arguments == (lanes, lanes) else None

    @lower_builtin(function, lanes, lanes)
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return getattr(builder, name)(*arguments, flags=FUSED)


for _function, _name in {
    operator.add: "fadd",
    operator.sub: "fsub",
    operator.mul: "fmul",
    operator.truediv: "fdiv",
}.items():
    _operate(_function, _name)


@intrinsic
def larger(typing: Any, one: Any, other: Any) -> Any:
    """Of every two values the larger one; the first if one of them is NaN."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        one, other = arguments
        return builder.select(builder.fcmp_ordered("<", one, other), other, one)

    return lanes(lanes, lanes), generate


@intrinsic
def root(typing: Any, vector: Any) -> Any:
    """Square roots."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = ir.FunctionType(VECTOR, [VECTOR])
        return builder.call(cgutils.get_or_insert_function(builder.module, kind, f"llvm.sqrt.v{LANES}f32"), arguments)

    return lanes(lanes), generate


@intrinsic
def _power_of_two(typing: Any, rounded: Any) -> Any:
    """2 to the integers that adding ROUNDING left in the last bits."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        bits = builder.add(builder.bitcast(arguments[0], BITS), ir.Constant(BITS, [BIAS] * LANES))
        return builder.bitcast(builder.shl(bits, ir.Constant(BITS, [MANTISSA] * LANES)), VECTOR)

    return lanes(lanes), generate


@inner
def exponential(x: Vector) -> Vector:
    """e^x for x <= 0, within 2e-7 of itself; e^-87 below -87 (Cephes' expf)."""
    x = larger(x, spread(LEAST))
    shifted = add_product(spread(ROUNDING), x, spread(PER_LN2))
    whole = shifted - spread(ROUNDING)
    rest = x - whole * spread(LN2_HIGH) - whole * spread(LN2_LOW)
    series = spread(EXP[0])
    for coefficient in EXP[1:]:
        series = add_product(spread(coefficient), series, rest)
    return add_product(rest + spread(ONE), series * rest, rest) * _power_of_two(shifted)
