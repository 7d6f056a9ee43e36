"""The vision transformer, forward and backward, for R repeats at once.

Shapes: R repeats, S = R batches of images or 1 that all share, B images [C, H, W], N tokens, M tokens that ask,
D residual width, E heads, Z head size, U feed-forward units, K classes. of_tokens is the gradient of tokens, and so on.
Only the class token is read: in the last block it alone asks and goes through the feed-forward part (M = 1), which
changes no result and saves most of that block.
"""

import torch
from torch import Tensor
from torch.nn import functional

from minarch.models.families import Spec
from minarch.training.stacked.parameters import Parameters
from minarch.training.stacked.products import Products

EPSILON = 1e-5  # torch's default of LayerNorm


def has_whole_blocks(spec: Spec) -> bool:
    """True if there are blocks and each has attention and feed-forward units; `Block` can lack neither."""
    return bool(spec["heads"]) and all([*spec["heads"], *spec["ffn"]])


class Linear:
    """Rows [R, T, in] -> [R, T, out]."""

    def __init__(self, parameters: Parameters, name: str, product: Products, bias: bool = True) -> None:
        self.weight, self.product = parameters[f"{name}.weight"], product
        self.bias = parameters[f"{name}.bias"] if bias else None
        self.rows = torch.empty(0)

    def forward(self, rows: Tensor) -> Tensor:
        self.rows = rows
        values = self.product(rows, self.weight.value.flatten(2).transpose(1, 2))
        return values if self.bias is None else values.add_(self.bias.value[:, None])

    def backward(self, gradient: Tensor, inputs: bool = True) -> Tensor:
        """The gradient of the rows (none if `inputs` is False)."""
        self.product(gradient.transpose(1, 2), self.rows, self.weight.grad.flatten(2))
        if self.bias is not None:
            torch.sum(gradient, 1, out=self.bias.grad)
        return self.product(gradient, self.weight.value) if inputs else gradient


class Norm:
    """LayerNorm of rows [R, T, D]."""

    def __init__(self, parameters: Parameters, name: str) -> None:
        self.weight, self.bias = parameters[f"{name}.weight"], parameters[f"{name}.bias"]
        self.rows = self.normed = self.mean = self.scale = torch.empty(0)

    def forward(self, rows: Tensor) -> Tensor:
        self.rows = rows
        self.normed, self.mean, self.scale = torch.native_layer_norm(rows, rows.shape[2:], None, None, EPSILON)
        return torch.addcmul(self.bias.value[:, None], self.normed, self.weight.value[:, None])

    def backward(self, gradient: Tensor) -> Tensor:
        torch.sum(gradient, 1, out=self.bias.grad)
        torch.sum(self.normed.mul_(gradient), 1, out=self.weight.grad)
        gradient = gradient * self.weight.value[:, None]
        shape = self.rows.shape[2:]
        of_rows: Tensor = torch.ops.aten.native_layer_norm_backward(
            gradient, self.rows, shape, self.mean, self.scale, None, None, [True, False, False]
        )[0]
        return of_rows


class Block:
    """Tokens [R, B, N, D] -> [R, B, M, D], M = N or, `last`, 1."""

    def __init__(self, parameters: Parameters, name: str, spec: Spec, product: Products, last: bool) -> None:
        self.norm1, self.norm2 = (Norm(parameters, f"{name}.norm{i}") for i in (1, 2))
        self.query, self.value, self.output, self.fc1, self.fc2 = (
            Linear(parameters, f"{name}.{part}", product) for part in ("query", "value", "output", "fc1", "fc2")
        )
        self.key = Linear(parameters, f"{name}.key", product, bias=False)
        self.head_size, self.product, self.last = spec["head_size"], product, last
        self.saved: tuple[Tensor, ...] = ()

    def forward(self, tokens: Tensor) -> Tensor:
        repeats, batch, _, width = tokens.shape
        normed = self.norm1.forward(tokens.flatten(1, 2))
        asking = self._asking(normed.view_as(tokens))
        query, key, value = (  # [RB, E, N or M, Z]
            self._heads(part.forward(rows), batch)
            for part, rows in ((self.query, asking), (self.key, normed), (self.value, normed))
        )
        scores = self.product(query, key.transpose(2, 3)).mul_(self.head_size**-0.5)
        attention = torch.softmax(scores, 3)
        mixed = torch.empty(repeats, asking.shape[1], query.shape[1] * self.head_size, device=tokens.device)
        self.product(attention, value, self._heads(mixed, batch))
        middle = self.output.forward(mixed).add_(self._asking(tokens))
        units = self.fc1.forward(self.norm2.forward(middle))
        self.saved = query, key, value, attention, units
        return self.fc2.forward(functional.gelu(units)).add_(middle).view(repeats, batch, -1, width)

    def backward(self, gradient: Tensor) -> Tensor:
        """The gradient of the tokens [R, B, N, D] from that of the result [R, B, M, D]."""
        query, key, value, attention, units = self.saved
        repeats, batch, asking, width = gradient.shape
        gradient = gradient.flatten(1, 2)
        of_units = torch.ops.aten.gelu_backward(self.fc2.backward(gradient), units)
        of_middle = self.norm2.backward(self.fc1.backward(of_units)).add_(gradient)
        of_mixed = self._heads(self.output.backward(of_middle), batch)
        of_query, of_key, of_value = (
            part.new_empty(repeats, batch * part.shape[2], part.shape[1] * part.shape[3])
            for part in (query, key, value)
        )
        self.product(attention.transpose(2, 3), of_mixed, self._heads(of_value, batch))
        of_scores = self.product(of_mixed, value.transpose(2, 3)).mul_(attention)
        of_scores.addcmul_(attention, of_scores.sum(3, keepdim=True), value=-1).mul_(self.head_size**-0.5)
        self.product(of_scores, key, self._heads(of_query, batch))
        self.product(of_scores.transpose(2, 3), query, self._heads(of_key, batch))
        of_normed = self.key.backward(of_key).add_(self.value.backward(of_value)).view(repeats, batch, -1, width)
        of_normed[:, :, :asking] += self.query.backward(of_query).view(repeats, batch, asking, width)
        of_tokens = self.norm1.backward(of_normed.flatten(1, 2)).view_as(of_normed)
        of_tokens[:, :, :asking] += of_middle.view(repeats, batch, asking, width)
        return of_tokens

    def _asking(self, tokens: Tensor) -> Tensor:
        """The rows [R, BM, D] of the tokens whose result is read."""
        return (tokens[:, :, :1] if self.last else tokens).flatten(1, 2)

    def _heads(self, rows: Tensor, batch: int) -> Tensor:
        """Rows [R, BN, EZ] as a view [RB, E, N, Z]."""
        return rows.view(len(rows) * batch, -1, rows.shape[2] // self.head_size, self.head_size).transpose(1, 2)


class StackedViT:
    """The gradients of minarch.models.vit.ViT."""

    def __init__(self, parameters: Parameters, spec: Spec, product: Products) -> None:
        self.shape, self.patch = spec["shape"], spec["patch"]
        self.embedding = Linear(parameters, "embedding", product)
        self.class_token, self.positions = parameters["class_token"], parameters["positions"]
        count = len(spec["heads"])
        self.blocks = [Block(parameters, f"blocks.{i}", spec, product, i == count - 1) for i in range(count)]
        self.norm = Norm(parameters, "norm")
        self.classifier = Linear(parameters, "classifier", product)

    def forward(self, images: Tensor) -> Tensor:
        """Images [S, B, CHW] -> logits [R, K, B]."""
        positions = self.positions.value
        repeats, batch, width = len(positions), images.shape[1], positions.shape[3]
        patches = self._patches(images).expand(repeats, -1, -1)
        tokens = torch.empty(repeats, batch, positions.shape[2], width, device=images.device)
        tokens[:, :, 0] = (self.class_token.value + positions[:, :, :1])[:, 0]
        embedded = self.embedding.forward(patches).view(repeats, batch, -1, width)
        torch.add(embedded, positions[:, :, 1:], out=tokens[:, :, 1:])
        for block in self.blocks:
            tokens = block.forward(tokens)
        return self.classifier.forward(self.norm.forward(tokens.flatten(1, 2))).transpose(1, 2)

    def backward(self, gradient: Tensor) -> None:
        """Gradients of all parameters from that of the logits [R, K, B]."""
        of_tokens = self.norm.backward(self.classifier.backward(gradient.transpose(1, 2)))[:, :, None]
        for block in reversed(self.blocks):
            of_tokens = block.backward(of_tokens)
        torch.sum(of_tokens, 1, keepdim=True, out=self.positions.grad)
        self.class_token.grad.copy_(self.positions.grad[:, :, :1])
        self.embedding.backward(of_tokens[:, :, 1:].flatten(1, 2), inputs=False)

    def _patches(self, images: Tensor) -> Tensor:
        """Images [S, B, CHW] -> rows [S, B(N-1), C patch patch], in the order of the embedding's weights."""
        depth, height, width = self.shape
        tiles = images.view(len(images), -1, depth, height // self.patch, self.patch, width // self.patch, self.patch)
        return tiles.permute(0, 1, 3, 5, 2, 4, 6).reshape(len(images), -1, depth * self.patch**2)
