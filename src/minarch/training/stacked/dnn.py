"""The multilayer perceptron, forward and backward, for R repeats at once.

Shapes: R repeats, S = R batches of images or 1 that all share, B images, D pixels, W units, K classes.
Activations are [R, W, B]: products then have B contiguous columns, and bias, ReLU and softmax run along them.
"""

import torch
from torch import Tensor

from minarch.models.families import Spec
from minarch.training.stacked.parameters import Parameters
from minarch.training.stacked.products import Products


class StackedDNN:
    """The gradients of minarch.models.dnn.DNN."""

    def __init__(self, parameters: Parameters, spec: Spec, product: Products) -> None:
        names = [f"hidden.{i}" for i in range(len(spec["hidden"]))] + ["classifier"]
        self.layers = [(parameters[f"{name}.weight"], parameters[f"{name}.bias"]) for name in names]
        self.product = product
        self.inputs: list[Tensor] = []

    def forward(self, images: Tensor) -> Tensor:
        """Images [S, B, D] -> logits [R, K, B]."""
        values, self.inputs = images.transpose(1, 2), []
        for weight, bias in self.layers:
            if self.inputs:
                values.relu_()
            self.inputs.append(values)
            values = first_product(self.product, weight.value, values).add_(bias.value[:, :, None])
        return values

    def backward(self, gradient: Tensor) -> None:
        """Gradients of all parameters from that of the logits [R, K, B]."""
        for position in reversed(range(len(self.layers))):
            (weight, bias), values = self.layers[position], self.inputs[position]
            torch.sum(gradient, 2, out=bias.grad)
            first_gradient(self.product, gradient, values, weight.grad)
            if position:
                gradient = self.product(weight.value.transpose(1, 2), gradient)
                mask(gradient, values)


def first_product(product: Products, weight: Tensor, values: Tensor) -> Tensor:
    """[R, W, D] x [S, D, B] -> [R, W, B]; what all repeats share is one product, not R."""
    repeats, units, width = weight.shape
    if len(values) == repeats:
        return product(weight, values)
    return product(weight.view(1, repeats * units, width), values).view(repeats, units, -1)


def first_gradient(product: Products, gradient: Tensor, values: Tensor, out: Tensor) -> None:
    """[R, W, B] x [S, D, B] -> the weights' gradient [R, W, D]."""
    repeats, units, batch = gradient.shape
    if len(values) == repeats:
        product(gradient, values.transpose(1, 2), out)
    else:
        product(gradient.view(1, repeats * units, batch), values.transpose(1, 2), out.view(1, repeats * units, -1))


def mask(gradient: Tensor, values: Tensor) -> None:
    """ReLU's gradient in place: zero where the activation was not positive."""
    torch.ops.aten.threshold_backward.grad_input(gradient, values, 0, grad_input=gradient)
