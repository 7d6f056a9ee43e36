"""From a network to OpenVINO IR: usable alone (raw uint8 pixels in, logits out), the same bytes every time."""

import re
import warnings
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from minarch.errors import UserError, one_line
from minarch.quantization.preprocessing import KEY, Preprocessing
from minarch.quantization.storage import settle_names, share_constants
from minarch.quiet import openvino as ov

from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder  # isort: skip - minarch.quiet comes first

import nncf.torch  # noqa: F401, isort: skip - the converter imports it anyway; here a fork server pays for it once

BETWEEN_TAGS = re.compile(r">\s+<")


class Deployed(nn.Module):
    """The network with its preprocessing: uint8 [B, C, H, W] -> logits [B, K].

    `mean` and `std` [C] normalise the pixels, in pixel units.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: nn.Module, mean: Tensor, std: Tensor) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", mean[:, None, None])
        self.register_buffer("std", std[:, None, None])
        self.eval()

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.network((images.float() - self.mean) / self.std)
        return logits


def export(deployed: Deployed, shape: Sequence[int], name: str) -> ov.Model:
    """The network as an OpenVINO model with input "images" (uint8 [?, C, H, W]) and output "logits" (float32 [?, K]).

    Args:
        shape: of an image, [C, H, W].
        name: of the architecture, for the error.

    Raises:
        UserError: OpenVINO has no counterpart of an operator.
    """
    example = torch.zeros(2, *shape, dtype=torch.uint8)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the converter traces by torch.jit, which is deprecated
            traced = TorchScriptPythonDecoder(deployed, example_input=example, trace_kwargs={"check_trace": False})
            model = ov.convert_model(traced, example_input=example, input=[-1, *shape])
    except Exception as error:  # the converter has errors of its own
        reason = one_line(str(error).rpartition("Summary:")[2])
        raise UserError(f"{name}: OpenVINO refuses it ({reason}); allowed: operators that OpenVINO has") from None
    model.input().set_names({"images"})
    model.output().set_names({"logits"})
    settle_names(model)
    return model


def save(model: ov.Model, path: Path, preprocessing: Preprocessing) -> None:
    """Write `path` (.xml) and the .bin beside it, with the weights' own precision (no silent FP16).

    The graph is text: what tools say of themselves, indentation and repeated constants are left out of it.
    """
    model = model.clone()
    settle_names(model)
    share_constants(model)
    for name in list(model.rt_info):
        del model.rt_info[name]
    model.set_rt_info(preprocessing.text(), [KEY])
    ov.save_model(model, path, compress_to_fp16=False)
    path.write_text(BETWEEN_TAGS.sub("><", path.read_text()))
