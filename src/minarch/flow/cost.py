"""What a sweep item will cost, before it runs: what is started first, and how much of a run is done.

Seconds per image and repeat = a base of the network + what each pixel takes + 6 operations per multiply-accumulate
(forward, and backward for values and for weights) at its rate. They were fitted to benchmarks/sweep.py on one core of a
server CPU; those of resnet, whose norms and sums take longer than its products, to steps of 1, 4 and 8 blocks of 4 to
64 channels on 8 x 8 to 32 x 32 pixels, within a factor of 2.2 of each; those of separable, likewise, to five stacked
networks of three blocks and 4 to 16 channels, within a factor of 2.4 of each, on a busy machine. Only their proportions
matter here, a run measures its own speed.
"""

from collections.abc import Sequence
from math import prod

from minarch.models.families import Family

# By the spec's family: base and what a pixel takes in seconds, operations per second.
SPEED = {
    "dnn": (1.0e-6, 0.0, 60e9),
    "cnn": (6e-6, 0.0, 25e9),
    "vit": (30e-6, 0.0, 40e9),
    "resnet": (60e-6, 4e-7, 70e9),
    "separable": (10e-6, 1.2e-7, 12e9),
}
OTHERS = SPEED["cnn"]
UNKNOWN = 1e-2  # seconds per image and repeat of a family that does not tell its cost: long, so it is started first
BASE_MB, COPIES = 2_000, 3  # of a process; bytes per value of the images, more than was measured
MOVING = 1e-8  # seconds per value of an image that is shifted or rotated, measured on one core that was not alone
PER_PARAMETER = 16  # bytes of a network, its gradients and the optimizer's state


def seconds(kind: Family, shape: Sequence[int], classes: int, count: int) -> float:
    """Estimated seconds of an epoch of one repeat over `count` images, on one core."""
    return count * seconds_per_image(kind.spec(shape, classes)["family"], shape, kind.macs(shape, classes))


def moving_seconds(shape: Sequence[int], count: int) -> float:
    """Estimated seconds in which `count` training images are moved once."""
    return MOVING * count * prod(shape)


def memory_mb(shape: Sequence[int], count: int, parameters: int = 0, *, moved: bool = False) -> int:
    """Estimated megabytes of a process that holds `count` images and networks of so many parameters together; with
    images that are moved, one epoch's copy of them, too.
    """
    return BASE_MB + round(((COPIES + moved) * count * prod(shape) + PER_PARAMETER * parameters) / 1e6)


def seconds_per_image(network: str, shape: Sequence[int], macs: int | None) -> float:
    """Estimated seconds of one image [C, H, W] in one epoch of one repeat, on one core; `network` is the family in the
    spec.
    """
    base, of_pixel, rate = SPEED.get(network, OTHERS)
    return UNKNOWN if macs is None else base + of_pixel * prod(shape[1:]) + 6 * macs / rate
