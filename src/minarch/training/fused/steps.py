"""One pass of a CNN over images, in steps or only measured: the one function that numba compiles."""

import numpy as np
from numpy.typing import NDArray

from minarch.training.fused.block import Images, Room, Values, forward_and_backward
from minarch.training.fused.compiler import entry
from minarch.training.fused.optimizers import optimize
from minarch.training.fused.plan import IMAGES
from minarch.training.fused.readout import clear_gaps


@entry
def go_through(
    images: Images,
    order: NDArray[np.int64],
    batch: int,
    net: Values,
    layers: NDArray[np.void],
    classes: int,
    room: Room,
    learn: bool,
    adam: bool,
    rates: NDArray[np.float64],
    decay: float,
    smoothing: float,
    steps: int,
) -> tuple[float, int]:
    """One pass over the images in `order`; with `learn` a step of the optimizer after every batch.

    Args:
        rates: the learning rate of each step.
        smoothing: of the labels that are learned, in [0, 1).
        steps: that the optimizer has made before.

    Returns:
        Summed cross-entropy in nats and right answers, of each image as the network was before its step.
    """
    loss, right = 0.0, 0
    for start in range(0, len(order), batch):
        index = order[start : start + batch]
        if learn:
            net.gradients[:] = 0
        for s in range(0, len(index), IMAGES):
            of_block = forward_and_backward(
                images, index[s : s + IMAGES], net, layers, classes, room, np.float32(1 / len(index)), smoothing, learn
            )
            loss, right = loss + of_block[0], right + of_block[1]
        if learn:
            top = layers[len(layers) - 1]
            clear_gaps(net.gradients[top.head :], classes * top.outputs, room.mask)
            steps += 1
            optimize(net, adam, rates[start // batch], decay, steps)
    return loss, right
