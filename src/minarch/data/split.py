"""Stratified cuts: validation from the training images, test only where a data set brings none. Fixed by the seed."""

import numpy as np
from sklearn.model_selection import train_test_split

from minarch.data.sources import Array, Images
from minarch.errors import UserError


def cut(source: Images, share: float | int, seed: int, purpose: str) -> tuple[Images, Images]:
    """Cut a share or number of the images off, every class in its proportion, both sides in the source's order.

    Returns:
        What is left, and what was cut off.

    Raises:
        UserError: a class has too few images to be on both sides.
    """
    everything = np.arange(len(source.labels))
    try:
        sides = train_test_split(everything, test_size=share, random_state=seed, stratify=source.labels)
        whole = all(len(np.unique(source.labels[side])) == len(np.unique(source.labels)) for side in sides)
    except ValueError:
        whole = False
    if not whole:
        smallest = int(np.bincount(source.labels, minlength=len(source.classes)).min())
        raise UserError(
            f"data.{purpose}: {share} of {len(everything)} images in {len(source.classes)} classes"
            f" (the smallest has {smallest}) leaves a class out;"
            " allowed: a value that takes at least one of each class and leaves one"
        )
    left, right = sides
    return take(source, left), take(source, right)


def limit(source: Images, count: int | None, seed: int) -> Images:
    """At most `count` images, stratified; the same images whatever else is cut."""
    if count is None or count >= len(source.labels):
        return source
    return cut(source, count, seed, "limit")[1]


def take(source: Images, index: Array) -> Images:
    """The images at these positions, in the source's order."""
    index = np.sort(index)
    files = [source.files[i] for i in index] if source.files else []
    return Images(source.images[index], source.labels[index], source.classes, files)
