"""The gradients of one network by autograd, in the form of those that are written by hand: for families without these.

Shapes: B images [C, H, W], K classes; 1 network.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from minarch.training.stacked.parameters import Parameters


class Single:
    """The gradients of a network whose parameters become views of `parameters`, of one repeat. Its buffers are its own.

    It is in training mode until `network.eval()`.
    """

    def __init__(self, parameters: Parameters, network: nn.Module, shape: Sequence[int]) -> None:
        self.network, self.shape, self.repeats = network.train(), tuple(shape), parameters.repeats
        self.gradient = parameters.gradient
        for name, tensor in network.named_parameters():
            stacked = parameters[name]
            tensor.data, tensor.grad = (values.view(tensor.shape) for values in (stacked.value, stacked.grad))
        self.logits = torch.empty(0)

    def forward(self, images: Tensor) -> Tensor:
        """Images [1, B, CHW] -> logits [1, K, B]."""
        with torch.set_grad_enabled(self.network.training):
            self.logits = self.network(images[0].unflatten(1, self.shape))
        return self.logits.detach().T[None]

    def backward(self, gradient: Tensor) -> None:
        """Gradients of all parameters from that of the logits [1, K, B]."""
        self.gradient.zero_()  # autograd adds
        self.logits.backward(gradient[0].T)
