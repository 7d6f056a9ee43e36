"""Ties between classes: with few levels many weights are equal, and so are sums of them, but for the last bits.

Those bits come from the order in which a processor adds, so a rule says what is equal (our inference).
"""

from torch import Tensor, nn

EQUAL = 1e-5  # of an image's largest logit; float32 sums of these networks were within 1e-6 of those of float64


def tied(logits: Tensor) -> Tensor:
    """Logits [B, K] whose runners-up within `EQUAL` times the largest magnitude of the image's highest equal it.

    A tie is never right (`minarch.training.evaluate`), whatever the order of the classes. Of an image whose logits are
    not finite all stay as they are.
    """
    highest = logits.amax(1, keepdim=True)
    tolerance = (EQUAL * logits.abs().amax(1, keepdim=True)).nan_to_num(posinf=0)
    return highest.where(highest - logits <= tolerance, logits)


class Tied(nn.Module):
    """A network whose logits are `tied`."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        return tied(self.network(images))
