"""How this processor multiplies INT8 values: exactly, or, without VNNI, with sums of two products cut at 16 bits."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from minarch.quantization.measure import core
from minarch.quiet import openvino as ov

PRODUCTS = ("MatMul", "Convolution", "GroupConvolution", "ScaledDotProductAttention")
LARGEST = np.finfo(np.float32).max


def in_float(model: ov.Model) -> ov.Model:
    """A copy of a model that computes every product in float32, of the same 8-bit values.

    OpenVINO's low precision does not go through the Minimum that stands before each factor here. Another stands before
    each quantization: of pixels that are normalised in one step with it, low precision takes the level below instead of
    the nearest one (2026.4.1).
    """
    model = model.clone()
    for operation in model.get_ordered_ops():
        kind = operation.get_type_name()
        # of attention: queries, keys and values, not the mask; of quantization what is quantized, not the range
        for value in operation.inputs()[: 3 if kind in PRODUCTS else 1 if kind == "FakeQuantize" else 0]:
            bounded = ov.opset1.minimum(value.get_source_output(), LARGEST)
            value.replace_source_output(bounded.output(0))
    return model


def float_logits(models: Sequence[ov.Model], images: Tensor, batch_size: int = 256) -> list[Tensor]:
    """The logits float32 [N, K] of models on images uint8 [N, C, H, W], every product in float32.

    They are compiled as one, each with an input of its own: of tiny models most of a compilation is the same for all.
    """
    copies = [in_float(model) for model in models]
    results = [result for model in copies for result in model.get_results()]
    together = ov.Model(results, [parameter for model in copies for parameter in model.get_parameters()], "in_float")
    run = core().compile_model(together, "CPU")
    parts = [run([batch.numpy()] * len(models)).values() for batch in images.split(batch_size)]
    return [torch.cat([torch.from_numpy(values) for values in of_model]) for of_model in zip(*parts, strict=True)]


@cache
def int8_kernel() -> tuple[str, bool]:
    """OpenVINO's name of the kernel that runs a convolution at INT8 here, which names the instruction set in effect,
    and whether the kernel saturates: where 2 * 255 * 127 does not fit.
    """
    pixels = ov.opset1.parameter([1, 8, 4, 4], ov.Type.f32)
    low, high = np.float32(0), np.float32(255)
    quantized = ov.opset1.fake_quantize(pixels, low, high, low, high, 256)
    integers = ov.opset1.convert(ov.op.Constant(np.full((8, 8, 1, 1), 127, np.int8)), "f32")
    weights = ov.opset1.multiply(integers, np.ones((8, 1, 1, 1), np.float32))
    product = ov.opset1.convolution(quantized, weights, [1, 1], [0, 0], [0, 0], [1, 1])
    compiled = core().compile_model(ov.Model([product], [pixels], "probe"), "CPU")
    layers = (operation.get_rt_info() for operation in compiled.get_runtime_model().get_ops())
    kernel = next(
        layer["primitiveType"].astype(str) for layer in layers if layer["layerType"].astype(str) == "Convolution"
    )
    (sums,) = compiled(np.full((1, 8, 4, 4), 255, np.float32)).values()
    return kernel, bool((sums < 0.99 * 8 * 255 * 127).any())


def processor() -> dict[str, Any]:
    """What timing.json says of this processor: its name, and its instructions in effect, which decide what INT8 takes
    and, where it saturates, what it computes.
    """
    kernel, saturated = int8_kernel()
    device = core().get_property("CPU", "FULL_DEVICE_NAME")
    return {"device": device, "threads": 1, "int8_kernel": kernel, "int8_saturates": saturated}


def saturates() -> bool:
    """Whether INT8 products saturate on this processor, with the instructions that OpenVINO may use of it."""
    return int8_kernel()[1]
