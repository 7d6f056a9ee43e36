"""The data sets known by name, as facts only: nothing heavy is imported here, the plan reads it."""

import os
from dataclasses import dataclass

FOLDER = "folder:"
FOLDER_READER = "minarch.data.pictures"
UNCOUNTED, FOLDER_IMAGES = 2, 10_000  # classes and images of a folder, which are counted only when they are read


def slug(dataset: str) -> str:
    """The name of a data set in file names and tables: its own, or that of its folder; empty for the root's."""
    if not dataset.startswith(FOLDER):
        return dataset
    name = os.path.basename(os.path.abspath(dataset.removeprefix(FOLDER)))  # of "." and "..", too
    return "".join(c if c.isalnum() else "-" for c in name).strip("-")  # a hyphen would begin an option


@dataclass(frozen=True)
class Entry:
    """A data set: shape (channels, height, width) of its images, number of classes, number of images outside its own
    test split, if it has one; whether a mirror image shows the same class, which characters do not.
    """

    shape: tuple[int, int, int]
    classes: int
    images: int
    own_test: bool = True
    mirrors: bool = False


def entry_of(dataset: str, image_size: int) -> Entry:
    """A data set by its name; of a folder, whose images become squares of an edge in pixels, what is assumed."""
    assumed = Entry((3, image_size, image_size), UNCOUNTED, FOLDER_IMAGES, mirrors=True)
    return CATALOGUE.get(dataset, assumed)


CATALOGUE = {
    "digits": Entry((1, 8, 8), 10, 1_797, own_test=False),
    "mnist": Entry((1, 28, 28), 10, 60_000),
    "fashion-mnist": Entry((1, 28, 28), 10, 60_000, mirrors=True),
    "kmnist": Entry((1, 28, 28), 10, 60_000),
    "emnist-letters": Entry((1, 28, 28), 26, 124_800),
    "cifar10": Entry((3, 32, 32), 10, 50_000, mirrors=True),
    "cifar100": Entry((3, 32, 32), 100, 50_000, mirrors=True),
    "svhn": Entry((3, 32, 32), 10, 73_257),
}
