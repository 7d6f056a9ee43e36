"""The record of a data item: record.json, which every stage that reads images looks at first."""

from typing import TypedDict


class Record(TypedDict):
    """Counts are of images, by split or by pair of splits; shape is (channels, height, width).

    `mean` and `std` are those of the training images by channel, in pixel units; `digest` is the SHA-256 of all images
    and labels; `overlap` counts the images that stand in two splits.
    """

    dataset: str
    shape: list[int]
    classes: int
    class_names: list[str]
    resized: bool  # or made grey or colour, as images of a folder and of many variants are
    counts: dict[str, int]
    class_counts: dict[str, list[int]]
    mean: list[float]
    std: list[float]
    digest: str
    overlap: dict[str, int]
