"""Parity: an exported file computes what the network does, and this processor what the file says.

Both compare logits on the same images. An exporter's bug shows in the file's own values, whatever multiplies them: of
INT8 it is looked for in float arithmetic, and only what is left is this processor's.
"""

from typing import Any

import torch
from torch import Tensor, nn

from minarch.quantization import Target
from minarch.quantization.arithmetic import saturates
from minarch.quantization.measure import agreement

FLOAT = 1e-4  # of the largest logit: rounding errors of float32, many times over
QUANTIZED = 5e-2  # of half of the images, see `_differences`
AMPLIFIED = 0.5  # of what quantization itself moved, see `processor_parity`


@torch.no_grad()
def torch_logits(deployed: nn.Module, images: Tensor, batch_size: int = 256) -> Tensor:
    """Logits float32 [N, K] of a network with its preprocessing on images uint8 [N, C, H, W]."""
    return torch.cat([deployed(batch) for batch in images.split(batch_size)])


def parity(file: str, logits: Tensor, expected: Tensor, *, quantized: bool = False) -> dict[str, Any]:
    """The differences between the logits [N, K] of a file and of its network; an INT8 file's are in float arithmetic.

    Raises:
        RuntimeError: the bound is exceeded, or there is no number: an exporter's bug is no result.
    """
    record, within = _differences(logits, expected, quantized)
    if not within:
        raise RuntimeError(f"{file} is not what was exported: {_words(record)}")
    return record


def processor_parity(
    file: str, logits: Tensor, expected: Tensor, unquantized: Tensor, target: Target
) -> dict[str, Any]:
    """The differences between the logits [N, K] of an INT8 file as this processor runs it and in float arithmetic.

    Where OpenVINO fuses a residual sum, values come out a level higher or lower, and a deep network amplifies that as
    it amplifies the rounding of quantization. So the bound is at least a share of the median by which quantization
    moved the logits, away from the `unquantized` ones [N, K] (our inference).
    `saturated` where they exceed the bound because INT8 products do not fit in 16 bits here: that is a result of a file
    for processors with VNNI.

    Raises:
        RuntimeError: the bound is exceeded otherwise: by a file for any processor, or where products do fit.
    """
    moved = _largest(expected, unquantized).median()
    record, within = _differences(logits, expected, quantized=True, least=AMPLIFIED * float(moved))
    if not within and not saturates():
        raise RuntimeError(f"{file} is not what this processor computes, though its products fit: {_words(record)}")
    if not within and target == "any":
        raise RuntimeError(f"{file} is for any processor, but its products saturate on this one: {_words(record)}")
    return record | {"saturated": not within}


def _largest(logits: Tensor, expected: Tensor) -> Tensor:
    """The largest absolute difference [N] of each image's logits [N, K]."""
    return (logits - expected).abs().amax(1)


def _differences(logits: Tensor, expected: Tensor, quantized: bool, least: float = 0.0) -> tuple[dict[str, Any], bool]:
    """Share of equal predictions, and absolute differences of the logits: of each image the largest, of those the
    median and the largest; and whether they are within the bound.

    `bound`, a share of the largest logit (at least 1) and not below `least`, is that of the largest one. Of `quantized`
    networks it is that of the median: where a value lies between two levels, rounding errors decide which it becomes,
    so that in a network of few units single images may differ by any amount. A bug, or saturation, would move them all.
    """
    differences = _largest(logits, expected)
    typical, largest = float(differences.median()), float(differences.max())
    bound = max(least, (QUANTIZED if quantized else FLOAT) * max(1.0, float(expected.abs().max())))
    record = {
        "agreement": agreement(logits.argmax(1), expected.argmax(1)),
        "median_difference": typical,
        "largest_difference": largest,
        "bound": bound,
    }
    return record, (typical if quantized else largest) <= bound


def _words(record: dict[str, Any]) -> str:
    return "logits differ {median_difference:g} (median), {largest_difference:g} (most), bound {bound:g}".format(
        **record
    )
