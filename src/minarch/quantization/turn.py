"""From an OpenVINO model to ONNX that computes the same, quantized or not, operation by operation.

OpenVINO rounds an activation to its levels and back in one operation, FakeQuantize, where ONNX has QuantizeLinear and
DequantizeLinear. Weights are integers that OpenVINO converts and multiplies by a scale, for which ONNX has
DequantizeLinear.
"""

from collections.abc import Callable

import numpy as np
import onnx
from onnx import TensorProto

from minarch.quantization.graph import Graph, NoCounterpart, is_constant, values
from minarch.quantization.operations import OPERATIONS, merged
from minarch.quiet import openvino as ov

LEVELS = 256  # of an activation at 8 bits
WHOLE = 1e-2  # how far a zero point may be from a whole number: it comes of two limits in float32
INTEGERS = (ov.Type.i8, ov.Type.u8)
TYPES = {"f32": TensorProto.FLOAT, "f16": TensorProto.FLOAT16, "i64": TensorProto.INT64}


def turned(model: ov.Model) -> onnx.ModelProto:
    """A model with one input and one output as ONNX, where they are called the same.

    Raises:
        NoCounterpart: it has an operation that is not known here, or values of fewer than 8 bits.
    """
    graph = Graph()
    for operation in model.get_ordered_ops():
        kind, output = operation.get_type_name(), operation.output(0)
        if kind == "Parameter":
            graph.names[output] = output.get_any_name()
        elif kind not in ("Constant", "Result"):
            if kind not in TURN:
                raise NoCounterpart(f"operation {kind}")
            name = TURN[kind](graph, operation)
            if name is not None:
                graph.names[output] = name
    return graph.model(model.input(), model.output())


def _convert(graph: Graph, operation: ov.Node) -> str | None:
    """A cast; nothing for integer weights, which the multiplication by their scale turns into floats."""
    (source,) = operation.input_values()
    if is_constant(source) and source.get_element_type() in INTEGERS:
        return None
    kind = operation.get_attributes()["destination_type"]
    if kind not in TYPES:
        raise NoCounterpart(f"conversion to {kind}")
    return graph.add("Cast", graph.name(source), to=TYPES[kind])


def _multiply(graph: Graph, operation: ov.Node) -> str:
    """A product; or a norm, or the weights, that end with it."""
    first, second = operation.input_values()
    if first in graph.names or is_constant(first):
        return graph.add("Mul", graph.name(first), graph.name(second))
    if first.get_node().get_type_name() == "MVN":
        return _scaled_norm(graph, first.get_node(), values(second))
    integers, scale = values(first.get_node().input_value(0)), values(second)
    if _is_read_in_groups(operation):
        of_each = np.broadcast_to(scale, (*integers.shape[:2], *[1] * (integers.ndim - 2)))
        integers, scale = merged(integers), merged(of_each)
    return _weights(graph, integers, scale)


def _reshape(graph: Graph, operation: ov.Node) -> str:
    """Values in another shape; weights that are put into groups stay as they are."""
    if not _is_read_in_groups(operation):
        return OPERATIONS["Reshape"](graph, operation)
    source, (groups, outputs, *others) = operation.input_value(0), operation.get_output_shape(0)
    if list(source.get_shape()) != [groups * outputs, *others]:
        raise NoCounterpart("weights whose groups are not consecutive outputs")
    return graph.name(source)


def _is_read_in_groups(operation: ov.Node) -> bool:
    """Whether an output is nothing but the weights of convolutions of groups, which ONNX has as those of all outputs
    one after the other.
    """
    readers = [(user.get_node().get_type_name(), user.get_index()) for user in operation.output(0).get_target_inputs()]
    return all(reader == ("GroupConvolution", 1) for reader in readers)


def _weights(graph: Graph, integers: np.ndarray, scale: np.ndarray) -> str:
    """Integers as the floats that they stand for; `scale` has one number, or one for each index of one dimension."""
    if scale.size == 1:
        return graph.add("DequantizeLinear", graph.constant(integers), graph.constant(scale.reshape(())))
    along = [axis for axis, length in enumerate(scale.shape) if length > 1]
    if len(along) > 1 or scale.ndim != integers.ndim:
        raise NoCounterpart(f"a scale of shape {list(scale.shape)}")
    return graph.add("DequantizeLinear", graph.constant(integers), graph.constant(scale.ravel()), axis=along[0])


def _norm(graph: Graph, operation: ov.Node) -> str | None:
    """A norm over the last dimension; nothing where multiplications by a constant follow, which then make it."""
    users = [user.get_node() for user in operation.output(0).get_target_inputs()]
    if all(user.get_type_name() == "Multiply" and is_constant(user.input_value(1)) for user in users):
        return None
    *_, last = operation.input_value(0).get_partial_shape()
    return _scaled_norm(graph, operation, np.ones(last.get_length(), np.float32))


def _scaled_norm(graph: Graph, operation: ov.Node, scale: np.ndarray) -> str:
    """A norm over the last dimension, times a scale for each of its places."""
    settings, (source, axes) = operation.get_attributes(), operation.input_values()
    *_, last = shape = source.get_partial_shape()
    whole = settings["normalize_variance"] and settings["eps_mode"] == "INSIDE_SQRT" and last == scale.size
    if not whole or [int(axis) % len(shape) for axis in values(axes)] != [len(shape) - 1]:
        raise NoCounterpart("a norm that is not over the last dimension")
    return graph.add("LayerNormalization", graph.name(source), graph.constant(scale.ravel()), epsilon=settings["eps"])


def _fake_quantize(graph: Graph, operation: ov.Node) -> str:
    """Rounding to LEVELS levels, of the whole tensor or, before a convolution of single channels, of each channel."""
    source, *limits = operation.input_values()
    numbers = [values(limit) for limit in limits]
    if operation.get_attributes()["levels"] != LEVELS:
        raise NoCounterpart("FakeQuantize of other levels")
    shape = np.broadcast_shapes(*(number.shape for number in numbers))
    along = [axis for axis, length in enumerate(shape) if length > 1]
    if len(along) > 1 or (along and len(shape) != len(source.get_partial_shape())):
        raise NoCounterpart(f"FakeQuantize with limits of shape {list(shape)}")
    low, high, *after = (np.broadcast_to(number, shape).astype(np.float64).ravel() for number in numbers)
    scale = (high - low) / (LEVELS - 1)
    zero = np.round(-low / scale)
    whole = (np.abs(zero + low / scale) <= WHOLE) & (zero >= 0) & (zero < LEVELS)
    if not np.array_equal([low, high], after) or not whole.all():
        raise NoCounterpart("FakeQuantize that has no level for 0, or changes the range")
    form, axis = ((-1,), {"axis": along[0]}) if along else ((), {})
    levels = (
        graph.constant(scale.astype(np.float32).reshape(form)),
        graph.constant(zero.astype(np.uint8).reshape(form)),
    )
    rounded = graph.add("QuantizeLinear", graph.name(source), *levels, **axis)
    return graph.add("DequantizeLinear", rounded, *levels, **axis)


TURN: dict[str, Callable[[Graph, ov.Node], str | None]] = {  # what adds an operation's nodes, and names its output
    **OPERATIONS,
    "Convert": _convert,
    "Multiply": _multiply,
    "MVN": _norm,
    "Reshape": _reshape,
    "FakeQuantize": _fake_quantize,
}
