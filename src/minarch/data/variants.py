"""Variants of a data set: some of its classes, other pixels, some labels replaced."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from PIL import Image

from minarch.data.pixels import as_pixels
from minarch.data.sources import Images
from minarch.data.split import take
from minarch.errors import UserError


def of_classes(source: Images, numbers: Sequence[int], name: str) -> Images:
    """The images of some classes, which are numbered anew in the order given.

    Raises:
        UserError: the data set of the variant `name` has no class of such a number.
    """
    if unknown := [number for number in numbers if number >= len(source.classes)]:
        raise UserError(
            f"data.datasets: {name}: classes: {unknown[0]} is not allowed; allowed: 0 to {len(source.classes) - 1}"
        )
    kept = take(source, np.flatnonzero(np.isin(source.labels, numbers)))
    renumbered = np.full(len(source.classes), -1)
    renumbered[list(numbers)] = np.arange(len(numbers))
    return replace(kept, labels=renumbered[kept.labels], classes=[source.classes[number] for number in numbers])


def redrawn(source: Images, size: int | None, *, grey: bool) -> Images:
    """The images with an edge of `size` pixels (None: as they are), and made grey if so."""
    if size is None and not grey:
        return source
    count, channels, height, width = source.images.shape
    shape = (1 if grey else channels, size or height, size or width)
    images = np.empty((count, *shape), np.uint8)
    for place, pixels in zip(images, source.images, strict=True):
        place[:] = as_pixels(Image.fromarray(pixels[0] if channels == 1 else pixels.transpose(1, 2, 0)), *shape)
    return replace(source, images=images)


def mislabelled(source: Images, share: float, seed: Sequence[int]) -> Images:
    """The images, of which a share has another class's label, each other class with the same chance."""
    generator, labels = np.random.default_rng(seed), source.labels.copy()
    chosen = generator.choice(len(labels), round(share * len(labels)), replace=False)
    classes = len(source.classes)
    labels[chosen] = (labels[chosen] + generator.integers(1, classes, len(chosen))) % classes
    return replace(source, labels=labels)
