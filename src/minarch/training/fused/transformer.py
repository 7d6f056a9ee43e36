"""A block of images forward and backward through a vision transformer, and a pass over all images, as numba compiles
them.

The linear layers after a norm take in its weights and biases once per step: a norm only subtracts and divides, and its
gradients come from those of these layers.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from minarch.training.fused.attention import attend, differentiate_attention
from minarch.training.fused.block import Images, Values
from minarch.training.fused.compiler import Floats, entry, inner
from minarch.training.fused.lanes import LANES, load, spread, store, sum_of
from minarch.training.fused.linear import pitch_of, differentiate_weights, multiply
from minarch.training.fused.operators import ONE
from minarch.training.fused.optimizers import optimize
from minarch.training.fused.program import ATTEND, GELU, LINEAR, NORM
from minarch.training.fused.readout import lose
from minarch.training.fused.tokens import bend, differentiate_norm, normalise


class Tokens(NamedTuple):
    """Where the tokens lie, and buffers; the numbers are those of the program."""

    pixels: NDArray[np.int64]
    places: NDArray[np.int64]
    tokens: int
    width: int
    start: int
    class_token: int
    positions: int
    made: Floats
    slopes: Floats
    taken_in: Floats  # the parameters, those of linear layers with the norms before them
    nothing: Floats  # the biases of a layer that has none
    logits: Floats  # [LANES, K]
    rows: NDArray[np.int64]  # where the block's images begin


@inner
def _take_in(values: Floats, operations: NDArray[np.void], out: Floats) -> None:
    """Write the parameters, those of linear layers with the norms before them."""
    out[:] = values
    for a in operations:
        if a.kind == LINEAR and a.norm >= 0:
            scale, shift = values[a.norm :], values[a.norm + a.inputs :]
            for u in range(a.outputs):
                weights, new = values[a.weight + u * a.inputs :], out[a.weight + u * a.inputs :]
                whole = np.float32(0)
                for v in range(a.inputs):
                    new[v] = weights[v] * scale[v]
                    whole += weights[v] * shift[v]
                if a.bias >= 0:  # keys have none: it would add the same to all scores of a query
                    out[a.bias + u] += whole


@inner
def _give_out(values: Floats, gradients: Floats, operations: NDArray[np.void]) -> None:
    """From the gradients of the layers that took in a norm those of their own parameters and of the norm's."""
    for a in operations:
        if a.kind == LINEAR and a.norm >= 0:
            scale, shift = values[a.norm :], values[a.norm + a.inputs :]
            of_scale, of_shift = gradients[a.norm :], gradients[a.norm + a.inputs :]
            for u in range(a.outputs):
                weights, slopes = values[a.weight + u * a.inputs :], gradients[a.weight + u * a.inputs :]
                of_bias = gradients[a.bias + u] if a.bias >= 0 else np.float32(0)
                for v in range(a.inputs):
                    of_scale[v] += slopes[v] * weights[v]
                    of_shift[v] += of_bias * weights[v]
                    slopes[v] = slopes[v] * scale[v] + of_bias * shift[v]


@inner
def _load(images: Images, index: NDArray[np.int64], values: Floats, room: Tokens) -> None:
    """Normalise the block's images into patches, and begin the tokens with their positions."""
    size, flat, rows = images.pixels.shape[1], images.pixels.reshape(-1), room.rows
    area = size // len(images.mean)
    for i in range(LANES):
        rows[i] = index[min(i, len(index) - 1)] * size
    if room.tokens > 1:
        for f in range(len(room.pixels)):
            p = room.pixels[f]
            mean, scale, out = images.mean[p // area], images.scale[p // area], room.made[room.places[f] * LANES :]
            for i in range(LANES):
                out[i] = (np.float32(flat[rows[i] + p]) - mean) * scale
    for t in range(room.tokens):
        for v in range(room.width):
            value = values[room.positions + t * room.width + v]
            if t == 0:
                value += values[room.class_token + v]
            store(room.made, room.start * LANES + t * pitch_of(room.width) + v * LANES, spread(value))


@inner
def _forward(operations: NDArray[np.void], room: Tokens, learn: bool) -> None:
    parameters = room.taken_in
    for a in operations:
        read, out, kept = room.made[a.read * LANES :], room.made[a.made * LANES :], room.made[a.kept * LANES :]
        if a.kind == LINEAR:
            bias = parameters[a.bias :] if a.bias >= 0 else room.nothing
            multiply(
                read, a.inputs, parameters[a.weight :], a.inputs, 1, bias, out, a.outputs, a.tokens, a.onto == 1
            )
        elif a.kind == NORM:
            normalise(read, a.inputs, a.tokens, out, kept)
        elif a.kind == GELU:
            bend(read, out, a.tokens * pitch_of(a.inputs), learn)
        else:
            keys, values = read[a.tokens * pitch_of(a.inputs) :], read[(a.tokens + a.all) * pitch_of(a.inputs) :]
            attend(read, keys, values, kept, out, a.tokens, a.all, a.heads, a.inputs)


@inner
def _backward(operations: NDArray[np.void], room: Tokens, gradients: Floats) -> None:
    parameters = room.taken_in
    for position in range(len(operations) - 1, -1, -1):
        a = operations[position]
        read, kept = room.made[a.read * LANES :], room.made[a.kept * LANES :]
        slopes, of_read = room.slopes[a.of_made * LANES :], room.slopes[max(0, a.of_read) * LANES :]
        if a.kind == LINEAR:
            of_bias = gradients[a.bias :] if a.bias >= 0 else room.nothing
            differentiate_weights(read, a.inputs, slopes, a.outputs, a.tokens, gradients[a.weight :], of_bias)
            if a.of_read >= 0:
                multiply(
                    slopes, a.outputs, parameters[a.weight :], 1, a.inputs, room.nothing, of_read, a.inputs, a.tokens,
                    a.adds == 1,
                )
        elif a.kind == NORM:
            differentiate_norm(room.made[a.made * LANES :], a.inputs, a.tokens, kept, slopes, of_read)
        elif a.kind == GELU:
            for p in range(0, a.tokens * pitch_of(a.inputs), LANES):
                store(of_read, p, load(slopes, p) * load(read, p))
        else:
            before, asking = a.tokens * pitch_of(a.inputs), (a.tokens + a.all) * pitch_of(a.inputs)
            of_scores = slopes[before:]
            differentiate_attention(
                read, read[before:], read[asking:], kept, slopes, of_read, of_read[before:], of_read[asking:],
                of_scores, a.tokens, a.all, a.heads, a.inputs,
            )


@inner
def _block(
    images: Images,
    index: NDArray[np.int64],
    net: Values,
    operations: NDArray[np.void],
    classes: int,
    room: Tokens,
    share: float,
    learn: bool,
) -> tuple[float, int]:
    """At most LANES images forward, and backward if it is to `learn`; their summed loss and right answers."""
    last, logits = operations[len(operations) - 1], room.logits
    _load(images, index, net.values, room)
    _forward(operations, room, learn)
    for k in range(classes):
        for i in range(LANES):
            logits[i, k] = room.made[(last.made + k) * LANES + i]
    result = lose(logits, images.labels, index, classes, share)
    if learn:
        for k in range(classes):
            for i in range(LANES):
                room.slopes[(last.of_made + k) * LANES + i] = logits[i, k]
        room.slopes[: room.tokens * pitch_of(room.width)] = 0
        _backward(operations, room, net.gradients)
        for t in range(room.tokens):
            for v in range(room.width):
                slope = sum_of(load(room.slopes, t * pitch_of(room.width) + v * LANES))
                net.gradients[room.positions + t * room.width + v] += slope
                if t == 0:
                    net.gradients[room.class_token + v] += slope
    return result


@entry
def go_through_transformer(
    images: Images,
    order: NDArray[np.int64],
    batch: int,
    net: Values,
    operations: NDArray[np.void],
    classes: int,
    room: Tokens,
    learn: bool,
    adam: bool,
    rate: float,
    decay: float,
    steps: int,
) -> tuple[float, int]:
    """One pass, as minarch.training.fused.steps.go_through makes it."""
    loss, right = 0.0, 0
    _take_in(net.values, operations, room.taken_in)
    for start in range(0, len(order), batch):
        index = order[start : start + batch]
        if learn:
            net.gradients[:] = 0
        for s in range(0, len(index), LANES):
            of_block = _block(
                images, index[s : s + LANES], net, operations, classes, room, np.float32(1 / len(index)), learn
            )
            loss, right = loss + of_block[0], right + of_block[1]
        if learn:
            _give_out(net.values, net.gradients, operations)
            steps += 1
            optimize(net, adam, rate, decay, steps)
            _take_in(net.values, operations, room.taken_in)
    return loss, right
