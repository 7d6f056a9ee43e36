"""Steps of Adam and of SGD with momentum on all parameters, as numba compiles them and as torch makes them."""

import numpy as np

from minarch.training.fused.block import Values
from minarch.training.fused.compiler import inner

KEPT, KEPT_SQUARE = np.float32(0.9), np.float32(0.999)  # of Adam's moments in a step; the first is SGD's momentum, too
NEW, NEW_SQUARE = np.float32(1 - 0.9), np.float32(1 - 0.999)  # not 1 - KEPT: the second would be off by 5e-5 of itself
SMALL = np.float32(1e-8)  # Adam's epsilon


@inner
def _adam(net: Values, rate: float, decay: float, steps: int) -> None:
    size, root = np.float32(rate / (1 - 0.9**steps)), np.float32(np.sqrt(1 - 0.999**steps))
    values, first, second = net.values, net.first, net.second
    for p in range(len(values)):
        gradient = net.gradients[p] + decay * values[p]
        first[p] = KEPT * first[p] + NEW * gradient
        second[p] = KEPT_SQUARE * second[p] + NEW_SQUARE * gradient * gradient
        values[p] -= size * first[p] / (np.sqrt(second[p]) / root + SMALL)


@inner
def _momentum(net: Values, rate: float, decay: float) -> None:
    values, first, size = net.values, net.first, np.float32(rate)
    for p in range(len(values)):
        first[p] = KEPT * first[p] + (net.gradients[p] + decay * values[p])
        values[p] -= size * first[p]


@inner
def optimize(net: Values, adam: bool, rate: float, decay: float, steps: int) -> None:
    """One step by the gradients: the optimizer's `steps`-th."""
    if adam:
        _adam(net, rate, np.float32(decay), steps)
    else:
        _momentum(net, rate, np.float32(decay))
