"""An ONNX model for one image: every shape is a number, and what follows from constants is a constant."""

import re
from collections.abc import Sequence

import numpy as np
import onnx
from onnx import helper, numpy_helper, shape_inference
from onnx.reference import ReferenceEvaluator

from minarch.c99 import NoSource

PIXELS, LOGITS = "images", "logits"
PLAIN, PLAIN_BYTES = re.compile(r"[A-Za-z0-9_.]*"), re.compile(rb"[A-Za-z0-9_.]*")
NUMBERS = {getattr(onnx.AttributeProto, name) for name in ("INT", "INTS", "FLOAT", "FLOATS")}
STORED_AS_INTEGERS = "DequantizeLinear"  # of constants: their integers are what is kept


def for_one_image(model: onnx.ModelProto, shape: Sequence[int], classes: int) -> onnx.ModelProto:
    """A copy whose batch is one image, with names of its own: a generator writes those of a model into its source.

    Args:
        shape: of an image, [C, H, W].

    Raises:
        NoSource: the model does not take such an image, or give so many logits; or a shape follows from values.
    """
    model = _with_plain_names(model)
    for end in (*model.graph.input, *model.graph.output):
        batch = end.type.tensor_type.shape.dim[0]
        batch.Clear()
        batch.dim_value = 1
    model = shape_inference.infer_shapes(model, data_prop=True)
    shapes = shapes_of(model)
    if (shapes[PIXELS], shapes[LOGITS]) != ((1, *shape), (1, classes)):
        raise NoSource(f"it is not a classifier of {classes} classes for images {list(shape)}")
    known = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    nodes = []
    for node in model.graph.node:
        if node.op_type == "Shape" and all(shapes.get(node.input[0], (0,))):
            known[node.output[0]] = np.array(shapes[node.input[0]], np.int64)
        elif node.op_type != STORED_AS_INTEGERS and all(name in known for name in node.input):
            known[node.output[0]] = _value(node, known, model.opset_import)
        else:
            nodes.append(node)
    made = with_nodes(model, nodes, known)
    shapes = shapes_of(made)
    for node in nodes:
        if not all(all(shapes.get(name, (0,))) for name in node.output):
            raise NoSource(f"the shape of what {node.op_type} gives is not known")
    return made


def _with_plain_names(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy without what a model says of itself, its tensors called PIXELS, LOGITS and numbers behind t.

    Raises:
        NoSource: it has other ends, or a name or an attribute that is no plain word or number.
    """
    graph = model.graph
    if len(graph.input) != 1 or len(graph.output) != 1:
        raise NoSource("it has other inputs and outputs than an image and logits")
    names = {"": "", graph.input[0].name: PIXELS, graph.output[0].name: LOGITS}
    made = [name for node in graph.node for name in node.output]
    for name in (*(tensor.name for tensor in graph.initializer), *made):
        names.setdefault(name, f"t{len(names)}")
    nodes = []
    for node in graph.node:
        if not all(PLAIN.fullmatch(text) for text in (node.op_type, node.domain)):
            raise NoSource("an operator of it has a name that is no plain word")
        copy = helper.make_node(node.op_type, [names[n] for n in node.input], [names[n] for n in node.output])
        copy.domain = node.domain
        copy.attribute.extend(_plain(entry) for entry in node.attribute)
        nodes.append(copy)
    ends = [onnx.ValueInfoProto.FromString(end.SerializeToString()) for end in (graph.input[0], graph.output[0])]
    for end in ends:
        end.name = names[end.name]
    weights = ((names[tensor.name], numpy_helper.to_array(tensor)) for tensor in graph.initializer)
    tensors = [numpy_helper.from_array(values, name) for name, values in weights]
    plain = helper.make_graph(nodes, "minarch", ends[:1], ends[1:], tensors)
    return helper.make_model(plain, opset_imports=model.opset_import, ir_version=model.ir_version)


def _plain(attribute: onnx.AttributeProto) -> onnx.AttributeProto:
    """An attribute of numbers, or of a plain word.

    Raises:
        NoSource: it is another one.
    """
    value = helper.get_attribute_value(attribute)
    if attribute.type == onnx.AttributeProto.TENSOR:
        value = numpy_helper.from_array(numpy_helper.to_array(value))
    number = attribute.type == onnx.AttributeProto.TENSOR or attribute.type in NUMBERS
    word = isinstance(value, bytes) and PLAIN_BYTES.fullmatch(value)
    if not PLAIN.fullmatch(attribute.name) or not (number or word):
        raise NoSource("an operator of it has an attribute that is no number and no plain word")
    return helper.make_attribute(attribute.name, value, attr_type=attribute.type)


def shapes_of(model: onnx.ModelProto) -> dict[str, tuple[int, ...]]:
    """The shapes of tensors by their names; 0 for a dimension that is not known."""
    values = (*model.graph.input, *model.graph.output, *model.graph.value_info)
    return {value.name: tuple(dim.dim_value for dim in value.type.tensor_type.shape.dim) for value in values}


def with_nodes(
    model: onnx.ModelProto, nodes: Sequence[onnx.NodeProto], constants: dict[str, np.ndarray]
) -> onnx.ModelProto:
    """A model of other nodes with the same ends: of the constants it holds those that a node reads."""
    read = {name for node in nodes for name in node.input}
    kept = [numpy_helper.from_array(value, name) for name, value in constants.items() if name in read]
    graph = helper.make_graph(nodes, model.graph.name, model.graph.input, model.graph.output, kept)
    made = helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)
    return shape_inference.infer_shapes(made, data_prop=True)


def _value(node: onnx.NodeProto, known: dict[str, np.ndarray], opsets: Sequence[onnx.OperatorSetIdProto]) -> np.ndarray:
    """What a node computes of constants."""
    output = helper.make_tensor_value_info(node.output[0], onnx.TensorProto.UNDEFINED, None)
    graph = helper.make_graph(
        [node], "constant", [], [output], [numpy_helper.from_array(known[n], n) for n in node.input]
    )
    (value,) = ReferenceEvaluator(helper.make_model(graph, opset_imports=opsets)).run(None, {})
    return np.asarray(value)
