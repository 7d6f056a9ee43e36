"""From an ONNX model that says of floats how they are rounded (QDQ) to one that computes with integers (QOperator).

Between two roundings nothing but the sums of products is seen, so a convolution with its bias, ReLU and roundings is
one operator on integers. What has no such operator stays in float: between its roundings, as the model has it.
QLinearConv is ONNX's own; QGemm, QLinearAdd and the poolings are ONNX Runtime's (com.microsoft). A ReLU is what the
lowest level cuts off. Weights may have a scale per channel; an activation that has several stays in float.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import onnx

from minarch.c99.integer_graph import MICROSOFT, Integers, Operation, attributes
from minarch.c99.levels import Levels
from minarch.c99.products import convolution, pixels, product, reshaped


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


def _sum(graph: Integers, node: onnx.NodeProto) -> bool:
    sides = [side for name in node.input if (side := graph.activation(name)) is not None]
    return len(sides) == len(node.input) and _rounded_by(graph, node, "QLinearAdd", sides)


def _mean(graph: Integers, node: onnx.NodeProto) -> bool:
    """A mean over whole images."""
    source, axes = graph.activation(node.input[0]), attributes(node).get("axes", ())
    over_images = node.op_type == "GlobalAveragePool" or sorted(axis % 4 for axis in axes) == [2, 3]
    if source is None or len(graph.shapes[node.input[0]]) != 4 or not over_images:
        return False
    return _rounded_by(graph, node, "QLinearGlobalAveragePool", [source])


def _average(graph: Integers, node: onnx.NodeProto) -> bool:
    source = graph.activation(node.input[0])
    return source is not None and _rounded_by(graph, node, "QLinearAveragePool", [source], **attributes(node))


def _rounded_by(graph: Integers, node: onnx.NodeProto, kind: str, sources: list[Levels], **settings: Any) -> bool:
    """Put one of ONNX Runtime's operators in the place of a node and the rounding after it, if there is one."""
    ending = graph.ending(node.output[0], np.zeros(0), -1)
    levels = ending.levels
    if levels is None:
        return False
    inputs = [name for side in sources for name in (side.name, graph.scale(side.scale), graph.constant(side.zero))]
    inputs += [graph.scale(levels.scale), graph.constant(levels.zero)]
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
    name = f"{node.output[0]}_levels"
    graph.add(node.op_type, [source.name, *node.input[1:]], name, **attributes(node))
    graph.levels[node.output[0]] = source.renamed(name)
    return True


OPERATIONS: dict[str, Operation] = {
    "Add": _sum,
    "AveragePool": _average,
    "Cast": pixels,
    "Conv": convolution,
    "DequantizeLinear": _dequantize,
    "Flatten": _moved,
    "Gemm": product,
    "GlobalAveragePool": _mean,
    "MatMul": product,
    "MaxPool": _moved,
    "ReduceMean": _mean,
    "Reshape": _moved,
    "Transpose": _moved,
}
