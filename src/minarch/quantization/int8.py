"""INT8 post-training quantization of an OpenVINO model with NNCF."""

import io
from contextlib import redirect_stdout

import torch
from torch import Tensor

from minarch.quiet import nncf
from minarch.quiet import openvino as ov


def calibration_images(images: Tensor, count: int, seed: int) -> Tensor:
    """At most `count` of the (training!) images uint8 [N, C, H, W], drawn without replacement."""
    return images[torch.randperm(len(images), generator=torch.Generator().manual_seed(seed))[:count]]


def quantize_int8(model: ov.Model, images: Tensor, *, preset: str, transformer: bool) -> ov.Model:
    """Weights and activations to INT8, ranges from `images` uint8 [N, C, H, W].

    `preset`: "performance" (symmetric) or "mixed" (activations asymmetric). `transformer` adds what only attention
    needs (SmoothQuant); on other networks it costs accuracy.
    """
    samples = [image[None] for image in images.numpy()]
    with redirect_stdout(io.StringIO()):  # progress bars
        return nncf.quantize(
            model,
            nncf.Dataset(samples),
            preset=nncf.QuantizationPreset(preset),
            subset_size=len(samples),
            model_type=nncf.ModelType.TRANSFORMER if transformer else None,
        )
