"""Weights of linear layers at 4 bits, activations float: NNCF's weight compression, for which OpenVINO has kernels."""

import io
from contextlib import redirect_stdout

from minarch.errors import UserError
from minarch.quiet import nncf
from minarch.quiet import openvino as ov

MODES = {"int4": nncf.CompressWeightsMode.INT4_SYM, "nf4": nncf.CompressWeightsMode.NF4}
TYPES = (ov.Type.i4, ov.Type.nf4)


def compress(model: ov.Model, precision: str, name: str) -> ov.Model:
    """A copy whose linear layers, every one, have weights at `precision` ("int4" or "nf4"), symmetric, one scale per
    output channel; nothing is calibrated. Convolutions stay float.

    Args:
        name: of the architecture, for the error.

    Raises:
        UserError: there is no linear layer.
    """
    with redirect_stdout(io.StringIO()):  # progress bars
        compressed = nncf.compress_weights(
            model.clone(),
            mode=MODES[precision],
            ratio=1.0,
            group_size=-1,
            all_layers=True,
            backup_mode=nncf.BackupMode.NONE,
        )
    if not any(operation.get_element_type() in TYPES for operation in compressed.get_ops() if not operation.inputs()):
        raise UserError(
            f"quantize: precision {precision!r} is not allowed for {name}, it has no linear layer; allowed: int8"
        )
    return compressed
