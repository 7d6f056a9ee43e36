"""INT8 post-training quantization with NNCF, of an OpenVINO model or of a torch network; weights per channel."""

import io
from contextlib import redirect_stdout
from typing import Any

import torch
from torch import Tensor, nn

from minarch.errors import UserError
from minarch.quiet import nncf
from minarch.quiet import openvino as ov

from nncf.torch.quantization import extensions  # isort: skip - minarch.quiet comes first
from nncf.torch.quantization.reference import torch_executor  # isort: skip


class Reference:
    """NNCF's quantizers as plain torch operations, which it falls back to itself where there is no compiler."""

    Quantize_forward = torch_executor.forward
    Quantize_backward = torch_executor.backward


extensions.QuantizedFunctionsCPU._loaded_namespace = Reference  # else the first use compiles C++ for half a minute


def calibration_images(images: Tensor, count: int, seed: int) -> Tensor:
    """`count` of the (training!) images uint8 [N, C, H, W], drawn without replacement.

    Raises:
        UserError: there are not so many.
    """
    if count > len(images):
        raise UserError(
            f"quantize.calibration: {count} is not allowed, there are only {len(images)} training images;"
            f" allowed: 1 to {len(images)}"
        )
    return images[torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))[:count]]


def quantize_int8(
    model: ov.Model | nn.Module, images: Tensor, *, preset: str, transformer: bool, accurate: bool = False
) -> Any:
    """A copy with weights and activations at INT8, activations in the ranges they take on `images`.

    Args:
        images: what the model takes, [N, C, H, W]: uint8, or normalised float32 where it is a network without
            preprocessing.
        preset: "performance" (symmetric) or "mixed" (activations asymmetric).
        transformer: adds what only attention needs (SmoothQuant); on other networks it costs accuracy.
        accurate: correct biases layer by layer by running the quantized model; only of an OpenVINO model.
    """
    samples = [image[None] if isinstance(model, nn.Module) else image[None].numpy() for image in images]
    with redirect_stdout(io.StringIO()):  # progress bars
        return nncf.quantize(
            model,
            nncf.Dataset(samples),
            preset=nncf.QuantizationPreset(preset),
            subset_size=len(samples),
            fast_bias_correction=not accurate,
            model_type=nncf.ModelType.TRANSFORMER if transformer else None,
        )
