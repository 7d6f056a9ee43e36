"""An ONNX model for one image: every shape is a number, and what follows from constants is a constant."""

from collections.abc import Sequence

import numpy as np
import onnx
from onnx import helper, numpy_helper, shape_inference
from onnx.reference import ReferenceEvaluator

STORED_AS_INTEGERS = "DequantizeLinear"  # of constants: their integers are what is kept


def for_one_image(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy whose batch is one image, without what the model says of itself.

    What it says are the names of classes, and a generator may write them wherever it likes.
    """
    model = onnx.ModelProto.FromString(model.SerializeToString())
    del model.metadata_props[:]
    for end in (*model.graph.input, *model.graph.output):
        batch = end.type.tensor_type.shape.dim[0]
        batch.Clear()
        batch.dim_value = 1
    model = shape_inference.infer_shapes(model, data_prop=True)
    shapes = shapes_of(model)
    known = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    nodes = []
    for node in model.graph.node:
        shape = shapes.get(node.input[0]) if node.op_type == "Shape" else None
        if shape is not None and all(shape):
            known[node.output[0]] = np.array(shape, np.int64)
        elif node.op_type != STORED_AS_INTEGERS and all(name in known for name in node.input):
            known[node.output[0]] = _value(node, known, model.opset_import)
        else:
            nodes.append(node)
    return with_nodes(model, nodes, known)


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
