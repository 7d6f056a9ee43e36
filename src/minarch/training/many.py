"""Many networks on one split: images are converted once for all, so that a curve costs what its forward passes do."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from minarch.data.tensors import Split
from minarch.training.evaluate import is_right


@torch.no_grad()
def evaluate_all(networks: Sequence[nn.Module], split: Split, batch_size: int = 256) -> tuple[Tensor, Tensor]:
    """Mean cross-entropy (not finite if a network diverged) and share of right predictions, float64 [M] each, of M
    networks in evaluation mode; what minarch.training.evaluate gives one by one. Larger batches leave the caches.
    """
    loss = torch.zeros(len(networks), dtype=torch.float64)
    right = torch.zeros(len(networks), dtype=torch.float64)
    for start in range(0, len(split), batch_size):
        part = slice(start, start + batch_size)
        images, labels = split.batch(part), split.labels[part]
        for position, network in enumerate(networks):
            logits = network(images)
            loss[position] += functional.cross_entropy(logits, labels, reduction="sum")
            right[position] += is_right(logits, logits.gather(1, labels[:, None])).sum()
    return loss / len(split), right / len(split)
