"""Whether an exported file computes what the network does: their logits on the same images."""

from typing import Any

import torch
from torch import Tensor, nn

from minarch.quantization.measure import agreement

FLOAT = 1e-4  # of the largest logit: rounding errors of float32, many times over
QUANTIZED = 5e-2  # of half of the images, see `parity`


@torch.no_grad()
def torch_logits(deployed: nn.Module, images: Tensor, batch_size: int = 256) -> Tensor:
    """Logits float32 [N, K] of a network with its preprocessing on images uint8 [N, C, H, W]."""
    return torch.cat([deployed(batch) for batch in images.split(batch_size)])


def parity(file: str, found: Tensor, expected: Tensor, *, quantized: bool = False) -> dict[str, Any]:
    """Share of equal predictions, and absolute differences of the logits [N, K] of a file and of its network: of each
    image the largest, of those the median and the largest.

    `bound`, a share of the largest logit (at least 1), is that of the largest one. Of `quantized` networks it is that
    of the median: where a value lies between two levels, rounding errors decide which it becomes, so that in a network
    of few units single images may differ by any amount. An exporter's bug would move them all.

    Raises:
        RuntimeError: the bound is exceeded, or there is no number: an exporter's bug is no result.
    """
    differences = (found - expected).abs().amax(1)
    typical, largest = float(differences.median()), float(differences.max())
    bound = (QUANTIZED if quantized else FLOAT) * max(1.0, float(expected.abs().max()))
    if not (typical if quantized else largest) <= bound:
        raise RuntimeError(
            f"{file} is not what was exported: logits differ {typical:g} (median), {largest:g} (most), bound {bound:g}"
        )
    return {
        "agreement": agreement(found.argmax(1), expected.argmax(1)),
        "median_difference": typical,
        "largest_difference": largest,
        "bound": bound,
    }
