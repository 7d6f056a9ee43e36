"""The storage of a graph: names that repeat, equal constants once, large float tables of a quantized one at 16 bits."""

import re

import numpy as np

from minarch.quiet import openvino as ov

AUTOMATIC_NAME = re.compile(r"[A-Za-z]+_\d+")  # operation type and a counter of the whole process
SHARED_BYTES = 256  # constants up to this size are stored once: limits of quantizers, shapes
HALVED_BYTES = 1024  # from this size on, half of the bytes is more than the text of the conversion


def settle_names(model: ov.Model) -> None:
    """Give operations without a name of their own one that does not depend on what the process did before."""
    model.set_friendly_name("minarch")
    for position, operation in enumerate(model.get_ordered_ops()):
        if operation.get_type_name() == "Constant" or AUTOMATIC_NAME.fullmatch(operation.get_friendly_name()):
            operation.set_friendly_name(f"{operation.get_type_name()}_{position}")


def share_constants(model: ov.Model) -> None:
    """Let small constants that are equal be one."""
    first: dict[tuple[str, tuple[int, ...], bytes], ov.Output] = {}
    for operation in model.get_ordered_ops():
        if operation.get_type_name() == "Constant" and operation.get_byte_size() <= SHARED_BYTES:
            kind = operation.get_element_type().get_type_name()
            output = operation.output(0)
            shared = first.setdefault((kind, tuple(output.shape), operation.data.tobytes()), output)
            if shared != output:
                _replace(output, shared)


def with_halved_tables(model: ov.Model) -> ov.Model:
    """A copy with large float32 constants that are added (positions, biases) as float16, converted back when loaded.

    They are what weights at 8 bits leave of the bytes; float16 rounds by at most 1/8 of what INT8 would. Weights that
    stay float are multiplied: those are left alone.
    """
    model = model.clone()
    for operation in model.get_ordered_ops():
        if operation.get_type_name() != "Constant" or operation.get_element_type() != ov.Type.f32:
            continue
        output = operation.output(0)
        added = all(target.get_node().get_type_name() == "Add" for target in output.get_target_inputs())
        if added and operation.get_byte_size() >= HALVED_BYTES:
            halves = operation.data.astype(np.float16)
            if np.isfinite(halves).all():
                _replace(output, ov.opset1.convert(ov.op.Constant(halves), "f32").output(0))
    return model


def _replace(output: ov.Output, by: ov.Output) -> None:
    """Let every user of one output use another."""
    for target in list(output.get_target_inputs()):
        target.replace_source_output(by)
