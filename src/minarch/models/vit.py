"""Vision transformer (pre-norm, class token, learned positions).

Shapes: B images, [C, H, W] one image, K classes, N tokens (patches + 1), D residual width, E heads, S head size,
F feed-forward units.
Written so that NNCF can see what may be cut: separate q/k/v layers with an explicit softmax(q k^T) v, and tokens folded
into the batch around the feed-forward layers (on [B, N, D] it finds nothing to prune).
"""

from collections.abc import Iterator, Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from minarch.models.families import Spec
from minarch.models.network import LayeredNetwork


class Block(nn.Module):
    """x + attention(norm(x)), then x + feed-forward(norm(x)), on tokens [B, N, D].

    A part is removed, its norm and layers None, if there are no heads or no feed-forward units. A block without both
    passes on what it takes.
    """

    def __init__(self, width: int, heads: int, head_size: int, ffn: int) -> None:
        super().__init__()
        self.head_size = head_size
        self.norm1 = nn.LayerNorm(width) if heads else None
        self.query = nn.Linear(width, heads * head_size) if heads else None
        # A bias of the keys adds the same to every score of a query: softmax ignores it, it would never get a gradient.
        self.key = nn.Linear(width, heads * head_size, bias=False) if heads else None
        self.value = nn.Linear(width, heads * head_size) if heads else None
        self.output = nn.Linear(heads * head_size, width) if heads else None
        self.norm2 = nn.LayerNorm(width) if ffn else None
        self.fc1 = nn.Linear(width, ffn) if ffn else None
        self.fc2 = nn.Linear(ffn, width) if ffn else None

    def forward(self, tokens: Tensor) -> Tensor:
        batch, count, width = tokens.shape
        if self.norm1 and self.query and self.key and self.value and self.output:
            normed = self.norm1(tokens)
            query, key, value = (  # [B, E, N, S]
                layer(normed).reshape(batch, count, -1, self.head_size).transpose(1, 2)
                for layer in (self.query, self.key, self.value)
            )
            attention = torch.matmul(query, key.transpose(2, 3)) * self.head_size**-0.5
            mixed = torch.matmul(attention.softmax(dim=3), value).transpose(1, 2)
            tokens = tokens + self.output(mixed.reshape(batch, count, -1))
        if self.norm2 and self.fc1 and self.fc2:
            folded = self.norm2(tokens).reshape(batch * count, width)
            change: Tensor = self.fc2(nn.functional.gelu(self.fc1(folded)))
            tokens = tokens + change.reshape(batch, count, width)
        return tokens

    @property
    def heads(self) -> int:
        """Attention heads, 0 if attention is removed."""
        return len(self.query.weight) // self.head_size if self.query else 0

    @property
    def ffn(self) -> int:
        """Feed-forward units, 0 if that part is removed."""
        return len(self.fc1.weight) if self.fc1 else 0


class ViT(LayeredNetwork):
    """Patches -> linear embedding + class token + positions -> blocks -> norm -> K logits read off the class token.

    `heads` and `ffn` have an entry for each block; 0 removes attention or the feed-forward part. A block that lost both
    stays in the lists, so that the others keep their names.
    """

    HEAD: ClassVar = ("norm", "classifier")

    def __init__(
        self,
        shape: Sequence[int],
        classes: int,
        patch: int,
        width: int,
        head_size: int,
        heads: Sequence[int],
        ffn: Sequence[int],
    ) -> None:
        super().__init__()
        channels, height, image_width = shape
        self.shape, self.head_size = tuple(shape), head_size
        self.embedding = nn.Conv2d(channels, width, kernel_size=patch, stride=patch)
        patches = (height // patch) * (image_width // patch)
        self.class_token = nn.Parameter(torch.empty(1, 1, width))
        self.positions = nn.Parameter(torch.empty(1, patches + 1, width))
        nn.init.trunc_normal_(self.class_token, std=0.02)
        nn.init.trunc_normal_(self.positions, std=0.02)
        self.blocks = nn.ModuleList(
            Block(width, count, head_size, units) for count, units in zip(heads, ffn, strict=True)
        )
        self.norm = nn.LayerNorm(width)
        self.classifier = nn.Linear(width, classes)

    def layers(self, images: Tensor) -> Iterator[Tensor]:
        patches = self.embedding(images).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.class_token.expand(images.shape[0], -1, -1), patches], dim=1) + self.positions
        yield tokens
        for block in self.blocks:
            tokens = block(tokens)
            yield tokens

    def read(self, values: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.norm(values[:, 0]))
        return logits

    def spec(self) -> Spec:
        """The structure as it is now, read off the weights."""
        blocks = [block for block in self.blocks if isinstance(block, Block)]
        return {
            "family": "vit",
            "shape": list(self.shape),
            "classes": len(self.classifier.weight),
            "patch": self.embedding.kernel_size[0],
            "width": len(self.embedding.weight),
            "head_size": self.head_size,
            "heads": [block.heads for block in blocks],
            "ffn": [block.ffn for block in blocks],
        }
