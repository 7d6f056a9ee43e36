"""Trainable parameters at reduced precision, SIMULATED: rounded to what few bits can hold, kept and run as float32.

Weights and biases only, after training, no calibration, activations untouched: our inference of "reduced numeric
precision of the trainable parameters". Shapes: S scales, V values that share one.
"""

from copy import copy
from string import ascii_lowercase

import torch
from torch import Tensor, nn

from minarch.errors import UserError
from minarch.quantization import PRECISIONS, SCHEMES

CASTS = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}  # without a scale
FP8 = torch.float8_e4m3fn
BITS = {name: int(name.lstrip(ascii_lowercase)) for name in PRECISIONS}  # per value, as their names say
SCALE_BITS = 32


def rounded(weight: Tensor, precision: str, scheme: str) -> Tensor:
    """Quantize and dequantize: the nearest values of that precision, in the shape and type of `weight`.

    With top the largest magnitude that shares a scale: intB is symmetric and uniform, (2^B - 1) multiples of
    top / (2^(B-1) - 1), half to even; int1 is sign x mean magnitude, zero counting as positive; fp8 is E4M3 with top at
    its largest value, 448; fp32, fp16 and bf16 are casts (too large for fp16: infinite). Arithmetic in float64.

    Raises:
        UserError: no such precision or scheme.
    """
    _check(precision, scheme)
    if precision in CASTS:
        return weight.detach().to(CASTS[precision]).to(weight.dtype)
    values = _sharing(weight.detach(), scheme).double()
    if precision == "int1":
        nearest = torch.where(values < 0, -1.0, 1.0) * values.abs().mean(1, keepdim=True)
    else:
        top = values.abs().amax(1, keepdim=True)
        top = top.where(top > 0, 1.0)  # nothing but zeros: they stay
        # The product is exact (24 and 7 bits), and no quotient of such numbers is within a float64's rounding of half a
        # step without being that, so ties of integers are those of exact arithmetic on every processor.
        if precision == "fp8":
            largest = torch.finfo(FP8).max
            nearest = (values * largest / top).float().to(FP8).double() * top / largest
        else:
            steps = 2 ** (BITS[precision] - 1) - 1
            nearest = (values * steps / top).round() * top / steps
    return nearest.to(weight.dtype).view_as(weight)


@torch.no_grad()
def reduced(network: nn.Module, precision: str, scheme: str) -> nn.Module:
    """A copy whose every trainable parameter is `rounded`; buffers, such as a batch norm's statistics, are shared.

    A deep copy of a tiny network would take as long as its evaluation.

    Raises:
        UserError: no such precision or scheme.
    """
    twin = copy(network)
    twin._parameters = {
        name: None if parameter is None else nn.Parameter(rounded(parameter, precision, scheme))
        for name, parameter in network._parameters.items()
    }
    twin._modules = {
        name: None if child is None else reduced(child, precision, scheme) for name, child in network._modules.items()
    }
    return twin


def size_bits(network: nn.Module, precision: str, scheme: str) -> int:
    """Bits to store the trainable parameters: every value, and 32 for each scale.

    Raises:
        UserError: no such precision or scheme.
    """
    _check(precision, scheme)
    scale = 0 if precision in CASTS else SCALE_BITS
    return sum(p.numel() * BITS[precision] + len(_sharing(p, scheme)) * scale for p in network.parameters())


def _sharing(weight: Tensor, scheme: str) -> Tensor:
    """The values as [S, V]; a tensor of fewer than two dimensions (bias, norm) always shares one scale."""
    return weight.flatten(1) if scheme == "channel" and weight.dim() > 1 else weight.reshape(1, -1)


def _check(precision: str, scheme: str) -> None:
    for field, value, allowed in (("precision", precision, PRECISIONS), ("scheme", scheme, SCHEMES)):
        if value not in allowed:
            raise UserError(f"{field}: {value!r} is not allowed; allowed: {', '.join(allowed)}")
