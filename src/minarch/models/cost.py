"""What a network costs: parameters to store, multiply-accumulates (MACs) to run."""

from collections.abc import Sequence

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


def parameters(network: nn.Module) -> int:
    """Number of trainable values, biases included."""
    return sum(parameter.numel() for parameter in network.parameters())


def macs(network: nn.Module, shape: Sequence[int]) -> int:
    """Multiply-accumulates of convolutions and matrix products (no biases, no norms) for an image [C, H, W]."""
    device = next(network.parameters()).device
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.zeros(1, *shape, device=device))
    flops: int = counter.get_total_flops()
    return flops // 2
