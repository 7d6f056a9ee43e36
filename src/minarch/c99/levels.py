"""Integers that stand for floats in an ONNX graph, and their arithmetic: sums of whole numbers, then a scale."""

from dataclasses import dataclass, replace

import numpy as np

LARGEST = 2**30  # of a bias beside sums of products in 32 bits


@dataclass(frozen=True)
class Levels:
    """A tensor of integers; the floats are (integers - zero) * scale.

    `scale` is float64, one number [] or, of weights, one for each index of dimension `axis`; `zero` is one of the
    integers' type.
    """

    name: str
    scale: np.ndarray
    zero: np.ndarray
    axis: int = 0

    @property
    def whole(self) -> bool:
        """Whether one scale is that of the whole tensor."""
        return self.scale.ndim == 0

    def renamed(self, name: str) -> "Levels":
        """The same levels of another tensor."""
        return replace(self, name=name)


def levels_of(name: str, scale: np.ndarray, zero: np.ndarray, axis: int = 0) -> Levels | None:
    """The levels of ONNX's DequantizeLinear; None where zero points differ, which integer operators do not know."""
    if zero.size > 1 and (zero != zero.ravel()[0]).any():
        return None
    factors = scale.astype(np.float64)
    return Levels(name, factors.reshape(()) if scale.size == 1 else factors, zero.ravel()[0].reshape(()), axis)


def as_whole_numbers(bias: np.ndarray, unit: np.ndarray) -> np.ndarray | None:
    """A bias [K] in units of the products [K] that it is added to, int32; None where that is too much for 32 bits.

    It is rounded by half a unit at most, hundreds of times less than a level of the result.
    """
    numbers = np.rint(bias.astype(np.float64) / unit)
    return None if (np.abs(numbers) > LARGEST).any() else numbers.astype(np.int32)


def widened(integers: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights int8 with each index of `axis` times the largest whole number that 8 bits have room for, and those
    numbers: what is a unit of the sums becomes so much finer, and with it the rounding of the bias.

    Weights for any processor have 7 bits, because others saturate; C does not.
    """
    others = tuple(i for i in range(integers.ndim) if i != axis)
    factors = 127 // np.abs(integers.astype(np.int64)).max(axis=others).clip(1, 127)
    along = [-1 if i == axis else 1 for i in range(integers.ndim)]
    return (integers * factors.reshape(along)).astype(np.int8), factors


def pixel_weights(shift: np.ndarray, divisor: np.ndarray, scale: float, zero: int) -> tuple[np.ndarray, ...] | None:
    """Normalisation and quantization of pixels as an integer product: weights uint8 [C], scales [C], biases int32 [C].

    With them the level of a pixel p is that of ((p + shift) / divisor) / scale + zero for all 256 values that p can
    have, or there are none: None.

    Args:
        shift, divisor: float32 [C].
    """
    pixels = np.arange(256)
    chosen = []
    for offset, factor in zip(shift.astype(np.float32), divisor.astype(np.float32), strict=True):
        expected = _level((pixels.astype(np.float32) + offset) / factor / np.float32(scale), zero)
        weights = np.arange(255, 0, -1)[:, None]
        biases = np.rint(float(offset) * weights)
        scales = (1 / (float(factor) * weights)).astype(np.float32)
        sums = (pixels * weights + biases).astype(np.float32)
        same = (_level(sums * (scales / np.float32(scale)), zero) == expected).all(1)
        if not same.any():
            return None
        best = int(same.argmax())
        chosen.append((weights[best, 0], scales[best, 0], biases[best, 0]))
    kinds = (np.uint8, np.float32, np.int32)
    return tuple(np.array(values, kind) for values, kind in zip(zip(*chosen, strict=True), kinds, strict=True))


def _level(values: np.ndarray, zero: int) -> np.ndarray:
    """The uint8 levels nearest to values in units of their scale."""
    return (np.rint(values) + zero).clip(0, 255)
