"""A block of a few images forward and backward through all of a CNN, as numba compiles it: what it needs stays in the
caches.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from minarch.training.fused.compiler import Floats, inner
from minarch.training.fused.convolution import TILE, convolve, correlate, total, turned
from minarch.training.fused.plan import IMAGES
from minarch.training.fused.pooling import let_live, pool, unpool
from minarch.training.fused.readout import differentiate, lose, read, smooth

NEAR = 8192  # float32 of the maps that a convolution reads again and again: half of the first cache


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
    mask: Floats  # 1 at the places of a row of the classifier's weights, 0 in its gaps
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
        whole, step = (IMAGES - 1) * a.plane + a.used, max(1, NEAR // a.inputs // TILE) * TILE
        for s in range(0, whole, step):
            x, out, weight, bias = maps[a.read + s :], maps[a.made + s :], values[a.weight :], values[a.bias :]
            n = min(step, whole - s)
            convolve(x, a.inputs, weight, bias, out, a.outputs, a.pitch, a.stride, n, position == top)
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
        whole = (IMAGES - 1) * a.plane + a.used
        slopes, step = maps[a.slopes + a.stride + 1 :], NEAR // 4
        for s in range(0, whole, step):
            n, x = min(step, whole - s), maps[a.read + s :]
            correlate(x, a.inputs, slopes[s:], a.outputs, gradients[a.weight :], a.pitch, a.stride, n)
        for f in range(a.outputs):
            gradients[a.bias + f] += total(slopes[f * a.pitch :], whole)
        if position == 0:
            break
        b = layers[position - 1]
        turned(values[a.weight :], a.outputs, a.inputs, room.filters)
        step = max(1, NEAR // a.outputs // TILE) * TILE
        for s in range(0, whole, step):
            x, out, n = maps[a.slopes + s :], maps[a.made + s :], min(step, whole - s)
            convolve(x, a.outputs, room.filters, room.nothing, out, a.inputs, a.pitch, a.stride, n, False)
        for c in range(a.inputs):
            back = maps[a.made + c * a.pitch :]
            let_live(back, maps[a.read + c * a.pitch + a.stride + 1 :], whole)
            for i in range(IMAGES):
                out = maps[b.slopes + c * b.pitch + i * b.plane + b.stride + 1 :]
                places = room.places[a.places + (c * IMAGES + i) * a.plane :]
                unpool(back[i * a.plane :], places, out, a.height, a.width, b.used, a.stride)


@inner
def forward_and_backward(
    images: Images,
    index: NDArray[np.int64],
    net: Values,
    layers: NDArray[np.void],
    classes: int,
    room: Room,
    share: float,
    smoothing: float,
    learn: bool,
) -> tuple[float, int]:
    """At most IMAGES images forward, and backward if it is to `learn`; their summed loss and right answers."""
    maps, logits, top = room.maps, room.logits, layers[len(layers) - 1]
    _load(images, index, layers[0], room)
    _forward(len(index), net.values, layers, room)
    wide, rows = top.outputs * top.span, logits.shape[1]
    head, bias = top.head, top.head + rows * wide
    logits[:] = net.values[bias:]
    for f in range(top.outputs):
        made = maps[top.made + f * top.pitch :]
        read(made, top.plane, net.values[head + f * top.span :], wide, top.used, logits)
    result = lose(logits, images.labels, index, classes, share)
    if learn:
        if smoothing:
            smooth(logits, images.labels, index, classes, share, smoothing)
        for k in range(rows):
            for i in range(IMAGES):
                net.gradients[bias + k] += logits[i, k]
        for f in range(top.outputs):
            made, slopes = maps[top.made + f * top.pitch :], maps[top.slopes + f * top.pitch + top.stride + 1 :]
            at = head + f * top.span
            of_weights = net.gradients[at:]
            differentiate(made, top.plane, net.values[at:], wide, top.used, logits, classes, slopes, of_weights)
        _backward(net.values, net.gradients, layers, room)
    return result
