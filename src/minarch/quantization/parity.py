"""Whether an exported file computes what the network does: their logits on the same images."""

from typing import Any

import torch
from torch import Tensor, nn

from minarch.quantization.measure import agreement

FLOAT = 1e-4  # of the largest logit: rounding errors of float32, many times over
QUANTIZED = 5e-2  # where a value lies between two levels of a quantizer, rounding errors decide which it becomes


@torch.no_grad()
def torch_logits(deployed: nn.Module, images: Tensor, batch_size: int = 256) -> Tensor:
    """Logits float32 [N, K] of a network with its preprocessing on images uint8 [N, C, H, W]."""
    return torch.cat([deployed(batch) for batch in images.split(batch_size)])


def parity(file: str, found: Tensor, expected: Tensor, share: float = FLOAT) -> dict[str, Any]:
    """Share of equal predictions, the largest absolute difference of the logits [N, K] and its bound: `share` of the
    largest logit, which counts as at least 1.

    Raises:
        RuntimeError: the difference is above the bound (or not a number): an exporter's bug is no result.
    """
    largest = float((found - expected).abs().max())
    bound = share * max(1.0, float(expected.abs().max()))
    if not largest <= bound:
        raise RuntimeError(f"{file} is not what was exported: its logits differ by {largest:g}, the bound is {bound:g}")
    return {
        "agreement": agreement(found.argmax(1), expected.argmax(1)),
        "largest_difference": largest,
        "bound": bound,
    }
