"""Models as ONNX: the same inputs, outputs and metadata as in OpenVINO, the same bytes every time."""

import io
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch.onnx.errors import OnnxExporterError

from minarch.errors import UserError, one_line
from minarch.quantization.export import Deployed
from minarch.quantization.graph import OPSET, NoCounterpart
from minarch.quantization.preprocessing import KEY, Preprocessing
from minarch.quantization.turn import turned
from minarch.quiet import openvino as ov


def as_onnx(model: ov.Model, network: Deployed | None, preprocessing: Preprocessing, name: str) -> onnx.ModelProto:
    """The model with input "images" (uint8 [batch, C, H, W]) and output "logits" (float32 [batch, K]).

    It is turned from the OpenVINO model; where that has an operation without a counterpart, and torch knows the
    network, torch's exporter makes it. Quantized weights are stored as integers.

    Args:
        network: what the model was exported from; None: torch does not know it.
        name: of the architecture, for the error.

    Raises:
        NoCounterpart: an operation has none in ONNX, and torch does not know the network.
        UserError: ONNX has no counterpart of an operator of the network.
    """
    try:
        made = turned(model)
    except NoCounterpart:
        if network is None:
            raise
        made = traced(network, preprocessing.shape, name)
    made.metadata_props.add(key=KEY, value=preprocessing.text())
    return made


def stored_bytes(model: onnx.ModelProto) -> int:
    """Bytes of the values that a model holds: weights, tables and scales."""
    return sum(numpy_helper.to_array(tensor).nbytes for tensor in model.graph.initializer)


def traced(deployed: Deployed, shape: Sequence[int], name: str) -> onnx.ModelProto:
    """What torch's exporter makes of a network for images of a shape [C, H, W].

    Raises:
        UserError: ONNX has no counterpart of an operator.
    """
    example, file = torch.zeros(2, *shape, dtype=torch.uint8), io.BytesIO()
    try:
        with warnings.catch_warnings(), _without_output():
            warnings.simplefilter("ignore")  # the exporter traces by torch.jit, which is deprecated
            torch.onnx.export(
                deployed,
                (example,),
                file,  # type: ignore[arg-type]  # the tracing exporter takes a stream
                input_names=["images"],
                output_names=["logits"],
                dynamic_axes={"images": {0: "batch"}, "logits": {0: "batch"}},
                opset_version=OPSET,
                dynamo=False,  # the other one needs onnxscript
            )
    except OnnxExporterError as error:
        reason = one_line(error)
        raise UserError(f"{name}: ONNX refuses it ({reason}); allowed: operators that ONNX has") from None
    model = onnx.load_from_string(file.getvalue())
    inline_identities(model.graph)
    store_integers(model.graph)
    return model


def inline_identities(graph: onnx.GraphProto) -> None:
    """Let users of a constant's copies use the constant: the exporter writes equal zero points as copies of one."""
    constants = {constant.name for constant in graph.initializer}
    copies = [node for node in graph.node if node.op_type == "Identity" and node.input[0] in constants]
    original = {node.output[0]: node.input[0] for node in copies}
    for node in copies:
        graph.node.remove(node)
    for node in graph.node:
        for position, name in enumerate(node.input):
            node.input[position] = original.get(name, name)


def store_integers(graph: onnx.GraphProto) -> None:
    """Replace float weights that are quantized in the graph by the integers that come of it: a quarter of the bytes."""
    constants = {constant.name: constant for constant in graph.initializer}
    for node in [node for node in graph.node if node.op_type == "QuantizeLinear" and node.input[0] in constants]:
        weight, scale, zero = (numpy_helper.to_array(constants[name]) for name in node.input)
        axis = next((attribute.i for attribute in node.attribute if attribute.name == "axis"), 1)
        along = [-1 if dimension == axis else 1 for dimension in range(weight.ndim)] if scale.ndim else []
        levels = np.rint(weight / scale.reshape(along)) + zero.reshape(along)
        limits = np.iinfo(zero.dtype)
        integers = levels.clip(limits.min, limits.max).astype(zero.dtype)
        constants[node.input[0]].CopyFrom(numpy_helper.from_array(integers, node.output[0]))
        graph.node.remove(node)


@contextmanager
def _without_output() -> Iterator[None]:
    """Keep standard output from C++, too: of a network that it refuses, torch prints the whole graph."""
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)
