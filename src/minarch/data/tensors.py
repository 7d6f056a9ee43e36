"""A split in memory: uint8 images and what normalises them. Only torch, numpy and safetensors, so it works on a bare
machine.

Shapes: N images, C channels, H x W pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from minarch.errors import UserError
from minarch.files import read_json


@dataclass(frozen=True)
class Split:
    """Images uint8 [N, C, H, W], labels int64 [N]; mean and std [C] are those of the training images, in pixel
    units.
    """

    images: Tensor
    labels: Tensor
    mean: Tensor
    std: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, index: Tensor | slice) -> Tensor:
        """Normalised float32 images [B, C, H, W]; converting per batch is faster than gathering floats."""
        return (self.images[index].float() - self.mean[:, None, None]) / self.std[:, None, None]

    def thinned(self, count: int) -> "Split":
        """At most `count` of the images, evenly spaced."""
        if count >= len(self):
            return self
        index = torch.arange(count) * len(self) // count
        return replace(self, images=self.images[index], labels=self.labels[index])

    def to(self, device: torch.device) -> "Split":
        return Split(*(getattr(self, field.name).to(device) for field in fields(self)))


def save_split(path: Path, images: Tensor, labels: Tensor) -> None:
    """Write images uint8 [N, C, H, W] and labels int64 [N] as safetensors."""
    save_file({"images": images.contiguous(), "labels": labels.contiguous()}, path)


def load_split(folder: Path, name: str) -> Split:
    """Read `name` (train, validation or test) of a data item.

    Raises:
        UserError: the file is no safetensors file with these two tensors, or they are not what the record says.
    """
    path = folder / f"{name}.safetensors"
    try:
        tensors = load_file(path)
        record = read_json(folder / "record.json")
        images, labels = tensors["images"], tensors["labels"]
        _check(images, labels, record["shape"], record["classes"])
        return Split(images, labels, torch.tensor(record["mean"]), torch.tensor(record["std"]))
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise UserError(
            f"{path}: not a split of a data item ({error}); allowed: images and labels as safetensors"
        ) from None


def _check(images: Tensor, labels: Tensor, shape: Sequence[int], classes: int) -> None:
    """ValueError unless these are images and labels of such a data set: compiled steps read them without a look."""
    if images.dtype != torch.uint8 or labels.dtype != torch.int64:
        raise ValueError(f"images are {images.dtype} and labels {labels.dtype}, not uint8 and int64")
    if list(images.shape) != [len(labels), *shape]:
        raise ValueError(f"images are {list(images.shape)}, not {[len(labels), *shape]}")
    if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < classes:
        raise ValueError(f"labels are {int(labels.min())} to {int(labels.max())}, not 0 to {classes - 1}")
