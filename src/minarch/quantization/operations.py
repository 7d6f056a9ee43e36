"""Operations of OpenVINO on floats and shapes as nodes of ONNX: those of our families, and some that users may have."""

from collections.abc import Callable
from typing import Any

import numpy as np

from minarch.quantization.graph import Graph, NoCounterpart, is_constant, values
from minarch.quiet import openvino as ov

SAME = {  # those that differ in name at most
    "Add": "Add",
    "Broadcast": "Expand",
    "Divide": "Div",
    "Erf": "Erf",
    "Exp": "Exp",
    "Power": "Pow",
    "Relu": "Relu",
    "Reshape": "Reshape",
    "ShapeOf": "Shape",
    "Sigmoid": "Sigmoid",
    "Sqrt": "Sqrt",
    "Subtract": "Sub",
    "Tanh": "Tanh",
}


def _same(graph: Graph, operation: ov.Node) -> str:
    return graph.add(SAME[operation.get_type_name()], *graph.inputs(operation))


def _product(graph: Graph, operation: ov.Node) -> str:
    factors = graph.inputs(operation)
    for place, name in enumerate(("transpose_a", "transpose_b")):
        if operation.get_attributes()[name]:
            factors[place] = _swapped(graph, operation.input_value(place))
    return graph.add("MatMul", *factors)


def _swapped(graph: Graph, output: ov.Output) -> str:
    """A tensor with its last two dimensions swapped."""
    *others, rows, columns = range(len(output.get_partial_shape()))
    return graph.add("Transpose", graph.name(output), perm=[*others, columns, rows])


def _attention(graph: Graph, operation: ov.Node) -> str:
    queries, keys, read, mask, scale = operation.input_values()
    if operation.get_attributes()["causal"] or values(mask).any():
        raise NoCounterpart("attention with a mask")
    scaled = graph.add("Mul", graph.name(queries), graph.name(scale))
    shares = graph.add("Softmax", graph.add("MatMul", scaled, _swapped(graph, keys)), axis=-1)
    return graph.add("MatMul", shares, graph.name(read))


def _gelu(graph: Graph, operation: ov.Node) -> str:
    if operation.get_attributes()["approximation_mode"] != "ERF":
        raise NoCounterpart("an approximated Gelu")
    (source,) = graph.inputs(operation)
    half, one, root = (graph.constant(np.float32(number)) for number in (0.5, 1, np.sqrt(2)))
    share = graph.add("Add", graph.add("Erf", graph.add("Div", source, root)), one)
    return graph.add("Mul", graph.add("Mul", source, half), share)


def _softmax(graph: Graph, operation: ov.Node) -> str:
    return graph.add("Softmax", *graph.inputs(operation), axis=operation.get_attributes()["axis"])


def _convolution(graph: Graph, operation: ov.Node) -> str:
    return graph.add("Conv", *graph.inputs(operation), **_window(operation, "strides", "dilations"))


def _grouped_convolution(graph: Graph, operation: ov.Node) -> str:
    source, kernel = operation.input_values()
    groups = kernel.get_shape()[0]
    weights = graph.constant(merged(values(kernel))) if is_constant(kernel) else graph.name(kernel)
    return graph.add("Conv", graph.name(source), weights, group=groups, **_window(operation, "strides", "dilations"))


def merged(array: np.ndarray) -> np.ndarray:
    """Weights, or what multiplies them, of grouped channels [G, O, ...] as ONNX has them, [GO, ...]."""
    return array.reshape(-1, *array.shape[2:])


def _maximum(graph: Graph, operation: ov.Node) -> str:
    window = _window(operation, "kernel", "strides", "dilations")
    return graph.add("MaxPool", *graph.inputs(operation), **window, **_rounding(operation))


def _average(graph: Graph, operation: ov.Node) -> str:
    window, padding = _window(operation, "kernel", "strides"), not operation.get_attributes()["exclude-pad"]
    return graph.add(
        "AveragePool", *graph.inputs(operation), count_include_pad=int(padding), **window, **_rounding(operation)
    )


def _window(operation: ov.Node, *names: str) -> dict[str, Any]:
    """The attributes of what moves over an image."""
    settings = operation.get_attributes()
    if settings["auto_pad"] != "explicit":
        raise NoCounterpart("padding that follows from the image")
    called = {"kernel": "kernel_shape"}
    window = {called.get(name, name): list(settings[name]) for name in names}
    return window | {"pads": [*settings["pads_begin"], *settings["pads_end"]]}


def _rounding(operation: ov.Node) -> dict[str, int]:
    return {"ceil_mode": int(operation.get_attributes()["rounding_type"] != "floor")}


def _mean(graph: Graph, operation: ov.Node) -> str:
    source, axes = operation.input_values()
    keep = int(operation.get_attributes()["keep_dims"])
    return graph.add("ReduceMean", graph.name(source), axes=values(axes).ravel().tolist(), keepdims=keep)


def _transpose(graph: Graph, operation: ov.Node) -> str:
    source, order = operation.input_values()
    return graph.add("Transpose", graph.name(source), perm=values(order).tolist())


def _gather(graph: Graph, operation: ov.Node) -> str:
    source, places, axis = operation.input_values()
    return graph.add("Gather", graph.name(source), graph.name(places), axis=int(values(axis)))


def _concat(graph: Graph, operation: ov.Node) -> str:
    return graph.add("Concat", *graph.inputs(operation), axis=operation.get_attributes()["axis"])


OPERATIONS: dict[str, Callable[[Graph, ov.Node], str]] = {
    **dict.fromkeys(SAME, _same),
    "AvgPool": _average,
    "Concat": _concat,
    "Convolution": _convolution,
    "Gather": _gather,
    "Gelu": _gelu,
    "GroupConvolution": _grouped_convolution,
    "MatMul": _product,
    "MaxPool": _maximum,
    "ReduceMean": _mean,
    "ScaledDotProductAttention": _attention,
    "SoftMax": _softmax,
    "Softmax": _softmax,
    "Transpose": _transpose,
}
