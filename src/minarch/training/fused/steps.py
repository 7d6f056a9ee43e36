"""Steps and measurements of one CNN, as numba compiles them: a block of a few images goes through all of the network
while what it needs is in the caches.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from minarch.training.fused.compiler import Floats, entry, inner
from minarch.training.fused.convolution import WHOLE, convolve, correlate, total, turned
from minarch.training.fused.plan import IMAGES
from minarch.training.fused.pooling import let_live, pool, rectify, unpool
from minarch.training.fused.readout import differentiate, lose, read

NEAR = 8192  # float32 of the maps that a convolution reads again and again: half of the first cache
KEPT, KEPT_SQUARE = np.float32(0.9), np.float32(0.999)  # of Adam's moments in a step; the first is SGD's momentum, too
NEW, NEW_SQUARE = np.float32(1 - 0.9), np.float32(1 - 0.999)  # not 1 - KEPT: the second would be off by 5e-5 of itself
SMALL = np.float32(1e-8)  # Adam's epsilon


class Images(NamedTuple):
    """Pixels uint8 [N, CHW], labels [N], and by channel the mean and the reciprocal of the standard deviation."""

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]
    mean: Floats
    scale: Floats


class Values(NamedTuple):
    """Parameters, their gradients, and the optimizer's moments (SGD has the first only)."""

    values: Floats
    gradients: Floats
    first: Floats
    second: Floats


class Room(NamedTuple):
    """Where a block's maps lie, and buffers."""

    maps: Floats
    places: NDArray[np.uint32]
    filters: Floats  # of a layer, turned
    nothing: Floats  # zeros, in place of a bias
    largest: Floats
    window: NDArray[np.int32]
    logits: Floats  # [IMAGES, K]


@inner
def _load(images: Images, index: NDArray[np.int64], layer: Any, room: Room) -> None:
    """Normalise the block's images into the maps that the first layer reads."""
    area = images.pixels.shape[1] // layer.inputs
    for i in range(len(index)):
        for c in range(layer.inputs):
            pixels = images.pixels[index[i], c * area : (c + 1) * area]
            out = room.maps[layer.read + c * layer.pitch + i * layer.plane :]
            mean, scale = images.mean[c], images.scale[c]
            for p in range(area):
                out[p] = (np.float32(pixels[p]) - mean) * scale


@inner
def _forward(count: int, values: Floats, layers: NDArray[np.void], room: Room) -> None:
    maps, top = room.maps, len(layers) - 1
    for position in range(top + 1):
        a = layers[position]
        step = a.plane * max(1, NEAR // (a.plane * a.inputs))
        for s in range(0, IMAGES * a.plane, step):
            n = (min(step, IMAGES * a.plane - s) - a.plane + a.used + WHOLE - 1) // WHOLE * WHOLE
            weight, bias = values[a.weight :], values[a.bias :]
            convolve(maps[a.read + s :], a.inputs, weight, bias, maps[a.made + s :], a.outputs, a.pitch, a.stride, n)
        if position < top:
            b = layers[position + 1]
            for f in range(a.outputs):
                for i in range(count):
                    made = maps[a.made + f * a.pitch + i * a.plane :]
                    out = maps[b.read + f * b.pitch + i * b.plane + b.stride + 1 :]
                    places = room.places[b.places + (f * IMAGES + i) * b.plane :]
                    n = a.used - a.stride
                    pool(made, room.largest, room.window, out, places, n, b.height, b.width, a.stride, b.stride)


@inner
def _backward(values: Floats, gradients: Floats, layers: NDArray[np.void], room: Room) -> None:
    """From the gradients of the last maps those of all filters and biases."""
    maps = room.maps
    for position in range(len(layers) - 1, -1, -1):
        a = layers[position]
        whole = IMAGES * a.plane
        slopes = maps[a.slopes + a.stride + 1 :]
        step = a.plane * max(1, NEAR // (a.plane * 4))
        for s in range(0, whole, step):
            n = min(step, whole - s) - a.plane + a.used
            correlate(maps[a.read + s :], a.inputs, slopes[s:], a.outputs, gradients[a.weight :], a.pitch, a.stride, n)
        for f in range(a.outputs):
            gradients[a.bias + f] += total(slopes[f * a.pitch :], whole - a.plane + a.used)
        if position == 0:
            break
        b = layers[position - 1]
        turned(values[a.weight :], a.outputs, a.inputs, room.filters)
        step = a.plane * max(1, NEAR // (a.plane * a.outputs))
        for s in range(0, whole, step):
            n = (min(step, whole - s) - a.plane + a.used + WHOLE - 1) // WHOLE * WHOLE
            back = maps[a.made + s :]
            convolve(maps[a.slopes + s :], a.outputs, room.filters, room.nothing, back, a.inputs, a.pitch, a.stride, n)
        for c in range(a.inputs):
            back = maps[a.made + c * a.pitch :]
            let_live(back, maps[a.read + c * a.pitch + a.stride + 1 :], whole)
            for i in range(IMAGES):
                out = maps[b.slopes + c * b.pitch + i * b.plane + b.stride + 1 :]
                places = room.places[a.places + (c * IMAGES + i) * a.plane :]
                unpool(back[i * a.plane :], places, out, a.height, a.width, b.used, a.stride)


@inner
def _block(
    images: Images,
    index: NDArray[np.int64],
    net: Values,
    layers: NDArray[np.void],
    classes: int,
    room: Room,
    share: float,
    learn: bool,
) -> tuple[float, int]:
    """At most IMAGES images forward, and backward if it is to `learn`; their summed loss and right answers."""
    maps, logits, top = room.maps, room.logits, layers[len(layers) - 1]
    _load(images, index, layers[0], room)
    _forward(len(index), net.values, layers, room)
    wide, rows = top.outputs * top.used, logits.shape[1]
    head = top.bias + top.outputs
    bias = head + rows * wide
    logits[:] = net.values[bias:]
    for f in range(top.outputs):
        made = maps[top.made + f * top.pitch :]
        for i in range(IMAGES):
            rectify(made[i * top.plane :], top.height, top.width, top.stride)
        read(made, top.plane, net.values[head + f * top.used :], wide, top.used, logits)
    result = lose(logits, images.labels, index, classes, share)
    if learn:
        for k in range(rows):
            for i in range(IMAGES):
                net.gradients[bias + k] += logits[i, k]
        for f in range(top.outputs):
            made, slopes = maps[top.made + f * top.pitch :], maps[top.slopes + f * top.pitch + top.stride + 1 :]
            at = head + f * top.used
            differentiate(made, top.plane, net.values[at:], wide, top.used, logits, slopes, net.gradients[at:])
        _backward(net.values, net.gradients, layers, room)
    return result


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
    rate: float,
    decay: float,
    steps: int,
) -> tuple[float, int]:
    """One pass over the images in `order`; with `learn` a step of the optimizer after every batch.

    Args:
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
            of_block = _block(
                images, index[s : s + IMAGES], net, layers, classes, room, np.float32(1 / len(index)), learn
            )
            loss, right = loss + of_block[0], right + of_block[1]
        if learn:
            steps += 1
            if adam:
                _adam(net, rate, np.float32(decay), steps)
            else:
                _momentum(net, rate, np.float32(decay))
    return loss, right
