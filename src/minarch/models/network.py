"""What every network is: built from a structural spec, which it can tell at any time."""

from collections import deque
from collections.abc import Iterator
from typing import ClassVar

from torch import Tensor, nn

from minarch.models.families import Spec


class Network(nn.Module):
    """A classifier of images that knows its structure. Shapes: B images, [C, H, W] one image, K classes.

    A user's network may be any torch.nn.Module with these two methods; `minarch.models.build.checked` tries them.
    """

    def forward(self, images: Tensor) -> Tensor:
        """Normalised images [B, C, H, W] -> logits [B, K]."""
        raise NotImplementedError

    def spec(self) -> Spec:
        """The structure as it is now, read off the weights: what `minarch.models.build.build` makes such a one from."""
        raise NotImplementedError


class LayeredNetwork(Network):
    """A network of layers one after the other, and a head that reads what the last of them gives.

    Of the first layers alone, a head of the same kind makes a network of the same family (docs/methods.md 3.1).
    """

    HEAD: ClassVar[tuple[str, ...]]  # names of the modules that `read` goes through

    def layers(self, images: Tensor) -> Iterator[Tensor]:
        """Normalised images [B, C, H, W] -> the values before the first layer, then those after each layer."""
        raise NotImplementedError

    def read(self, values: Tensor) -> Tensor:
        """Values after the last layer -> logits [B, K]."""
        raise NotImplementedError

    def forward(self, images: Tensor) -> Tensor:
        (values,) = deque(self.layers(images), maxlen=1)  # those of the last layer; nothing holds those before
        return self.read(values)
