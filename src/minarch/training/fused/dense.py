"""Layers of a multilayer perceptron, forward and backward, as numba compiles them.

A block holds B = 32 images. The first layer reads rows of pixels [B, width] and weights [units, width], both with zeros
up to whole vectors; all others read and write values [units, B], so that vectors lie along the images.
"""

from minarch.training.fused.compiler import ZERO, Floats, inner
from minarch.training.fused.lanes import LANES, add_product, load, spread, store, sum_of, where_positive
from minarch.training.fused.plan import ROWS


@inner
def first_layer(pixels: Floats, width: int, weights: Floats, bias: Floats, out: Floats, units: int, last: bool) -> None:
    """Values [units, B], after ReLU unless the layer is the `last` one: two images and four units at once."""
    for u in range(0, units - 3, 4):
        for i in range(0, ROWS, 2):
            s0 = s1 = s2 = s3 = t0 = t1 = t2 = t3 = spread(ZERO)
            for p in range(0, width, LANES):
                x, y, w = load(pixels, i * width + p), load(pixels, (i + 1) * width + p), u * width + p
                w0, w1 = load(weights, w), load(weights, w + width)
                w2, w3 = load(weights, w + 2 * width), load(weights, w + 3 * width)
                s0, s1, s2, s3 = (
                    add_product(s0, x, w0),
                    add_product(s1, x, w1),
                    add_product(s2, x, w2),
                    add_product(s3, x, w3),
                )
                t0, t1, t2, t3 = (
                    add_product(t0, y, w0),
                    add_product(t1, y, w1),
                    add_product(t2, y, w2),
                    add_product(t3, y, w3),
                )
            for j, (s, t) in enumerate(((s0, t0), (s1, t1), (s2, t2), (s3, t3))):
                out[(u + j) * ROWS + i] = sum_of(s) + bias[u + j]
                out[(u + j) * ROWS + i + 1] = sum_of(t) + bias[u + j]
    for u in range(units // 4 * 4, units):
        for i in range(ROWS):
            s = spread(ZERO)
            for p in range(0, width, LANES):
                s = add_product(s, load(pixels, i * width + p), load(weights, u * width + p))
            out[u * ROWS + i] = sum_of(s) + bias[u]
    if not last:
        for p in range(0, units * ROWS, LANES):
            value = load(out, p)
            store(out, p, where_positive(value, value))


@inner
def further_layer(
    values: Floats, inputs: int, weights: Floats, bias: Floats, out: Floats, units: int, last: bool
) -> None:
    """Values [units, B] of those of the layer before [inputs, B], after ReLU unless the layer is the `last` one."""
    for i in range(0, ROWS, LANES):
        for u in range(units):
            whole = spread(bias[u])
            for v in range(inputs):
                whole = add_product(whole, spread(weights[u * inputs + v]), load(values, v * ROWS + i))
            store(out, u * ROWS + i, whole if last else where_positive(whole, whole))


@inner
def further_slopes(
    values: Floats, inputs: int, weights: Floats, slopes: Floats, units: int, of_values: Floats, of_weights: Floats
) -> None:
    """From the gradients of a layer's values (`slopes`) those of what it read, after ReLU, and of its weights."""
    for u in range(units):
        for v in range(inputs):
            whole = spread(ZERO)
            for i in range(0, ROWS, LANES):
                whole = add_product(whole, load(slopes, u * ROWS + i), load(values, v * ROWS + i))
            of_weights[u * inputs + v] += sum_of(whole)
    for i in range(0, ROWS, LANES):
        for v in range(inputs):
            whole = spread(ZERO)
            for u in range(units):
                whole = add_product(whole, spread(weights[u * inputs + v]), load(slopes, u * ROWS + i))
            store(of_values, v * ROWS + i, where_positive(whole, load(values, v * ROWS + i)))


@inner
def first_slopes(pixels: Floats, width: int, slopes: Floats, units: int, of_weights: Floats) -> None:
    """Add the gradients of the first layer's weights: eight rows at once, each read once for all units."""
    for i in range(0, ROWS, 8):
        for p in range(0, width, LANES):
            at = i * width + p
            a, b, c, d = (
                load(pixels, at),
                load(pixels, at + width),
                load(pixels, at + 2 * width),
                load(pixels, at + 3 * width),
            )
            at += 4 * width
            e, f, g, h = (
                load(pixels, at),
                load(pixels, at + width),
                load(pixels, at + 2 * width),
                load(pixels, at + 3 * width),
            )
            for u in range(units):
                s, whole = u * ROWS + i, load(of_weights, u * width + p)
                whole = add_product(add_product(whole, a, spread(slopes[s])), b, spread(slopes[s + 1]))
                whole = add_product(add_product(whole, c, spread(slopes[s + 2])), d, spread(slopes[s + 3]))
                whole = add_product(add_product(whole, e, spread(slopes[s + 4])), f, spread(slopes[s + 5]))
                whole = add_product(add_product(whole, g, spread(slopes[s + 6])), h, spread(slopes[s + 7]))
                store(of_weights, u * width + p, whole)
