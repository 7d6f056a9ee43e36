"""Vectors of float32 as values in compiled code, so that kernels themselves say what stays in the registers.

LANES values go together: as many as two registers of AVX-512 hold, or one of others. Nothing is left to a compiler's
vectorizer, which gains little where loads overlap, and was seen to leave loops scalar.
"""

from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba import config, types
from numba.core import cgutils
from numba.core.datamodel import models
from numba.extending import intrinsic, register_model

from minarch.training.fused.compiler import Floats, inner

LANES = 32 if llvm.get_host_cpu_features().get("avx512f") else 8
CHECKED = bool(config.BOUNDSCHECK)
VECTOR, INDEX = ir.VectorType(ir.FloatType(), LANES), ir.IntType(32)
Vector = Any  # a value of type Lanes


class Lanes(types.Type):
    """The type of a vector."""

    def __init__(self) -> None:
        super().__init__(name=f"Lanes({LANES})")


@register_model(Lanes)
class LanesModel(models.PrimitiveModel):
    """A vector is one value of LLVM's."""

    def __init__(self, manager: Any, of: Any) -> None:
        super().__init__(manager, of, VECTOR)


lanes = Lanes()


def _pointer(context: Any, builder: Any, array_type: Any, array: Any, position: Any) -> Any:
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [position]), VECTOR.as_pointer())


@intrinsic
def _load(typing: Any, array: Any, position: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load(_pointer(context, builder, signature.args[0], *arguments), align=4)

    return lanes(array, types.intp), generate


@intrinsic
def _store(typing: Any, array: Any, position: Any, vector: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array, position, vector = arguments
        builder.store(vector, _pointer(context, builder, signature.args[0], array, position), align=4)
        return context.get_dummy_value()

    return types.void(array, types.intp, lanes), generate


@inner
def load(array: Floats, position: int) -> Vector:
    """LANES values of a flat array from a position on."""
    if CHECKED:
        assert 0 <= position <= len(array) - LANES, "outside of its array"
    return _load(array, position)


@inner
def store(array: Floats, position: int, vector: Vector) -> None:
    """Write LANES values into a flat array."""
    if CHECKED:
        assert 0 <= position <= len(array) - LANES, "outside of its array"
    _store(array, position, vector)


@intrinsic
def spread(typing: Any, value: Any) -> Any:
    """LANES times the same value."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        nothing = ir.Constant(VECTOR, ir.Undefined)
        one = builder.insert_element(nothing, arguments[0], ir.Constant(INDEX, 0))
        return builder.shuffle_vector(one, nothing, ir.Constant(ir.VectorType(INDEX, LANES), None))

    return lanes(types.float32), generate


@intrinsic
def add_product(typing: Any, whole: Any, one: Any, other: Any) -> Any:
    """whole + one * other, rounded once."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        whole, one, other = arguments
        kind = ir.FunctionType(VECTOR, [VECTOR] * 3)
        fused = cgutils.get_or_insert_function(builder.module, kind, f"llvm.fma.v{LANES}f32")
        return builder.call(fused, [one, other, whole])

    return lanes(lanes, lanes, lanes), generate


@intrinsic
def where_positive(typing: Any, vector: Any, deciding: Any) -> Any:
    """The vector's values, but 0 where those of another one are 0 or less; NaN is neither."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vector, deciding = arguments
        none = ir.Constant(VECTOR, [0.0] * LANES)
        return builder.select(builder.fcmp_ordered("<=", deciding, none), none, vector)

    return lanes(lanes, lanes), generate


@intrinsic
def sum_of(typing: Any, vector: Any) -> Any:
    """The sum of a vector, halves added to halves."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vector, count = arguments[0], LANES
        while count > 1:
            count //= 2
            low, high = (
                ir.Constant(ir.VectorType(INDEX, count), [start + lane for lane in range(count)])
                for start in (0, count)
            )
            nothing = ir.Constant(vector.type, ir.Undefined)
            halves = (builder.shuffle_vector(vector, nothing, half) for half in (low, high))
            vector = builder.fadd(*halves)
        return builder.extract_element(vector, ir.Constant(INDEX, 0))

    return types.float32(lanes), generate
