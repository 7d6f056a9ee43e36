"""From a network to OpenVINO IR: float32, usable alone (raw uint8 pixels in, logits out), the same bytes every time."""

import re
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from minarch.quiet import openvino as ov

import nncf.torch  # noqa: F401, isort: skip - the converter imports it anyway; here a fork server pays for it once

AUTOMATIC_NAME = re.compile(r"[A-Za-z]+_\d+")  # operation type and a counter of the whole process


class Deployed(nn.Module):
    """The network with its preprocessing: uint8 [B, C, H, W] -> logits [B, K]."""

    mean: Tensor
    std: Tensor

    def __init__(self, network: nn.Module, mean: Tensor, std: Tensor) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", mean[:, None, None])
        self.register_buffer("std", std[:, None, None])

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.network((images.float() - self.mean) / self.std)
        return logits


def export(network: nn.Module, mean: Tensor, std: Tensor) -> ov.Model:
    """The network as an OpenVINO model with input "images" (uint8 [?, C, H, W]) and output "logits" (float32 [?, K]).

    `mean` and `std` [C] normalise the pixels, in pixel units.
    """
    shape = network.spec()["shape"]  # type: ignore[operator]
    example = torch.zeros(2, *shape, dtype=torch.uint8)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=DeprecationWarning)  # the converter traces by torch.jit
        model = ov.convert_model(Deployed(network, mean, std).eval(), example_input=example, input=[-1, *shape])
    model.input().set_names({"images"})
    model.output().set_names({"logits"})
    return model


def save(model: ov.Model, path: Path) -> None:
    """Write `path` (.xml) and the .bin beside it, with the weights' own precision (no silent FP16)."""
    model.set_friendly_name("minarch")
    for position, operation in enumerate(model.get_ordered_ops()):
        if AUTOMATIC_NAME.fullmatch(operation.get_friendly_name()):
            operation.set_friendly_name(f"{operation.get_type_name()}_{position}")
    ov.save_model(model, path, compress_to_fp16=False)
