"""The images of a user's folder. Only the keys of folders cover this module: `sources` imports it by its name."""

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import psutil

from minarch.data.folders import Classes, listing
from minarch.data.images import is_grey, open_image, resized
from minarch.data.sources import Images
from minarch.errors import UserError


def read_folder(path: Path, size: int) -> tuple[Images, Images | None]:
    """Every image of size x size pixels: in grey if all files are grey, else in colour."""
    splits = listing(path)
    channels = channels_of(splits)
    train = _classes(splits["train"], channels, size)
    return train, _classes(splits["test"], channels, size) if "test" in splits else None


def channels_of(splits: Mapping[str, Classes]) -> int:
    """The channels of a folder's images: 1 if all files are grey, else 3."""
    files = (file for classes in splits.values() for images in classes.values() for file in images)
    return 1 if all(map(is_grey, files)) else 3


def _classes(classes: Classes, channels: int, size: int) -> Images:
    files = [file for images in classes.values() for file in images]
    shape = len(files), channels, size, size
    if 2 * math.prod(shape) > psutil.virtual_memory().total:  # a cut holds every image twice
        raise UserError(
            f"data.image_size: {size} makes {len(files)} images take {math.prod(shape) / 1e9:.1f} GB;"
            " allowed: a size at which they fit into memory twice"
        )
    images = np.empty(shape, np.uint8)
    for i, file in enumerate(files):
        images[i] = resized(open_image(file, "data.datasets"), *shape[1:])
    labels = np.repeat(np.arange(len(classes), dtype=np.int64), [len(images) for images in classes.values()])
    return Images(images, labels, list(classes), files)
