"""Where images come from: scikit-learn, torchvision or the user's folders. Everything leaves here as uint8 [N, C, H,
W].
"""

from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minarch.data.catalogue import CATALOGUE, FOLDER, FOLDER_READER, Entry
from minarch.errors import UserError, one_line

Array = NDArray[Any]
DOWNLOADS = Path("data/downloads")


@dataclass(frozen=True)
class Images:
    """Images uint8 [N, C, H, W], labels int64 [N], the names of the classes; the N files of images of the user's."""

    images: Array
    labels: Array
    classes: list[str]
    files: list[Path] = field(default_factory=list)


def read(dataset: str, root: str | None, image_size: int) -> tuple[Images, Images | None]:
    """The (training, test) images of a data set; test is None where it has no split of its own.

    Raises:
        UserError: the files are neither here nor to be had, or an image cannot be read.
    """
    if dataset == "digits":
        return _digits(), None
    if dataset.startswith(FOLDER):
        reader = import_module(FOLDER_READER)  # by its name: no key of a published data set covers it
        folder: tuple[Images, Images | None] = reader.read_folder(Path(dataset.removeprefix(FOLDER)), image_size)
        return folder
    return _torchvision(dataset, root)


def _digits() -> Images:
    from sklearn.datasets import load_digits

    bunch = load_digits()
    return Images(bunch.images[:, None].astype(np.uint8), bunch.target.astype(np.int64), [str(i) for i in range(10)])


def _torchvision(dataset: str, root: str | None) -> tuple[Images, Images]:
    from minarch.data.vision import datasets

    kinds: dict[str, tuple[type[Any], dict[str, Any], dict[str, Any]]] = {
        "mnist": (datasets.MNIST, {"train": True}, {"train": False}),
        "fashion-mnist": (datasets.FashionMNIST, {"train": True}, {"train": False}),
        "kmnist": (datasets.KMNIST, {"train": True}, {"train": False}),
        "emnist-letters": (
            datasets.EMNIST,
            {"split": "letters", "train": True},
            {"split": "letters", "train": False},
        ),
        "cifar10": (datasets.CIFAR10, {"train": True}, {"train": False}),
        "cifar100": (datasets.CIFAR100, {"train": True}, {"train": False}),
        "svhn": (datasets.SVHN, {"split": "train"}, {"split": "test"}),
    }
    kind, *splits = kinds[dataset]
    try:
        # CIFAR's files are pickles, so torchvision opens them only where their MD5 is the published one.
        sources = [kind(DOWNLOADS if root is None else root, download=root is None, **split) for split in splits]
        train, test = (_as_images(source, dataset) for source in sources)
        _check(train, test, CATALOGUE[dataset])
    except Exception as error:  # each format's reader has errors of its own
        reason = one_line(error) or type(error).__name__
        raise UserError(
            f"data.root: {root!r} gives no files of {dataset} ({reason}); allowed: a folder in torchvision's layout,"
            " or null where torchvision can download"
        ) from None
    return train, test


def _check(train: Images, test: Images, entry: Entry) -> None:
    """Raise ValueError for what was never published under the data set's name."""
    if len(train.images) != entry.images:
        raise ValueError(f"{len(train.images)} training images instead of {entry.images}")
    for split in (train, test):
        if split.images.shape != (len(split.labels), *entry.shape) or split.images.dtype != np.uint8:
            shape = " x ".join(map(str, split.images.shape))
            raise ValueError(f"{shape} pixels and {len(split.labels)} labels instead of N x {entry.shape} and N")
        if not np.isin(split.labels, np.arange(entry.classes)).all():
            raise ValueError(f"labels outside 0 to {entry.classes - 1}")


def _as_images(source: Any, dataset: str) -> Images:
    images = np.asarray(source.data)
    labels = np.asarray(source.labels if dataset == "svhn" else source.targets).astype(np.int64)
    if dataset == "emnist-letters":  # letters are labelled 1-26, and their images lie on their side
        images, labels = images.transpose(0, 2, 1), labels - 1
        return Images(images[:, None], labels, [chr(ord("a") + i) for i in range(26)])
    if images.ndim == 3:
        images = images[:, None]
    elif dataset != "svhn":  # CIFAR comes as [N, H, W, C]
        images = images.transpose(0, 3, 1, 2)
    classes = [str(c) for c in getattr(source, "classes", range(int(labels.max()) + 1))]
    return Images(np.ascontiguousarray(images), labels, classes)
