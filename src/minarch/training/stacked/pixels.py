"""A split as stacked networks read it: on the device, whole, images as rows of pixels."""

from copy import copy

import torch
from torch import Tensor
from torch.nn import functional

from minarch.data.tensors import Split
from minarch.training.augment import move


class Pixels:
    """N images of D = CHW pixels, uint8 until a batch is read, with labels and one-hot targets of K classes."""

    def __init__(self, split: Split, classes: int, device: torch.device) -> None:
        area = split.images[0, 0].numel()
        self.images = split.images.flatten(1).to(device)
        self.labels = split.labels.to(device)
        self.targets = functional.one_hot(self.labels, classes).float()
        self.scale = split.std.repeat_interleave(area).reciprocal().to(device)
        self.shape, self.motions, self.background = split.images.shape[1:], torch.empty(0), torch.empty(0)
        self.offset = -split.mean.repeat_interleave(area).to(device) * self.scale

    def __len__(self) -> int:
        return len(self.labels)

    def moved(self, motions: Tensor, background: Tensor) -> "Pixels":
        """The same split, of whose batches each image is moved by its row of motions [S, N, 6], one set per row of
        indices; `background` [C] comes in.
        """
        pixels, device = copy(self), self.images.device
        pixels.motions, pixels.background = motions.to(device), background.to(device)
        return pixels

    def batch(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Indices [S, B] -> normalised images float32 [S, B, D] and targets [S, K, B]."""
        flat = index.reshape(-1)
        images = self.images.index_select(0, flat)
        if len(self.motions):
            rows = torch.arange(len(index), device=index.device)[:, None]
            motions = self.motions[rows, index].flatten(0, 1)
            images = move(images.unflatten(1, self.shape), motions, self.background).flatten(1)
        images = self._normalised(images)
        targets = self.targets.index_select(0, flat)
        return images.view(*index.shape, -1), targets.view(*index.shape, -1).transpose(1, 2)

    def part(self, part: slice) -> tuple[Tensor, Tensor]:
        """Images [1, B, D] and labels [1, B] of a part."""
        return self._normalised(self.images[part])[None], self.labels[None, part]

    def _normalised(self, images: Tensor) -> Tensor:
        values = images.float()
        return torch.addcmul(self.offset, values, self.scale, out=values)
