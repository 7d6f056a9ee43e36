"""Vision transformers."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

from minarch.errors import UserError
from minarch.models.families.base import Layered, Spec


@dataclass(frozen=True, kw_only=True)
class Vit(Layered):
    """Vision transformer; `ffn` is the hidden width of the feed-forward part in multiples of `width`."""

    name: ClassVar[str] = "vit"
    network: ClassVar[str] = "minarch.models.vit:ViT"
    size: ClassVar[str] = "width"
    width: int
    heads: int
    patch: int
    ffn: int = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.width % self.heads:
            raise UserError(f"vit.width: {self.width} is not allowed, it must be a multiple of heads ({self.heads})")

    def spec(self, shape: Sequence[int], classes: int) -> Spec:
        if shape[1] % self.patch or shape[2] % self.patch:
            raise UserError(
                f"vit.patch: {self.patch} is not allowed, it must divide the image's {shape[1]}x{shape[2]} pixels"
            )
        return {
            "family": self.name,
            "shape": list(shape),
            "classes": classes,
            "patch": self.patch,
            "width": self.width,
            "head_size": self.width // self.heads,
            "heads": [self.heads] * self.depth,
            "ffn": [self.ffn * self.width] * self.depth,
        }

    def parameters(self, shape: Sequence[int], classes: int) -> int:
        width, hidden, tokens = self.width, self.ffn * self.width, self._tokens(shape)
        attention = 4 * width**2 + 3 * width  # query, key (which has no bias), value, output
        feed_forward = 2 * width * hidden + hidden + width
        block = 4 * width + attention + feed_forward  # two norms of 2 * width
        embedding = (shape[0] * self.patch**2 + 1) * width + width + tokens * width  # class token, positions
        return embedding + self.depth * block + 2 * width + (width + 1) * classes

    def macs(self, shape: Sequence[int], classes: int) -> int:
        tokens = self._tokens(shape)
        block = tokens * self.width * (4 * self.width + 2 * self.ffn * self.width + 2 * tokens)
        return prod(shape) * self.width + self.depth * block + self.width * classes

    def _tokens(self, shape: Sequence[int]) -> int:
        """Patches, and the class token."""
        return prod(shape[1:]) // self.patch**2 + 1
