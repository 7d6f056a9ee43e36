"""Training images that are shifted, rotated and mirrored anew in every epoch, by draws that a seed and the epoch fix.

Shapes: N images of a split, B of a batch, C channels, H x W pixels. What moves an image is a row of 6 numbers: the
position in the image, in shares of half its width and height from its centre, from which the pixel at (x, y), in pixels
from the centre, takes its value is (m0 x + m1 y + m2, m3 x + m4 y + m5).

Every way of training moves the images that it reads by the same rows, and the arithmetic of an image does not depend on
the batch that it is in, so that all of them see the same bytes.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from minarch.data.tensors import Split

AT_ONCE = 64  # images: more would leave the caches


@dataclass(frozen=True, kw_only=True)
class Augment:
    """The range of what is drawn for each image: each draw is uniform.

    Whole pixels up to `shift` in both directions, an angle of up to `rotate` degrees either way about the centre, and,
    with `flip`, in half of all cases a mirror image.
    """

    shift: int = 0
    rotate: float = 0.0
    flip: bool = False

    def draw(self, count: int, shape: tuple[int, int], seed: int, epoch: int) -> Tensor:
        """What moves each of `count` images [C, H, W] in an epoch: float32 [N, 6], for `shape` (H, W).

        An image is mirrored, then rotated, then shifted. All is drawn, whatever the ranges are, so that a further one
        leaves the others' draws as they are.
        """
        draws = np.random.default_rng((seed, epoch))
        angle = np.radians(draws.uniform(-self.rotate, self.rotate, count))
        x, y = draws.integers(-self.shift, self.shift + 1, (2, count))
        side = np.where((draws.random(count) < 0.5) & self.flip, -1.0, 1.0)
        sine, cosine = np.sin(angle), np.cos(angle)
        across = side * np.stack([cosine, sine, -cosine * x - sine * y]) * (2 / shape[1])
        down = np.stack([-sine, cosine, sine * x - cosine * y]) * (2 / shape[0])
        return torch.from_numpy(np.concatenate([across, down]).T.astype(np.float32))


def move(images: Tensor, motions: Tensor, background: Tensor) -> Tensor:
    """Images uint8 [B, C, H, W] moved by [B, 6]: float32, in whole numbers, as torchvision's bilinear `affine` gives.

    Args:
        background: float32 [C], of what comes in from outside.
    """
    height, width = images.shape[2:]
    x, y = (torch.arange(n, device=images.device) + (0.5 - n / 2) for n in (width, height))
    m = motions[:, :, None, None]
    where = torch.empty((len(images), height, width, 2), device=images.device)
    torch.add(m[:, 0] * x, m[:, 1] * y[:, None] + m[:, 2], out=where[..., 0])
    torch.add(m[:, 3] * x, m[:, 4] * y[:, None] + m[:, 5], out=where[..., 1])
    outside = background[:, None, None]
    values = functional.grid_sample(images.float().sub_(outside), where, align_corners=False)  # zeros come in
    return values.add_(outside).round_()


def background_of(split: Split) -> Tensor:
    """The median of the pixels at the edges of a split's images, by channel: float32 [C] (our inference)."""
    images = split.images
    sides = (images[:, :, 0], images[:, :, -1], images[:, :, 1:-1, 0], images[:, :, 1:-1, -1])
    edges = torch.cat([side.transpose(0, 1).flatten(1) for side in sides], dim=1)
    counts = torch.stack([channel.bincount(minlength=256) for channel in edges])
    return (counts.cumsum(1) * 2 >= edges.shape[1]).int().argmax(1).float()


@dataclass(frozen=True)
class Moved(Split):
    """A split whose batches are moved, each image by its row of `motions` [N, 6]; what comes in is `background` [C]."""

    motions: Tensor
    background: Tensor

    def batch(self, index: Tensor | slice) -> Tensor:
        """Moved and normalised images, float32 [B, C, H, W]."""
        values = move(self.images[index], self.motions[index], self.background)
        return (values - self.mean[:, None, None]) / self.std[:, None, None]

    def fill(self, pixels: Tensor) -> None:
        """Write all images, moved, into uint8 [N, C, H, W]."""
        for start in range(0, len(self), AT_ONCE):
            part = slice(start, start + AT_ONCE)
            pixels[part] = move(self.images[part], self.motions[part], self.background)


class Moves:
    """How the images of a split are moved, epoch by epoch."""

    def __init__(self, augment: Augment, split: Split) -> None:
        self.augment, self.split, self.background = augment, split, background_of(split)

    def motions(self, seed: int, epoch: int) -> Tensor:
        """What moves each image in an epoch, float32 [N, 6], on the CPU."""
        height, width = self.split.images.shape[2:]
        return self.augment.draw(len(self.split), (height, width), seed, epoch)

    def moved(self, seed: int, epoch: int) -> Moved:
        """The split as it is seen in an epoch."""
        split, motions = self.split, self.motions(seed, epoch).to(self.split.images.device)
        return Moved(split.images, split.labels, split.mean, split.std, motions, self.background)
