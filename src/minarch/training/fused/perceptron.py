"""A block of images forward and backward through a multilayer perceptron, and a pass over all images, as numba compiles
them.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from minarch.training.fused.block import Images, Values
from minarch.training.fused.compiler import Floats, entry, inner
from minarch.training.fused.dense import first_layer, first_slopes, further_layer, further_slopes
from minarch.training.fused.optimizers import optimize
from minarch.training.fused.plan import ROWS
from minarch.training.fused.readout import lose, smooth


class Activations(NamedTuple):
    """A block's pixels [B, width], and the values and their gradients [units, B] of all layers after each other."""

    pixels: Floats
    values: Floats
    slopes: Floats
    logits: Floats  # [B, K]


@inner
def _load(images: Images, index: NDArray[np.int64], pixels: Floats, width: int) -> None:
    """Normalise the block's images."""
    area = images.pixels.shape[1] // len(images.mean)
    for i in range(len(index)):
        for c in range(len(images.mean)):
            row, out = images.pixels[index[i], c * area : (c + 1) * area], pixels[i * width + c * area :]
            mean, scale = images.mean[c], images.scale[c]
            for p in range(area):
                out[p] = (np.float32(row[p]) - mean) * scale


@inner
def _block(
    images: Images,
    index: NDArray[np.int64],
    net: Values,
    layers: NDArray[np.void],
    room: Activations,
    share: float,
    smoothing: float,
    learn: bool,
) -> tuple[float, int]:
    """At most B images forward, and backward if it is to `learn`; their summed loss and right answers."""
    values, slopes, logits, top = room.values, room.slopes, room.logits, len(layers) - 1
    first, last = layers[0], layers[top]
    _load(images, index, room.pixels, first.inputs)
    weights, bias = net.values[first.weight :], net.values[first.bias :]
    first_layer(room.pixels, first.inputs, weights, bias, values, first.outputs, top == 0)
    for position in range(1, top + 1):
        a, before = layers[position], values[layers[position - 1].made :]
        weights, bias = net.values[a.weight :], net.values[a.bias :]
        further_layer(before, a.inputs, weights, bias, values[a.made :], a.outputs, position == top)
    for i in range(ROWS):
        for k in range(last.outputs):
            logits[i, k] = values[last.made + k * ROWS + i]
    result = lose(logits, images.labels, index, last.outputs, share)
    if learn:
        if smoothing:
            smooth(logits, images.labels, index, last.outputs, share, smoothing)
        for i in range(ROWS):
            for k in range(last.outputs):
                slopes[last.made + k * ROWS + i] = logits[i, k]
        for position in range(top, -1, -1):
            a = layers[position]
            for u in range(a.outputs):
                for i in range(ROWS):
                    net.gradients[a.bias + u] += slopes[a.made + u * ROWS + i]
            if position:
                start = layers[position - 1].made
                further_slopes(
                    values[start:], a.inputs, net.values[a.weight :], slopes[a.made :], a.outputs, slopes[start:],
                    net.gradients[a.weight :],
                )  # fmt: skip
        first_slopes(room.pixels, first.inputs, slopes, first.outputs, net.gradients[first.weight :])
    return result


@entry
def go_through_perceptron(
    images: Images,
    order: NDArray[np.int64],
    batch: int,
    net: Values,
    layers: NDArray[np.void],
    classes: int,
    room: Activations,
    learn: bool,
    adam: bool,
    rates: NDArray[np.float64],
    decay: float,
    smoothing: float,
    steps: int,
) -> tuple[float, int]:
    """One pass, as minarch.training.fused.steps.go_through makes it."""
    loss, right = 0.0, 0
    for start in range(0, len(order), batch):
        index = order[start : start + batch]
        if learn:
            net.gradients[:] = 0
        for s in range(0, len(index), ROWS):
            of_block = _block(
                images, index[s : s + ROWS], net, layers, room, np.float32(1 / len(index)), smoothing, learn
            )
            loss, right = loss + of_block[0], right + of_block[1]
        if learn:
            steps += 1
            optimize(net, adam, rates[start // batch], decay, steps)
    return loss, right
