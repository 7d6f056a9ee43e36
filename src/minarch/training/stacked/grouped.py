"""R convolutional networks with batch norms as one of R times as many channels, whose convolutions are grouped: its
gradients by autograd.

On a CPU a small convolution takes as long as its call does, one of several groups hardly longer; norms treat every
channel by itself anyway. Shapes: R repeats, S = R or 1 batches of B images [C, H, W], K classes.
"""

from typing import Any

import torch
from torch import Tensor, nn

from minarch.models.build import build
from minarch.models.families import Spec
from minarch.training.stacked.parameters import Parameters
from minarch.training.stacked.products import Products
from minarch.training.stacked.single import Single


class Grouped(Single):
    """The gradients of networks that consist of convolutions, batch norms and one linear layer, the last one, as
    minarch.models.resnet.ResNet and minarch.models.separable.Separable do.
    """

    def __init__(self, parameters: Parameters, spec: Spec, _: Products) -> None:
        network = build(spec)
        filters = any(isinstance(module, nn.Conv2d) and module.groups > 1 for module in network.modules())
        # With the channels last depthwise convolutions and their norms take about two thirds of the time.
        self.layout = torch.channels_last if filters else torch.contiguous_format
        for name, module in list(network.named_modules()):
            if not list(module.children()) and list(module.parameters()):
                network.set_submodule(name, _widened(module, parameters.repeats))
        super().__init__(parameters, network.to(parameters.flat.device), spec["shape"])
        for name, values in parameters.statistics.items():
            norm, statistic = name.rsplit(".", 1)
            # `data`: that one norm's are written must not look to autograd as if those of another were.
            setattr(network.get_submodule(norm), statistic, values.data.view(-1))

    def forward(self, images: Tensor) -> Tensor:
        """Images [S, B, CHW] -> logits [R, K, B]."""
        repeated = images.expand(self.repeats, -1, -1).unflatten(2, self.shape)
        with torch.set_grad_enabled(self.network.training):
            values = repeated.transpose(0, 1).flatten(1, 2)
            self.logits = self.network(values.contiguous(memory_format=self.layout))
        return self.logits.detach().transpose(1, 2)

    def backward(self, gradient: Tensor) -> None:
        """Gradients of all parameters from that of the logits [R, K, B]."""
        self.gradient.zero_()
        self.logits.backward(gradient.transpose(1, 2))


class _Heads(nn.Module):
    """R linear layers side by side: values [B, RF] -> [R, B, K]."""

    def __init__(self, layer: nn.Linear, repeats: int) -> None:
        super().__init__()
        self.weight, self.bias = (
            nn.Parameter(p.detach().expand(repeats, *p.shape)) for p in (layer.weight, layer.bias)
        )

    def forward(self, values: Tensor) -> Tensor:
        rows = values.unflatten(1, (len(self.weight), -1)).transpose(0, 1)
        return torch.baddbmm(self.bias[:, None], rows, self.weight.transpose(1, 2))


def _widened(layer: nn.Module, repeats: int) -> nn.Module:
    """The layer for R times as many channels, each R-th of which goes through weights of its own."""
    if isinstance(layer, nn.Conv2d):
        channels = repeats * layer.in_channels, repeats * layer.out_channels
        places: dict[str, Any] = {"kernel_size": layer.kernel_size, "stride": layer.stride, "padding": layer.padding}
        return nn.Conv2d(*channels, **places, groups=repeats * layer.groups, bias=layer.bias is not None)
    if isinstance(layer, nn.BatchNorm2d):
        return nn.BatchNorm2d(repeats * layer.num_features)
    assert isinstance(layer, nn.Linear), f"{layer} has no grouped form"
    return _Heads(layer, repeats)
