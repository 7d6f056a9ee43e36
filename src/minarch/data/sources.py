"""Where images come from: scikit-learn, torchvision or the user's folders. Everything leaves here as uint8 [N, C, H,
W].
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minarch.data.catalogue import FOLDER
from minarch.errors import UserError

Array = NDArray[Any]
DOWNLOADS = Path("data/downloads")


@dataclass(frozen=True)
class Images:
    """Images uint8 [N, C, H, W], labels int64 [N], the names of the classes."""

    images: Array
    labels: Array
    classes: list[str]


def read(dataset: str, root: str | None, image_size: int) -> tuple[Images, Images | None]:
    """The (training, test) images of a data set; test is None where it has no split of its own.

    Raises:
        UserError: the files are neither here nor to be had, or an image cannot be read.
    """
    if dataset == "digits":
        return _digits(), None
    if dataset.startswith(FOLDER):
        return _folder(Path(dataset.removeprefix(FOLDER)), image_size)
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
    kind, train, test = kinds[dataset]
    try:
        found = [kind(root or DOWNLOADS, download=root is None, **split) for split in (train, test)]
    except Exception as error:  # each format's reader has errors of its own
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise UserError(
            f"data.root: {root!r} gives no files of {dataset} ({reason}); allowed: a folder in torchvision's layout,"
            " or null where torchvision can download"
        ) from None
    return _as_images(found[0], dataset), _as_images(found[1], dataset)


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


def _folder(path: Path, size: int) -> tuple[Images, Images | None]:
    """ImageFolder layout, class/image, or train/class/image beside test/class/image; resized to RGB size x size."""
    if (path / "train").is_dir():
        train = _classes(path / "train", size)
        test = _classes(path / "test", size) if (path / "test").is_dir() else None
        if test is not None and test.classes != train.classes:
            raise UserError(
                f"data.datasets: 'folder:{path}' has classes {test.classes} in test/; allowed: {train.classes}"
            )
        return train, test
    return _classes(path, size), None


def _classes(path: Path, size: int) -> Images:
    from PIL import Image

    from minarch.data.vision import datasets

    try:
        listing = datasets.ImageFolder(str(path))
    except (FileNotFoundError, OSError) as error:
        raise UserError(f"data.datasets: 'folder:{path}': {' '.join(str(error).split())}") from None
    if len(listing.classes) < 2:
        raise UserError(f"data.datasets: 'folder:{path}' has one class, {listing.classes[0]}; allowed: at least 2")
    images = np.empty((len(listing.samples), 3, size, size), np.uint8)
    for i, (file, _) in enumerate(listing.samples):
        try:
            with Image.open(file) as image:
                resized = image.convert("RGB").resize((size, size), Image.Resampling.BILINEAR)
        except Exception as error:  # each format's reader has errors of its own
            reason = " ".join(str(error).split()) or type(error).__name__
            raise UserError(f"data.datasets: {file!r} cannot be read ({reason}); allowed: whole image files") from None
        images[i] = np.asarray(resized).transpose(2, 0, 1)
    return Images(images, np.asarray(listing.targets, np.int64), listing.classes)
