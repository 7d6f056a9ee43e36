"""Loss and accuracy of a network on a split."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from minarch.data.tensors import Split


@dataclass(frozen=True)
class Evaluation:
    """Mean cross-entropy in nats (not finite if the network diverged), share of right predictions, the predictions
    int64 [N].
    """

    loss: float
    accuracy: float
    predictions: Tensor


@torch.no_grad()
def evaluate(model: nn.Module, split: Split, batch_size: int = 1024) -> Evaluation:
    """Evaluate in the network's evaluation mode and leave its mode as it was."""
    was_training = model.training
    model.eval()
    loss = torch.zeros((), dtype=torch.float64, device=split.labels.device)
    right = torch.zeros((), dtype=torch.int64, device=split.labels.device)
    predictions = []
    for start in range(0, len(split), batch_size):
        part = slice(start, start + batch_size)
        logits = model(split.batch(part))
        labels = split.labels[part]
        loss += functional.cross_entropy(logits, labels, reduction="sum")
        right += is_right(logits, logits.gather(1, labels[:, None])).sum()
        predictions.append(logits.argmax(1))
    model.train(was_training)
    return Evaluation(float(loss) / len(split), int(right) / len(split), torch.cat(predictions))


def is_right(logits: Tensor, own: Tensor) -> Tensor:
    """Whether the true class alone scores highest, so that a tie or NaN is never right: logits [B, K] or [R, K, B] and
    those of the true classes [B, 1] or [R, 1, B] -> bool [B] or [R, B]. Several times faster than argmax.
    """
    return (logits >= own).sum(1) == 1
