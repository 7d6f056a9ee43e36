"""From an ONNX model that says of floats how they are rounded (QDQ) to one that computes with integers (QOperator).

Between two roundings nothing but the sums of products is seen, so a convolution with its bias, ReLU and roundings is
one operator on integers. What has no such operator stays in float: between its roundings, as the model has it.
QLinearConv is ONNX's own; QGemm, QLinearAdd and the poolings are ONNX Runtime's (com.microsoft). A ReLU is what the
lowest level cuts off. Scales per channel of an activation, which NNCF gives the input of a depthwise convolution, move
into the scales per channel of the weights before and after it (our inference: all are factors of the same sum).
"""

from dataclasses import replace
from typing import Any

import numpy as np
import onnx

from minarch.c99.integer_graph import MICROSOFT, Ending, Integers, Operation, attributes
from minarch.c99.levels import Levels, as_whole_numbers, pixel_weights, widened

ONE = np.ones(())


def with_integer_operators(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with operators on integers where it has roundings on both sides of them.

    Args:
        model: of `minarch.c99.one_image`.
    """
    return Integers(model).turned(OPERATIONS)


def _dequantize(graph: Integers, node: onnx.NodeProto) -> bool:
    levels = graph.given(node)
    if levels is None:
        return False
    graph.levels[node.output[0]] = levels
    return True


def _pixels(graph: Integers, node: onnx.NodeProto) -> bool:
    """The image's bytes, shifted, divided and rounded: a product per channel."""
    shape = graph.shapes[node.input[0]]
    shifting = graph.sole_user(node.output[0], "Add")
    dividing = graph.sole_user(shifting.output[0], "Div") if shifting else None
    rounding = graph.sole_user(dividing.output[0], "QuantizeLinear") if dividing else None
    if node.input[0] != graph.model.graph.input[0].name or not (shifting and dividing and rounding):
        return False
    levels = graph.rounding(rounding, positive=False)
    numbers = [graph.constants.get(user.input[1]) for user in (shifting, dividing)]
    if (
        levels is None
        or not levels.whole
        or levels.zero.dtype != np.uint8
        or any(n is None or n.size not in (1, shape[1]) for n in numbers)
    ):
        return False
    shift, divisor = (np.broadcast_to(n.ravel(), shape[1:2]) for n in numbers if n is not None)
    found = pixel_weights(shift, divisor, float(levels.scale), int(levels.zero))
    if found is None:
        return False
    weights, scales, biases = found
    nothing = graph.constant(np.zeros((), np.uint8))
    inputs = [node.input[0], graph.scale(ONE), nothing]
    inputs += [graph.constant(weights.reshape(-1, 1, 1, 1)), graph.scale(scales), nothing]
    inputs += [graph.scale(levels.scale), graph.constant(levels.zero), graph.constant(biases)]
    graph.add("QLinearConv", inputs, levels.name, group=shape[1])
    graph.replaced(Ending(biases, levels, levels.name, [node, shifting, dividing, rounding]))
    return True


def _convolution(graph: Integers, node: onnx.NodeProto) -> bool:
    source, kernels = (graph.levels.get(name) for name in node.input[:2])
    if source is None or kernels is None or kernels.name not in graph.constants or kernels.zero != 0:
        return False
    settings, outputs = attributes(node), len(graph.constants[kernels.name])
    bias = graph.constants[node.input[2]] if len(node.input) > 2 else np.zeros(outputs)
    ending = graph.ending(node.output[0], bias, -3)
    if ending.levels is None or (not source.whole and settings.get("group", 1) != len(source.scale)):
        return False
    before, after = source.scale, ending.levels.scale
    if not source.whole:
        before = np.repeat(before, outputs // len(before))
    integers, finer = widened(graph.constants[kernels.name], 0)
    unit = before * kernels.scale / finer
    biases = as_whole_numbers(ending.bias, unit)
    if biases is None:
        return False
    inside, outside = source.scale if source.whole else ONE, after if ending.levels.whole else ONE
    inputs = [source.name, graph.scale(inside), graph.constant(source.zero), graph.constant(integers)]
    inputs += [graph.scale(unit / inside / (ONE if ending.levels.whole else after)), graph.constant(kernels.zero)]
    inputs += [graph.scale(outside), graph.constant(ending.levels.zero), graph.constant(biases)]
    graph.add("QLinearConv", inputs, ending.levels.name, **settings)
    graph.replaced(ending)
    return True


def _product(graph: Integers, node: onnx.NodeProto) -> bool:
    """A product with weights [C, K]; of more than two dimensions the others are rows."""
    source, weights = (graph.levels.get(name) for name in node.input[:2])
    settings = attributes(node)
    if source is None or weights is None or weights.name not in graph.constants or not source.whole:
        return False
    if weights.zero != 0 or settings.get("transA") or {settings.get("alpha", 1.0), settings.get("beta", 1.0)} != {1.0}:
        return False
    integers, axis = graph.constants[weights.name], weights.axis
    if settings.get("transB"):
        integers, axis = integers.T, 1 - axis
    if integers.ndim != 2 or (not weights.whole and axis != 1):
        return False
    outputs, rows = integers.shape[1], graph.shapes[node.output[0]][:-1]
    bias = graph.constants[node.input[2]].ravel() if len(node.input) > 2 else np.zeros(outputs)
    ending = graph.ending(node.output[0], bias, -1)
    levels = ending.levels
    if levels is not None and not levels.whole:
        return False
    integers, finer = widened(np.ascontiguousarray(integers), 1)
    unit = source.scale * weights.scale / finer
    biases = as_whole_numbers(ending.bias, unit)
    if biases is None:
        return False
    flat = source.name if len(rows) == 1 else reshaped(graph, source.name, (-1, len(integers)))
    inputs = [flat, graph.scale(source.scale), graph.constant(source.zero)]
    inputs += [graph.constant(integers), graph.scale(unit / source.scale)]
    inputs += [graph.constant(np.zeros(outputs, integers.dtype))]  # one each, as the generator reads them
    inputs += [graph.constant(biases) if biases.any() else ""]
    inputs += ["", ""] if levels is None else [graph.scale(levels.scale), graph.constant(levels.zero)]
    name = ending.name if len(rows) == 1 else f"{ending.name}_rows"
    graph.add("QGemm", inputs, name, domain=MICROSOFT)
    kind = np.dtype(np.float32) if levels is None else levels.zero.dtype
    graph.show(name, kind, (int(np.prod(rows)), outputs))
    if name != ending.name:
        reshaped(graph, name, (*rows, outputs), ending.name)
    graph.replaced(ending)
    return True


def _sum(graph: Integers, node: onnx.NodeProto) -> bool:
    sides = [graph.levels.get(name) for name in node.input]
    if not all(side is not None and side.whole and side.name not in graph.constants for side in sides):
        return False
    return _rounded_by(graph, node, "QLinearAdd", [side for side in sides if side is not None])


def _mean(graph: Integers, node: onnx.NodeProto) -> bool:
    """A mean over whole images."""
    source, settings = graph.levels.get(node.input[0]), attributes(node)
    over_images = node.op_type == "GlobalAveragePool" or sorted(a % 4 for a in settings["axes"]) == [2, 3]
    if source is None or not source.whole or len(graph.shapes[node.input[0]]) != 4 or not over_images:
        return False
    return _rounded_by(graph, node, "QLinearGlobalAveragePool", [source])


def _average(graph: Integers, node: onnx.NodeProto) -> bool:
    source = graph.levels.get(node.input[0])
    if source is None or not source.whole:
        return False
    return _rounded_by(graph, node, "QLinearAveragePool", [source], **attributes(node))


def _rounded_by(graph: Integers, node: onnx.NodeProto, kind: str, sources: list[Levels], **settings: Any) -> bool:
    """Put one of ONNX Runtime's operators in the place of a node and the rounding after it, if there is one."""
    ending = graph.ending(node.output[0], np.zeros(0), -1)
    levels = ending.levels
    if levels is None or not levels.whole:
        return False
    inputs = [name for side in sources for name in (side.name, graph.scale(side.scale), graph.constant(side.zero))] + [
        graph.scale(levels.scale),
        graph.constant(levels.zero),
    ]
    shape = graph.shapes[node.output[0]]
    flat = kind == "QLinearGlobalAveragePool" and len(shape) == 2
    name = f"{levels.name}_image" if flat else levels.name
    graph.add(kind, inputs, name, domain=MICROSOFT, **settings)
    graph.show(name, levels.zero.dtype, (*shape, 1, 1) if flat else shape)
    if flat:
        reshaped(graph, name, shape, levels.name)
    graph.replaced(ending)
    return True


def _moved(graph: Integers, node: onnx.NodeProto) -> bool:
    """What puts values elsewhere, or takes the largest of some: the same of their levels."""
    source = graph.levels.get(node.input[0])
    if source is None:
        return False
    if source.name in graph.constants:
        if node.op_type != "Transpose" or graph.constants[source.name].ndim != 2:
            return False
        name = graph.constant(np.ascontiguousarray(graph.constants[source.name].T))
        graph.levels[node.output[0]] = replace(source, name=name, axis=1 - source.axis)
        return True
    if not source.whole and node.op_type != "MaxPool":
        return False
    name = f"{node.output[0]}_levels"
    graph.add(node.op_type, [source.name, *node.input[1:]], name, **attributes(node))
    graph.levels[node.output[0]] = source.renamed(name)
    return True


def reshaped(graph: Integers, name: str, shape: tuple[int, ...], output: str | None = None) -> str:
    sizes = graph.constant(np.array(shape, np.int64))
    return graph.add("Reshape", [name, sizes], output or f"{name}_rows")


OPERATIONS: dict[str, Operation] = {
    "Add": _sum,
    "AveragePool": _average,
    "Cast": _pixels,
    "Conv": _convolution,
    "DequantizeLinear": _dequantize,
    "Flatten": _moved,
    "Gemm": _product,
    "GlobalAveragePool": _mean,
    "MatMul": _product,
    "MaxPool": _moved,
    "ReduceMean": _mean,
    "Reshape": _moved,
    "Transpose": _moved,
}
