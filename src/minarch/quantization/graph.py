"""An ONNX graph in the making, from the operations of an OpenVINO model."""

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from minarch.quiet import openvino as ov

OPSET, FORMAT = 17, 8  # the oldest that holds every operator of our families; runtimes know it since 2022


class NoCounterpart(Exception):
    """An operation of a model has no counterpart here, or not with its settings."""


class Graph:
    """Nodes, constants (equal ones once), and what the outputs of OpenVINO's operations are called here.

    Tensors are called by numbers: in a tiny network text outweighs the weights.
    """

    def __init__(self) -> None:
        self.names: dict[ov.Output, str] = {}
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[tuple[str, tuple[int, ...], bytes], onnx.TensorProto] = {}
        self._count = 0

    def add(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Append a node; the name of its output."""
        output = self._number()
        self._nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def constant(self, array: np.ndarray | np.generic) -> str:
        """The name of a constant, stored once."""
        array = np.asarray(array)
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._constants:
            self._constants[key] = numpy_helper.from_array(array, self._number())
        return self._constants[key].name

    def name(self, output: ov.Output) -> str:
        """What an output is called; a constant is stored when it is first used."""
        if output not in self.names:
            self.names[output] = self.constant(values(output))
        return self.names[output]

    def inputs(self, operation: ov.Node) -> list[str]:
        return [self.name(source) for source in operation.input_values()]

    def model(self, pixels: ov.Output, logits: ov.Output) -> onnx.ModelProto:
        """The finished graph with the input `pixels` (uint8) and the output `logits` (float32), called as in OpenVINO;
        a dimension that is not fixed is the batch.
        """
        before = self.names[logits.get_node().input_value(0)]
        for node in self._nodes:
            node.output[:] = [logits.get_any_name() if name == before else name for name in node.output]
        ends = (_end(pixels, TensorProto.UINT8), _end(logits, TensorProto.FLOAT))
        graph = helper.make_graph(self._nodes, "minarch", ends[:1], ends[1:], list(self._constants.values()))
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=FORMAT)

    def _number(self) -> str:
        self._count += 1
        return str(self._count)


def is_constant(output: ov.Output) -> bool:
    return output.get_node().get_type_name() == "Constant"


def values(output: ov.Output) -> np.ndarray:
    """The values of a constant.

    Raises:
        NoCounterpart: it is none, or of fewer than 8 bits, which ONNX has since opset 21 only.
    """
    if not is_constant(output):
        raise NoCounterpart(f"{output.get_node().get_type_name()} where a constant is needed")
    kind = output.get_element_type()
    if kind.get_bitwidth() < 8:
        raise NoCounterpart(f"values of type {kind.get_type_name()}")
    return np.ascontiguousarray(output.get_node().data).reshape(tuple(output.shape))


def _end(port: ov.Output, kind: int) -> onnx.ValueInfoProto:
    shape = [size.get_length() if size.is_static else "batch" for size in port.get_partial_shape()]
    return helper.make_tensor_value_info(port.get_any_name(), kind, shape)
