"""An ONNX graph on its way from floats that are rounded (QDQ) to operators on integers (QOperator)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from minarch.c99.levels import Levels, levels_of
from minarch.c99.one_image import shapes_of, with_nodes

MICROSOFT = "com.microsoft"


@dataclass(frozen=True)
class Ending:
    """What follows a sum of products up to the next rounding.

    `bias`: [K], zeros where there is none. `levels`: what it is rounded to; None: it stays float. `name`: of the last
    tensor. `nodes`: those that are replaced.
    """

    bias: np.ndarray
    levels: Levels | None
    name: str
    nodes: list[onnx.NodeProto]


class Integers:
    """A graph in the making.

    Tensors of integers have names of their own; `levels` holds what the model's tensors of floats stand for.

    Args:
        model: for one image, shapes inferred.
    """

    def __init__(self, model: onnx.ModelProto) -> None:
        self.model, self.shapes = model, shapes_of(model)
        self.constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
        self.users: dict[str, list[onnx.NodeProto]] = {}
        for node in model.graph.node:
            for name in node.input:
                self.users.setdefault(name, []).append(node)
        self.levels: dict[str, Levels] = {}  # of tensors that the model has as floats
        self._rounded: dict[str, Levels] = {}  # tensor of integers -> its levels, where they are not the model's
        self._nodes: list[onnx.NodeProto] = []
        self._shown: list[onnx.ValueInfoProto] = []
        self._done: set[str] = set()  # outputs of nodes that are replaced, or already here

    def turned(self, operations: Mapping[str, "Operation"]) -> onnx.ModelProto:
        """The model in which `operations` by kind have put something in a node's place, or else the node stays."""
        for node in self.model.graph.node:
            if node.output[0] not in self._done:
                turn = operations.get(node.op_type)
                if turn is None or not turn(self, node):
                    self.keep(node)
        opsets = [*self.model.opset_import, helper.make_opsetid(MICROSOFT, 1)]
        self.model.ClearField("opset_import")
        self.model.opset_import.extend(opsets)
        made = with_nodes(self.model, self._nodes, self.constants)
        inferred = {value.name for value in made.graph.value_info}
        ends = {value.name for value in made.graph.output}
        made.graph.value_info.extend(v for v in self._shown if v.name not in inferred | ends)
        return made

    def constant(self, value: np.ndarray) -> str:
        name = f"minarch_{len(self.constants)}"
        self.constants[name] = value
        return name

    def scale(self, value: np.ndarray) -> str:
        return self.constant(value.astype(np.float32))

    def sole_user(self, name: str, kind: str) -> onnx.NodeProto | None:
        """The only node that reads a tensor, if it is of that kind."""
        users = self.users.get(name, [])
        return users[0] if len(users) == 1 and users[0].op_type == kind else None

    def activation(self, name: str) -> Levels | None:
        """The levels of a tensor that is computed; None where it has none."""
        levels = self.levels.get(name)
        return None if levels is None or levels.name in self.constants else levels

    def weights(self, name: str) -> Levels | None:
        """The levels of a constant whose zero point is 0; None where it has none."""
        levels = self.levels.get(name)
        return levels if levels is not None and levels.name in self.constants and levels.zero == 0 else None

    def given(self, node: onnx.NodeProto) -> Levels | None:
        """What DequantizeLinear says of its input; None where integer operators do not know it, as they do not know
        several scales of an activation.
        """
        name, scale, *zero = node.input
        if name in self._rounded:
            return self._rounded[name]
        if not all(constant in self.constants for constant in (scale, *zero)):
            return None
        kind = self.constants[name].dtype if name in self.constants else np.uint8
        zeros = self.constants[zero[0]] if zero else np.zeros((), kind)
        levels = levels_of(name, self.constants[scale], zeros, attributes(node).get("axis", 1))
        return levels if levels is not None and (levels.whole or name in self.constants) else None

    def ending(self, output: str, bias: np.ndarray, axis: int) -> Ending:
        """What follows the sums `output`, to which `bias` [K] is added already; K of them lie along `axis` < 0."""
        nodes: list[onnx.NodeProto] = []
        if adding := self.sole_user(output, "Add"):
            added = next((self.constants[name] for name in adding.input if name in self.constants), None)
            if added is not None and added.ndim >= -axis and added.size == added.shape[axis] == len(bias):
                bias, output = bias + added.ravel(), adding.output[0]
                nodes.append(adding)
        cut = self.sole_user(output, "Relu")
        rounding = self.sole_user(cut.output[0] if cut else output, "QuantizeLinear")
        if rounding is None:
            return Ending(bias, None, output, nodes)
        levels = self.rounding(rounding, positive=cut is not None)
        if levels is None:
            return Ending(bias, None, output, nodes)
        return Ending(bias, levels, rounding.output[0], [*nodes, *([cut] if cut else []), rounding])

    def rounding(self, node: onnx.NodeProto, *, positive: bool) -> Levels | None:
        """The levels that QuantizeLinear rounds to, in its output; None where integer operators do not know them, as
        they do not know several scales of an activation.

        Of what is `positive` no level stands for less than 0: levels below the zero point are left out, if they are
        not signed.
        """
        _, scale, zero = (*node.input, "")[:3]
        if scale not in self.constants or zero not in self.constants or self.constants[scale].size > 1:
            return None
        zeros = self.constants[zero]
        if positive and zeros.dtype != np.uint8:
            return None
        return levels_of(node.output[0], self.constants[scale], np.zeros_like(zeros) if positive else zeros)

    def add(self, kind: str, inputs: list[str], output: str, **named: Any) -> str:
        self._nodes.append(helper.make_node(kind, inputs, [output], **named))
        self._done.add(output)
        return output

    def show(self, name: str, kind: np.dtype, shape: tuple[int, ...]) -> None:
        """Say what a tensor is: of ONNX Runtime's operators ONNX does not know it."""
        self._shown.append(helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(kind), shape))

    def replaced(self, ending: Ending) -> None:
        """Note what stands for nodes that are left out."""
        self._done.update(node.output[0] for node in ending.nodes)
        if ending.levels is not None:
            self._rounded[ending.levels.name] = ending.levels

    def keep(self, node: onnx.NodeProto) -> None:
        """Leave a node as it is; what it reads as floats becomes floats."""
        for name in node.input:
            if name in self.levels and name not in self._done:
                levels = self.levels[name]
                zeros = np.full(levels.scale.shape, levels.zero)
                inputs = [levels.name, self.scale(levels.scale), self.constant(zeros)]
                self.add("DequantizeLinear", inputs, name, **({} if levels.whole else {"axis": levels.axis}))
        self._nodes.append(node)
        self._done.update(node.output)


Operation = Callable[[Integers, onnx.NodeProto], bool]  # whether something was put in a node's place


def attributes(node: onnx.NodeProto) -> dict[str, Any]:
    return {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
