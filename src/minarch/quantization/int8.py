"""INT8 post-training quantization with NNCF, of an OpenVINO model or of a torch network; weights per channel.

Processors without VNNI add two products of 8-bit values in 16 bits, and cut what does not fit. A model for any
processor has weights of 7 bits, whose products fit: 2 * 255 * 64 < 2**15. Its products of two activations stay float.
"""

import io
from contextlib import redirect_stdout
from typing import Any

import torch
from torch import Tensor, nn

from minarch.errors import UserError
from minarch.quantization import Target, shortcuts  # noqa: F401
from minarch.quiet import nncf
from minarch.quiet import openvino as ov

from nncf.quantization.advanced_parameters import QuantizationParameters  # isort: skip
from nncf.quantization.algorithms.min_max.torch_backend import PTMinMaxAlgoBackend  # isort: skip
from nncf.torch.function_hook import get_hook_storage  # isort: skip - minarch.quiet comes first
from nncf.torch.graph import operator_metatypes  # isort: skip
from nncf.torch.quantization import extensions  # isort: skip
from nncf.torch.quantization.layers import BaseQuantizer  # isort: skip
from nncf.torch.quantization.reference import torch_executor  # isort: skip

OVERFLOW: dict[Target, nncf.OverflowFix] = {"any": nncf.OverflowFix.ENABLE, "vnni": nncf.OverflowFix.DISABLE}
# Else what a depthwise convolution reads has a scale for each channel, which few other runtimes know.
PER_TENSOR = QuantizationParameters(per_channel=False)
# NNCF takes the statistics of each image of a batch, and averages batches as if they were equally large.
AT_ONCE = 32  # at most so many calibration images are computed together
OF_ACTIVATIONS = ["ScaledDotProductAttention", "scaled_dot_product_attention", "matmul", "__matmul__", "bmm", "baddbmm"]


class Reference:
    """NNCF's quantizers as plain torch operations, which it falls back to itself where there is no compiler."""

    Quantize_forward = torch_executor.forward
    Quantize_backward = torch_executor.backward


extensions.QuantizedFunctionsCPU._loaded_namespace = Reference  # else the first use compiles C++ for half a minute

WHERE_SUMS_OVERFLOW = PTMinMaxAlgoBackend.overflow_fix_metatypes.fget


def overflowing(backend: PTMinMaxAlgoBackend) -> list[Any]:
    """The layers whose weights have 7 bits for any processor: in NNCF's torch backend, unlike that of OpenVINO,
    depthwise convolutions are not among them.
    """
    return [*WHERE_SUMS_OVERFLOW(backend), operator_metatypes.PTDepthwiseConv2dSubtype]


PTMinMaxAlgoBackend.overflow_fix_metatypes = property(overflowing)


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
    model: ov.Model | nn.Module,
    images: Tensor,
    *,
    preset: str,
    transformer: bool,
    target: Target,
    accurate: bool = False,
) -> Any:
    """A copy with weights and activations at INT8, activations in the ranges they take on `images`.

    Args:
        images: what the model takes, [N, C, H, W]: uint8, or normalised float32 where it is a network without
            preprocessing.
        preset: "performance" (symmetric) or "mixed" (activations asymmetric).
        transformer: adds what only attention needs (SmoothQuant); on other networks it costs accuracy.
        target: the processors that compute it: "any", or "vnni", which uses all 8 bits of the weights.
        accurate: correct biases layer by layer by running the quantized model; only of an OpenVINO model.
    """
    in_torch = isinstance(model, nn.Module)
    alone = in_torch or accurate or transformer or attends(model)  # accurate: NNCF takes a share of the samples
    at_once = 1 if alone else max(n for n in range(1, AT_ONCE + 1) if len(images) % n == 0)
    samples = [batch if in_torch else batch.numpy() for batch in images.split(at_once)]
    with redirect_stdout(io.StringIO()):  # progress bars
        quantized = nncf.quantize(
            model,
            nncf.Dataset(samples),
            preset=nncf.QuantizationPreset(preset),
            subset_size=len(samples),
            fast_bias_correction=not accurate,
            model_type=nncf.ModelType.TRANSFORMER if transformer else None,
            ignored_scope=products_of_activations(model) if target == "any" else None,
            advanced_parameters=advanced(model, target, accurate, batchwise_statistics=at_once > 1),
        )
    if in_torch and target == "any":
        _keep_half(quantized)
    return quantized


def advanced(
    model: ov.Model | nn.Module, target: Target, accurate: bool, **more: Any
) -> nncf.AdvancedQuantizationParameters:
    """NNCF's further settings, alike for all ways to INT8.

    Fast bias correction takes every map to be constant, which is wrong along its edges. In networks of depthwise
    convolutions, whose maps are small, it lost more than quantization itself, so that they go without (our inference).
    """
    return nncf.AdvancedQuantizationParameters(
        overflow_fix=OVERFLOW[target],
        activations_quantization_params=PER_TENSOR,
        disable_bias_correction=not accurate and filters_channels(model),
        **more,
    )


def filters_channels(model: ov.Model | nn.Module) -> bool:
    """Whether a model has convolutions of groups of channels, such as depthwise ones."""
    if isinstance(model, ov.Model):
        return any(operation.get_type_name() == "GroupConvolution" for operation in model.get_ops())
    return any(isinstance(module, nn.Conv2d) and module.groups > 1 for module in model.modules())


def products_of_activations(model: ov.Model | nn.Module) -> nncf.IgnoredScope:
    """The products that have no weights: NNCF gives both of their factors 8 bits."""
    names = []
    if isinstance(model, ov.Model):
        names = [
            operation.get_friendly_name()
            for operation in model.get_ops()
            if operation.get_type_name() == "MatMul"
            and all(factor.get_node().get_type_name() != "Constant" for factor in operation.input_values())
        ]
    return nncf.IgnoredScope(names=names, types=OF_ACTIVATIONS, validate=False)


def attends(model: ov.Model) -> bool:
    """Whether a model has attention, where NNCF cannot tell the images of a batch apart."""
    kinds = {operation.get_type_name() for operation in model.get_ops()}
    return not kinds.isdisjoint(OF_ACTIVATIONS) or bool(products_of_activations(model).names)


def _keep_half(network: nn.Module) -> None:
    """Bound weights to the half of their range that NNCF has put them in, so that training cannot lead out of it."""
    for _, quantizer in get_hook_storage(network).named_hooks():
        if isinstance(quantizer, BaseQuantizer) and quantizer.narrow_range:  # only of weights
            quantizer._half_range = True
            quantizer.scale.data /= 2
            quantizer.set_levels()
