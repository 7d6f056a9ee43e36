"""A block of images forward and backward through a vision transformer, and a pass over all images, as numba compiles
them.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from minarch.training.fused.attention import attend, differentiate_attention
from minarch.training.fused.block import Images, Values
from minarch.training.fused.compiler import Floats, entry, inner
from minarch.training.fused.gelu import bend, differentiate_gelu
from minarch.training.fused.lanes import LANES, load, spread, store, sum_of
from minarch.training.fused.linear import apart, differentiate_weights, multiply
from minarch.training.fused.norm import differentiate_norm, give_out, normalise, take_in
from minarch.training.fused.optimizers import optimize
from minarch.training.fused.program import GELU, LINEAR, NORM
from minarch.training.fused.readout import lose, smooth


class Tokens(NamedTuple):
    """Where the tokens lie, as the program says, and buffers."""

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
        token = room.made[(room.start + t * apart(room.width)) * LANES :]
        for v in range(room.width):
            value = values[room.positions + t * room.width + v]
            if t == 0:
                value += values[room.class_token + v]
            store(token, v * LANES, spread(value))


@inner
def _forward(operations: NDArray[np.void], room: Tokens, learn: bool) -> None:
    parameters = room.taken_in
    for a in operations:
        read, out, kept = room.made[a.read * LANES :], room.made[a.made * LANES :], room.made[a.kept * LANES :]
        row = apart(a.inputs) * LANES
        if a.kind == LINEAR:
            bias = parameters[a.bias :] if a.bias >= 0 else room.nothing
            multiply(read, a.inputs, parameters[a.weight :], a.inputs, 1, bias, out, a.outputs, a.tokens, a.onto == 1)
        elif a.kind == NORM:
            normalise(read, a.inputs, a.tokens, out, kept)
        elif a.kind == GELU:
            bend(read, out, a.tokens * row, learn)
        else:
            keys, values = a.tokens * row, (a.tokens + a.all) * row
            attend(read, read[keys:], read[values:], kept, out, a.tokens, a.all, a.heads, a.inputs)


@inner
def _backward(operations: NDArray[np.void], room: Tokens, gradients: Floats) -> None:
    parameters = room.taken_in
    for position in range(len(operations) - 1, -1, -1):
        a = operations[position]
        read, kept = room.made[a.read * LANES :], room.made[a.kept * LANES :]
        slopes, of_read = room.slopes[a.of_made * LANES :], room.slopes[max(0, a.of_read) * LANES :]
        row = apart(a.inputs) * LANES
        if a.kind == LINEAR:
            of_bias = gradients[a.bias :] if a.bias >= 0 else room.nothing
            differentiate_weights(read, a.inputs, slopes, a.outputs, a.tokens, gradients[a.weight :], of_bias)
            if a.of_read >= 0:
                multiply(
                    slopes, a.outputs, parameters[a.weight :], 1, a.inputs, room.nothing, of_read, a.inputs, a.tokens,
                    a.adds == 1,
                )  # fmt: skip
        elif a.kind == NORM:
            differentiate_norm(room.made[a.made * LANES :], a.inputs, a.tokens, kept, slopes, of_read)
        elif a.kind == GELU:
            differentiate_gelu(slopes, read, a.tokens * row)
        else:
            keys, values = a.tokens * row, (a.tokens + a.all) * row
            differentiate_attention(
                read, read[keys:], read[values:], kept, slopes, of_read, of_read[keys:], of_read[values:],
                slopes[a.tokens * row :], a.tokens, a.all, a.heads, a.inputs,
            )  # fmt: skip


@inner
def _block(
    images: Images,
    index: NDArray[np.int64],
    net: Values,
    operations: NDArray[np.void],
    classes: int,
    room: Tokens,
    share: float,
    smoothing: float,
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
        if smoothing:
            smooth(logits, images.labels, index, classes, share, smoothing)
        for k in range(classes):
            for i in range(LANES):
                room.slopes[(last.of_made + k) * LANES + i] = logits[i, k]
        room.slopes[: room.tokens * apart(room.width) * LANES] = 0
        _backward(operations, room, net.gradients)
        for t in range(room.tokens):
            for v in range(room.width):
                slope = sum_of(load(room.slopes, (t * apart(room.width) + v) * LANES))
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
    rates: NDArray[np.float64],
    decay: float,
    smoothing: float,
    steps: int,
) -> tuple[float, int]:
    """One pass, as minarch.training.fused.steps.go_through makes it."""
    loss, right = 0.0, 0
    take_in(net.values, operations, room.taken_in)
    for start in range(0, len(order), batch):
        index = order[start : start + batch]
        if learn:
            net.gradients[:] = 0
        for s in range(0, len(index), LANES):
            of_block = _block(
                images,
                index[s : s + LANES],
                net,
                operations,
                classes,
                room,
                np.float32(1 / len(index)),
                smoothing,
                learn,
            )
            loss, right = loss + of_block[0], right + of_block[1]
        if learn:
            give_out(net.values, net.gradients, operations)
            steps += 1
            optimize(net, adam, rates[start // batch], decay, steps)
            take_in(net.values, operations, room.taken_in)
    return loss, right
