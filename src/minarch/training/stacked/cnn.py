"""The convolutional network of arXiv 2601.17987 (one 3x3 convolution), forward and backward, for R repeats at once.

Shapes: R repeats, S = R batches of images or 1 that all share, B images [C, H, W], D = CHW, F filters,
P = (H-2)(W-2) places, K classes.
"""

import torch
from torch import Tensor

from minarch.models.families import Spec
from minarch.training.stacked.dnn import first_product, mask
from minarch.training.stacked.parameters import Parameters
from minarch.training.stacked.products import Products


class StackedCNN:
    """The convolution as the product of the filters with all patches, [F, 9C+1] x [9C+1, BP].

    With few filters, the library's convolution is slower than this. The patches' last row is 1, so that the bias is a
    column of the filters.
    """

    def __init__(self, parameters: Parameters, spec: Spec, product: Products) -> None:
        self.shape, self.product = spec["shape"], product
        self.filters = parameters["convolutions.0.weight"], parameters["convolutions.0.bias"]
        self.weight, self.bias = parameters["classifier.weight"], parameters["classifier.bias"]
        self.saved: tuple[Tensor, ...] = ()

    def forward(self, images: Tensor) -> Tensor:
        """Images [S, B, D] -> logits [R, K, B]."""
        filters = torch.cat([self.filters[0].value.flatten(2), self.filters[1].value[:, :, None]], 2)
        repeats, count, _ = filters.shape
        patches = self._patches(images)
        maps = first_product(self.product, filters, patches).relu_()
        maps = maps.view(repeats * count, images.shape[1], -1)  # [RF, B, P]
        readout = self._by_filter(self.weight.value).flatten(0, 1)  # [RF, K, P]
        logits = self.product(readout, maps.transpose(1, 2)).unflatten(0, (repeats, count)).sum(1)
        self.saved = patches, maps, readout
        return logits.add_(self.bias.value[:, :, None])

    def backward(self, change: Tensor) -> None:
        """Gradients of all parameters from that of the logits [R, K, B]."""
        patches, maps, readout = self.saved
        repeats, classes, batch = change.shape
        torch.sum(change, 2, out=self.bias.grad)
        change = change[:, None].expand(repeats, len(maps) // repeats, classes, batch).flatten(0, 1)  # [RF, K, B]
        gradient = self._by_filter(self.weight.grad)
        gradient.copy_(self.product(change, maps).view_as(gradient))
        change = self.product(change.transpose(1, 2), readout)
        mask(change, maps)
        change = change.view(repeats, -1, batch * maps.shape[2])
        if len(patches) < repeats:  # one product for all
            change = change.view(1, -1, change.shape[2])
        filters = self.product(patches, change.transpose(1, 2))  # so oriented it is faster than its transpose
        filters = filters.transpose(1, 2).reshape(repeats, -1, patches.shape[1])
        self.filters[0].grad.flatten(2).copy_(filters[:, :, :-1])
        self.filters[1].grad.copy_(filters[:, :, -1])

    def _patches(self, images: Tensor) -> Tensor:
        """Images [S, B, D] -> [S, 9C+1, BP]."""
        depth, height, width = self.shape
        shares, batch, _ = images.shape
        windows = images.view(shares, batch, depth, height, width).unfold(3, 3, 1).unfold(4, 3, 1)
        rows = torch.empty(shares, depth * 9 + 1, batch, height - 2, width - 2, device=images.device)
        rows[:, :-1].unflatten(1, (depth, 3, 3)).copy_(windows.permute(0, 2, 5, 6, 1, 3, 4))
        rows[:, -1] = 1
        return rows.flatten(2)

    def _by_filter(self, weight: Tensor) -> Tensor:
        """The classifier's weights [R, K, FP] as a view [R, F, K, P]."""
        count = self.filters[0].value.shape[1]
        return weight.unflatten(2, (count, -1)).transpose(1, 2)
