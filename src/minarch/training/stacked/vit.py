"""The vision transformer, forward and backward, for R repeats at once.

Shapes: R repeats, S = R batches of images or 1 that all share, B images [C, H, W], N tokens, M tokens that ask,
D residual width, E heads, Z head size, U feed-forward units, K classes. of_tokens is the gradient of tokens, and so on.
Only the class token is read: in the last attention it alone asks (M = 1) and goes on from there, which changes no
result and saves most of the last block. Without any attention it is alone from the start.
"""

import torch
from torch import Tensor
from torch.nn import functional

from minarch.models.families import Spec
from minarch.training.stacked.parameters import Parameters
from minarch.training.stacked.products import Products
from minarch.training.stacked.rows import Linear, Norm


class Attention:
    """Tokens [R, B, N, D] -> tokens + attention(norm(tokens)) [R, B, M, D], M = N or, `last`, 1."""

    def __init__(self, parameters: Parameters, name: str, head_size: int, product: Products, last: bool) -> None:
        self.norm = Norm(parameters, f"{name}.norm1")
        self.query, self.value, self.output = (
            Linear(parameters, f"{name}.{part}", product) for part in ("query", "value", "output")
        )
        self.key = Linear(parameters, f"{name}.key", product, bias=False)
        self.head_size, self.product, self.last = head_size, product, last
        self.saved: tuple[Tensor, ...] = ()

    def forward(self, tokens: Tensor) -> Tensor:
        repeats, batch, _, width = tokens.shape
        normed = self.norm.forward(tokens.flatten(1, 2))
        asking = self._asking(normed.view_as(tokens))
        query, key, value = (  # [RB, E, N or M, Z]
            self._heads(part.forward(rows), batch)
            for part, rows in ((self.query, asking), (self.key, normed), (self.value, normed))
        )
        scores = self.product(query, key.transpose(2, 3)).mul_(self.head_size**-0.5)
        attention = torch.softmax(scores, 3)
        mixed = torch.empty(repeats, asking.shape[1], query.shape[1] * self.head_size, device=tokens.device)
        self.product(attention, value, self._heads(mixed, batch))
        self.saved = query, key, value, attention
        return self.output.forward(mixed).add_(self._asking(tokens)).view(repeats, batch, -1, width)

    def backward(self, gradient: Tensor) -> Tensor:
        """The gradient of the tokens [R, B, N, D] from that of the result [R, B, M, D]."""
        query, key, value, attention = self.saved
        repeats, batch, asking, width = gradient.shape
        of_mixed = self._heads(self.output.backward(gradient.flatten(1, 2)), batch)
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
        of_tokens = self.norm.backward(of_normed.flatten(1, 2)).view_as(of_normed)
        of_tokens[:, :, :asking] += gradient
        return of_tokens

    def _asking(self, tokens: Tensor) -> Tensor:
        """The rows [R, BM, D] of the tokens whose result is read."""
        return (tokens[:, :, :1] if self.last else tokens).flatten(1, 2)

    def _heads(self, rows: Tensor, batch: int) -> Tensor:
        """Rows [R, BN, EZ] as a view [RB, E, N, Z]."""
        return rows.view(len(rows) * batch, -1, rows.shape[2] // self.head_size, self.head_size).transpose(1, 2)


class FeedForward:
    """Tokens [R, B, M, D] -> tokens + feed-forward(norm(tokens)) [R, B, M, D]."""

    def __init__(self, parameters: Parameters, name: str, product: Products) -> None:
        self.norm = Norm(parameters, f"{name}.norm2")
        self.fc1, self.fc2 = (Linear(parameters, f"{name}.{part}", product) for part in ("fc1", "fc2"))
        self.units = torch.empty(0)

    def forward(self, tokens: Tensor) -> Tensor:
        rows = tokens.flatten(1, 2)
        self.units = self.fc1.forward(self.norm.forward(rows))
        return self.fc2.forward(functional.gelu(self.units)).add_(rows).view_as(tokens)

    def backward(self, gradient: Tensor) -> Tensor:
        """The gradient of the tokens from that of the result, both [R, B, M, D]."""
        rows = gradient.flatten(1, 2)
        of_units = torch.ops.aten.gelu_backward(self.fc2.backward(rows), self.units)
        return self.norm.backward(self.fc1.backward(of_units)).add_(rows).view_as(gradient)


class ClassToken:
    """Tokens [R, B, N, D] -> the first of them [R, B, 1, D]: what is left to do where no attention reads the others."""

    def __init__(self) -> None:
        self.others = 0

    def forward(self, tokens: Tensor) -> Tensor:
        self.others = tokens.shape[2] - 1
        return tokens[:, :, :1]

    def backward(self, gradient: Tensor) -> Tensor:
        """The gradient of the tokens [R, B, N, D], zero of those that nothing reads."""
        return functional.pad(gradient, (0, 0, 0, self.others))


class StackedViT:
    """The gradients of minarch.models.vit.ViT."""

    def __init__(self, parameters: Parameters, spec: Spec, product: Products) -> None:
        self.shape, self.patch = spec["shape"], spec["patch"]
        self.embedding = Linear(parameters, "embedding", product)
        self.class_token, self.positions = parameters["class_token"], parameters["positions"]
        # What a block lacks has no parameters; a block that lacks both parts passes on what it takes.
        self.parts: list[Attention | FeedForward | ClassToken] = [] if any(spec["heads"]) else [ClassToken()]
        for position, (heads, units) in enumerate(zip(spec["heads"], spec["ffn"], strict=True)):
            name, last = f"blocks.{position}", not any(spec["heads"][position + 1 :])
            if heads:
                self.parts.append(Attention(parameters, name, spec["head_size"], product, last))
            if units:
                self.parts.append(FeedForward(parameters, name, product))
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
        for part in self.parts:
            tokens = part.forward(tokens)
        return self.classifier.forward(self.norm.forward(tokens.flatten(1, 2))).transpose(1, 2)

    def backward(self, gradient: Tensor) -> None:
        """Gradients of all parameters from that of the logits [R, K, B]."""
        of_tokens = self.norm.backward(self.classifier.backward(gradient.transpose(1, 2)))[:, :, None]
        for part in reversed(self.parts):
            of_tokens = part.backward(of_tokens)
        torch.sum(of_tokens, 1, keepdim=True, out=self.positions.grad)
        self.class_token.grad.copy_(self.positions.grad[:, :, :1])
        self.embedding.backward(of_tokens[:, :, 1:].flatten(1, 2), inputs=False)

    def _patches(self, images: Tensor) -> Tensor:
        """Images [S, B, CHW] -> rows [S, B(N-1), C patch patch], in the order of the embedding's weights."""
        depth, height, width = self.shape
        tiles = images.view(len(images), -1, depth, height // self.patch, self.patch, width // self.patch, self.patch)
        return tiles.permute(0, 1, 3, 5, 2, 4, 6).reshape(len(images), -1, depth * self.patch**2)
