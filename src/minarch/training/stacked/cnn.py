"""The convolutional network, forward and backward, for R repeats at once.

A convolution is the product of the filters with all patches, [F, 9C+1] x [9C+1, BP]: with few filters the library's own
is slower, and it cannot stack. The patches' last row is 1, so that the bias is a column of the filters.

Shapes: R repeats, S = R batches of images or 1 that all share, B images [C, H, W], D = CHW, F filters, P places of a
filter, K classes. Maps are [R, F, B, H, W]; of_maps is the gradient of maps, and so on.
"""

import torch
from torch import Tensor
from torch.nn import functional

from minarch.models.families import Spec
from minarch.training.stacked.dnn import first_product, mask
from minarch.training.stacked.parameters import Parameters
from minarch.training.stacked.products import Products


class Convolution:
    """A 3x3 convolution, stride 1, and ReLU: maps [S, C, B, H, W] -> [R, F, B, H', W']."""

    def __init__(self, parameters: Parameters, name: str, padding: int, product: Products) -> None:
        self.weight, self.bias = parameters[f"{name}.weight"], parameters[f"{name}.bias"]
        self.padding, self.product = padding, product
        self.patches = self.filters = self.maps = torch.empty(0)

    def forward(self, maps: Tensor) -> Tensor:
        self.filters = torch.cat([self.weight.value.flatten(2), self.bias.value[:, :, None]], 2)
        padded = functional.pad(maps, [self.padding] * 4) if self.padding else maps
        windows = padded.unfold(3, 3, 1).unfold(4, 3, 1)  # [S, C, B, H', W', 3, 3]
        count, depth, *places = windows.shape[:5]
        rows = windows.new_empty(count, depth * 9 + 1, *places)
        rows[:, :-1].unflatten(1, (depth, 3, 3)).copy_(windows.permute(0, 1, 5, 6, 2, 3, 4))
        rows[:, -1] = 1
        self.patches = rows.flatten(2)
        self.maps = first_product(self.product, self.filters, self.patches).relu_().unflatten(2, places)
        return self.maps

    def backward(self, gradient: Tensor, inputs: bool) -> Tensor:
        """The gradient of the maps read (none if `inputs` is False) from that of the maps made."""
        mask(gradient, self.maps)
        repeats, count, batch, height, width = gradient.shape
        flat = gradient.flatten(2) if len(self.patches) == repeats else gradient.reshape(1, repeats * count, -1)
        of_filters = self.product(self.patches, flat.transpose(1, 2))  # so oriented it is faster than its transpose
        of_filters = of_filters.transpose(1, 2).reshape(repeats, count, -1)
        self.weight.grad.flatten(2).copy_(of_filters[:, :, :-1])
        self.bias.grad.copy_(of_filters[:, :, -1])
        if not inputs:
            return gradient
        of_patches = self.product(self.filters[:, :, :-1].transpose(1, 2), gradient.flatten(2))
        of_patches = of_patches.view(repeats, -1, 3, 3, batch, height, width)
        of_maps = gradient.new_zeros(repeats, of_patches.shape[1], batch, height + 2, width + 2)
        for row in range(3):
            for column in range(3):
                of_maps[..., row : row + height, column : column + width] += of_patches[:, :, row, column]
        return of_maps[..., 1:-1, 1:-1]


class StackedCNN:
    """The gradients of minarch.models.cnn.CNN."""

    def __init__(self, parameters: Parameters, spec: Spec, product: Products) -> None:
        self.shape, self.product = spec["shape"], product
        self.convolutions = [
            Convolution(parameters, f"convolutions.{i}", int(i > 0), product) for i in range(len(spec["channels"]))
        ]
        self.weight, self.bias = parameters["classifier.weight"], parameters["classifier.bias"]
        self.largest: list[Tensor] = []  # the index of each pooling window's largest value
        self.readout = torch.empty(0)

    def forward(self, images: Tensor) -> Tensor:
        """Images [S, B, D] -> logits [R, K, B]."""
        maps = self.convolutions[0].forward(images.unflatten(2, self.shape).transpose(1, 2))
        self.largest = []
        for convolution in self.convolutions[1:]:
            pooled, largest = torch.ops.aten.max_pool2d_with_indices(maps.flatten(0, 1), [2, 2])
            self.largest.append(largest)
            maps = convolution.forward(pooled.unflatten(0, maps.shape[:2]))
        repeats, count, batch = maps.shape[:3]
        self.readout = self._by_filter(self.weight.value).flatten(0, 1)  # [RF, K, P]
        logits = self.product(self.readout, maps.reshape(repeats * count, batch, -1).transpose(1, 2))
        return logits.unflatten(0, (repeats, count)).sum(1).add_(self.bias.value[:, :, None])

    def backward(self, gradient: Tensor) -> None:
        """Gradients of all parameters from that of the logits [R, K, B]."""
        maps = self.convolutions[-1].maps
        repeats, count, batch = maps.shape[:3]
        torch.sum(gradient, 2, out=self.bias.grad)
        gradient = gradient[:, None].expand(-1, count, -1, -1).flatten(0, 1)  # [RF, K, B]
        of_weight = self._by_filter(self.weight.grad)
        of_weight.copy_(self.product(gradient, maps.view(repeats * count, batch, -1)).view_as(of_weight))
        gradient = self.product(gradient.transpose(1, 2), self.readout).view_as(maps)
        for position in reversed(range(1, len(self.convolutions))):
            gradient = self.convolutions[position].backward(gradient, inputs=True).flatten(0, 1)
            before = self.convolutions[position - 1].maps
            gradient = torch.ops.aten.max_pool2d_with_indices_backward(
                gradient, before.flatten(0, 1), [2, 2], [2, 2], [0, 0], [1, 1], False, self.largest[position - 1]
            ).view_as(before)
        self.convolutions[0].backward(gradient, inputs=False)

    def _by_filter(self, weight: Tensor) -> Tensor:
        """The classifier's weights [R, K, FP] as a view [R, F, K, P]."""
        return weight.unflatten(2, (self.convolutions[-1].weight.value.shape[1], -1)).transpose(1, 2)
