"""What every token goes through alone, forward and backward, for R repeats at once: rows [R, T, width]."""

import torch
from torch import Tensor

from minarch.training.stacked.parameters import Parameters
from minarch.training.stacked.products import Products

EPSILON = 1e-5  # torch's default of LayerNorm


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
