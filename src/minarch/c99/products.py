"""Sums of products on integers: convolutions, products with weights, and the normalisation of the image's bytes.

Of an operation True says that it put something in a node's place.
"""

import numpy as np
import onnx

from minarch.c99.integer_graph import MICROSOFT, Ending, Integers, attributes
from minarch.c99.levels import as_whole_numbers, pixel_weights, widened


def pixels(graph: Integers, node: onnx.NodeProto) -> bool:
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
        or levels.zero.dtype != np.uint8
        or any(n is None or n.size not in (1, shape[1]) for n in numbers)
    ):
        return False
    shift, divisor = (np.broadcast_to(n.ravel(), shape[1:2]) for n in numbers if n is not None)
    chosen = pixel_weights(shift, divisor, float(levels.scale), int(levels.zero))
    if chosen is None:
        return False
    weights, scales, biases = chosen
    nothing = graph.constant(np.zeros((), np.uint8))
    inputs = [node.input[0], graph.scale(np.ones(())), nothing]
    inputs += [graph.constant(weights.reshape(-1, 1, 1, 1)), graph.scale(scales), nothing]
    inputs += [graph.scale(levels.scale), graph.constant(levels.zero), graph.constant(biases)]
    graph.add("QLinearConv", inputs, levels.name, group=shape[1])
    graph.replaced(Ending(biases, levels, levels.name, [node, shifting, dividing, rounding]))
    return True


def convolution(graph: Integers, node: onnx.NodeProto) -> bool:
    """A convolution, its bias, ReLU and rounding."""
    source, kernels = graph.activation(node.input[0]), graph.weights(node.input[1])
    if source is None or kernels is None or not (kernels.whole or kernels.axis == 0):
        return False
    integers, finer = widened(graph.constants[kernels.name], 0)
    bias = graph.constants[node.input[2]] if len(node.input) > 2 else np.zeros(len(integers))
    ending = graph.ending(node.output[0], bias, -3)
    levels = ending.levels
    unit = source.scale * kernels.scale / finer
    biases = as_whole_numbers(ending.bias, unit)
    if levels is None or biases is None:
        return False
    inputs = [source.name, graph.scale(source.scale), graph.constant(source.zero)]
    inputs += [graph.constant(integers), graph.scale(unit / source.scale), graph.constant(kernels.zero)]
    inputs += [graph.scale(levels.scale), graph.constant(levels.zero), graph.constant(biases)]
    graph.add("QLinearConv", inputs, levels.name, **attributes(node))
    graph.replaced(ending)
    return True


def product(graph: Integers, node: onnx.NodeProto) -> bool:
    """A product with weights [C, K]; of more than two dimensions the others are rows."""
    source, weights = graph.activation(node.input[0]), graph.weights(node.input[1])
    settings = attributes(node)
    if source is None or weights is None:
        return False
    if settings.get("transA") or {settings.get("alpha", 1.0), settings.get("beta", 1.0)} != {1.0}:
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


def reshaped(graph: Integers, name: str, shape: tuple[int, ...], output: str | None = None) -> str:
    sizes = graph.constant(np.array(shape, np.int64))
    return graph.add("Reshape", [name, sizes], output or f"{name}_rows")
