"""Moved images: torchvision's, the same bytes in any batch, from draws that only the seed and the epoch decide."""

import numpy as np
import pytest
import torch

from minarch.data.tensors import Split
from minarch.training.augment import Augment, Moves, background_of, move
from minarch.training.stacked.pixels import Pixels

import minarch.data.vision  # isort: skip  # noqa: F401 with which torchvision can be imported beside a CPU build of torch
from torchvision.transforms.v2 import InterpolationMode, functional  # isort: skip

CPU = torch.device("cpu")
AROUND = 40  # pixels around an image, so that torchvision has them where it would mix in black


def noise(count, *shape, edge=None):
    """Images of noise, framed by pixels of one value."""
    images = torch.randint(256, (count, *shape), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    if edge is not None:
        images[:, :, [0, -1]], images[..., [0, -1]] = edge, edge
    return Split(images, torch.arange(count) % 10, torch.full(shape[:1], 100.0), torch.full(shape[:1], 70.0))


def moved(split, augment, seed=0, epoch=1):
    """All images as they are seen in an epoch, uint8."""
    pixels = torch.empty_like(split.images)
    Moves(augment, split).moved(seed, epoch).fill(pixels)
    return pixels


def by_hand(seed, epoch, augment, count):
    """The angles in degrees, shifts in pixels and mirrors of an epoch."""
    draws = np.random.default_rng((seed, epoch))
    angles = draws.uniform(-augment.rotate, augment.rotate, count)
    return angles, draws.integers(-augment.shift, augment.shift + 1, (2, count)).T, draws.random(count) < 0.5


@pytest.mark.parametrize(("shape", "edge"), [((1, 28, 28), 0), ((3, 32, 32), 130), ((1, 8, 6), 255)])
@pytest.mark.parametrize(
    "augment",
    [Augment(shift=3), Augment(rotate=30.0), Augment(flip=True), Augment(shift=2, rotate=180.0, flip=True)],
    ids=str,
)
def test_each_image_is_the_one_of_torchvision(shape, edge, augment):
    """Image by image, with the edge's value around it; where a value is halfway, rounding may differ by a level."""
    split = noise(50, *shape, edge=edge)
    ours = moved(split, augment, seed=7, epoch=3)
    frame = [edge] * shape[0]
    for i, (angle, shift, mirrored) in enumerate(zip(*by_hand(7, 3, augment, 50), strict=True)):
        image = functional.pad(split.images[i], [AROUND], fill=frame)
        if mirrored and augment.flip:
            image = functional.horizontal_flip(image)
        image = functional.affine(
            image, angle, shift.tolist(), 1.0, [0.0, 0.0], interpolation=InterpolationMode.BILINEAR, fill=frame
        )
        off = (functional.center_crop(image, list(shape[1:])).int() - ours[i].int()).abs()
        assert off.max() <= 1 and (off > 0).float().mean() <= 0.01


def test_shifts_are_whole_pixels_and_a_mirror_image_is_one():
    split = noise(30, 2, 9, 7, edge=4)
    _, shifts, mirrored = by_hand(0, 1, augment := Augment(shift=2, flip=True), 30)
    for image, whole, (x, y), side in zip(moved(split, augment), split.images, shifts, mirrored, strict=True):
        framed = functional.pad(whole.flip(2) if side else whole, [2], fill=[4, 4])
        assert image.equal(framed[:, 2 - y : 11 - y, 2 - x : 9 - x])
    assert len({(x, y) for x, y in shifts.tolist()}) > 10 and 5 < mirrored.sum() < 25


def test_the_bytes_of_an_image_do_not_depend_on_its_batch():
    split = noise(70, 3, 11, 13)
    moves = Moves(Augment(shift=2, rotate=20.0, flip=True), split)
    seen = moves.moved(1, 1)
    whole = move(split.images, seen.motions, moves.background)
    for size in (1, 7, 64):
        parts = [
            move(images, motions, moves.background)
            for images, motions in zip(split.images.split(size), seen.motions.split(size), strict=True)
        ]
        assert torch.cat(parts).equal(whole)
    assert moved(split, moves.augment, 1, 1).equal(whole.to(torch.uint8))
    assert whole.equal(whole.round()) and whole.min() >= 0 and whole.max() <= 255


@pytest.mark.parametrize("shared", [False, True])
def test_a_stack_sees_what_each_of_its_repeats_sees_alone(shared):
    split = noise(40, 1, 8, 8)
    moves, seeds = Moves(Augment(shift=1, rotate=15.0), split), [3] if shared else [3, 4, 5]
    index = torch.stack([torch.randperm(40)[:16] for _ in seeds])
    pixels = Pixels(split, 10, CPU).moved(torch.stack([moves.motions(seed, 2) for seed in seeds]), moves.background)
    images, targets = pixels.batch(index)
    for row, seed in enumerate(seeds):
        expected = moves.moved(seed, 2).batch(index[row]).flatten(1)
        torch.testing.assert_close(images[row], expected, atol=1e-6, rtol=0)
        assert targets[row].argmax(0).equal(split.labels[index[row]])
    plain = Pixels(split, 10, CPU).part(slice(None))[0]
    assert pixels.part(slice(None))[0].equal(plain), "what is measured is never moved"


def test_draws_are_those_of_the_seed_and_the_epoch_and_within_their_ranges():
    augment = Augment(shift=2, rotate=10.0)
    draw = lambda seed, epoch: augment.draw(1000, (8, 8), seed, epoch)  # noqa: E731
    assert draw(1, 1).equal(draw(1, 1))
    assert draw(1, 1).ne(draw(1, 2)).any(1).all() and draw(1, 1).ne(draw(2, 1)).any(1).all()
    angles = torch.atan2(draw(1, 1)[:, 1], draw(1, 1)[:, 0]).rad2deg()
    assert angles.abs().max() <= 10 and angles.abs().max() > 9.5 and angles.mean().abs() < 1
    assert draw(2**63 - 1, 100_000).isfinite().all()


def test_a_further_range_leaves_the_other_draws_as_they_are():
    shifted, mirrored = (Augment(shift=2, flip=flip).draw(200, (8, 8), 0, 1) for flip in (False, True))
    assert shifted[:, 3:].equal(mirrored[:, 3:]) and shifted[:, 0].abs().equal(mirrored[:, 0].abs())


@pytest.mark.parametrize("edge", [0, 17, 255])
def test_what_comes_in_is_the_median_of_the_edges(edge):
    split = noise(20, 2, 9, 8, edge=edge)
    assert background_of(split).tolist() == [edge, edge]
    noisy = noise(20, 3, 6, 7)
    inside = torch.zeros(6, 7, dtype=torch.bool)
    inside[1:-1, 1:-1] = True
    edges = noisy.images.transpose(0, 1)[:, :, ~inside].flatten(1)
    assert background_of(noisy).tolist() == edges.float().median(1).values.tolist()


def test_nothing_is_copied_or_changed_in_the_split():
    split = noise(20, 1, 8, 8)
    before = split.images.clone()
    seen = Moves(Augment(shift=2), split).moved(0, 1)
    seen.batch(torch.arange(20))
    assert split.images.equal(before) and seen.images is split.images


@pytest.mark.parametrize("shared", [False, True])
def test_images_are_moved_where_they_are(shared):
    """On torch's device without memory, a tensor made elsewhere by mistake is an error, as it would be on a GPU."""
    split, meta = noise(20, 3, 8, 8), torch.device("meta")
    moves, repeats = Moves(Augment(shift=1), split), 1 if shared else 3
    pixels = Pixels(split, 10, meta).moved(torch.stack([moves.motions(0, 1)] * repeats), moves.background)
    images, _ = pixels.batch(torch.zeros(repeats, 5, dtype=torch.int64, device=meta))
    assert images.device == meta and images.shape == (repeats, 5, 192)
