"""Plain convolutional network with ReLU. Shapes: B images, [C, H, W] one image, K classes."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import ClassVar

from torch import Tensor, nn
from torch.nn import functional

from minarch.models.families import Spec
from minarch.models.network import LayeredNetwork


class CNN(LayeredNetwork):
    """3x3 convolutions (stride 1, ReLU, no pooling) -> flatten -> K logits.

    The first convolution has no padding: alone it is the network of arXiv 2601.17987, with
    c(9C+1) + K(c(H-2)(W-2) + 1) parameters (6770c + 10 for 28x28x1). Further convolutions pad by 1, so that any depth
    fits any image (our choice).
    """

    HEAD: ClassVar = ("classifier",)

    def __init__(self, shape: Sequence[int], classes: int, channels: Sequence[int]) -> None:
        super().__init__()
        depth, height, width = shape
        self.shape = tuple(shape)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(before, after, kernel_size=3, padding=0 if position == 0 else 1)
            for position, (before, after) in enumerate(pairwise([depth, *channels]))
        )
        shrink = 2 ** (len(channels) - 1)
        self.classifier = nn.Linear(channels[-1] * ((height - 2) // shrink) * ((width - 2) // shrink), classes)

    def layers(self, images: Tensor) -> Iterator[Tensor]:
        yield images
        values = images
        for position, convolution in enumerate(self.convolutions):
            values = convolution(functional.max_pool2d(values, 2) if position else values).relu()
            yield values

    def read(self, values: Tensor) -> Tensor:
        logits: Tensor = self.classifier(values.flatten(1))
        return logits

    def spec(self) -> Spec:
        """The structure as it is now, read off the weights."""
        return {
            "family": "cnn",
            "shape": list(self.shape),
            "classes": len(self.classifier.weight),
            "channels": [len(convolution.get_parameter("weight")) for convolution in self.convolutions],
        }
