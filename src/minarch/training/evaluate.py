"""Loss and accuracy of networks on a split."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from minarch.data.tensors import Split


@dataclass(frozen=True)
class Evaluation:
    """Mean cross-entropy in nats (not finite if the network diverged), share of right predictions."""

    loss: float
    accuracy: float


def evaluate(model: nn.Module, split: Split) -> Evaluation:
    """Evaluate in the network's evaluation mode and leave its mode as it was."""
    was_training = model.training
    loss, accuracy = evaluate_all([model.eval()], split)
    model.train(was_training)
    return Evaluation(float(loss), float(accuracy))


@torch.no_grad()
def evaluate_all(networks: Sequence[nn.Module], split: Split, batch_size: int = 256) -> tuple[Tensor, Tensor]:
    """Loss and accuracy, float64 [M] each, of M networks in evaluation mode.

    Images are converted once for all, so that a curve costs what its forward passes do; larger batches leave the
    caches.
    """
    loss = torch.zeros(len(networks), dtype=torch.float64, device=split.labels.device)
    right = torch.zeros_like(loss)
    for start in range(0, len(split), batch_size):
        part = slice(start, start + batch_size)
        images, labels = split.batch(part), split.labels[part]
        for position, network in enumerate(networks):
            logits = network(images)
            loss[position] += functional.cross_entropy(logits, labels, reduction="sum")
            right[position] += is_right(logits, logits.gather(1, labels[:, None])).sum()
    return loss / len(split), right / len(split)


def is_right(logits: Tensor, of_label: Tensor) -> Tensor:
    """True where the true class alone scores highest, so that a tie or NaN is never right: logits [B, K] or [R, K, B]
    and those of the labels [B, 1] or [R, 1, B] -> bool [B] or [R, B]. Several times faster than argmax.
    """
    return (logits >= of_label).sum(1) == 1
