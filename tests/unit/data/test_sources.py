"""Images from where they lie: what leaves is uint8 [N, C, H, W]; what cannot be read is one line."""

import hashlib
import math
import os
import pickle
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from minarch.data.catalogue import CATALOGUE
from minarch.data.pictures import _classes
from minarch.data.sources import read
from minarch.errors import UserError


def _draw(path: Path, value: int = 0, mode: str = "L", size: tuple[int, int] = (8, 8)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(value).integers(0, 256, (*size, 3), dtype=np.uint8)
    Image.fromarray(pixels).convert(mode).save(path)


def _folder(root: Path, classes: tuple[str, ...] = ("cat", "dog"), count: int = 3) -> Path:
    for c, name in enumerate(classes):
        for i in range(count):
            _draw(root / name / f"{i}.png", 10 * c + i)
    return root


def _read(root: Path, size: int = 8):
    return read(f"folder:{root}", None, size)


def test_digits_are_what_the_catalogue_says():
    train, test = read("digits", None, 8)
    assert test is None
    assert train.images.dtype == np.uint8 and train.labels.dtype == np.int64
    assert train.images.shape == (1797, *CATALOGUE["digits"].shape)
    assert len(train.classes) == CATALOGUE["digits"].classes == len(set(train.labels.tolist()))
    assert train.images.max() == 16


def test_a_folder_is_its_classes_in_order(tmp_path):
    train, test = _read(_folder(tmp_path))
    assert test is None
    assert train.classes == ["cat", "dog"]
    assert train.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert train.images.shape == (6, 1, 8, 8) and train.images.dtype == np.uint8


def test_pixels_arrive_unchanged_where_the_size_is_the_same(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    _folder(tmp_path, count=1)
    Image.fromarray(pixels).save(tmp_path / "cat/0.png")
    train, _ = _read(tmp_path)
    assert (train.images[0] == pixels.transpose(2, 0, 1)).all()


@pytest.mark.parametrize(
    ("mode", "name"), [("L", "x.png"), ("RGBA", "x.png"), ("P", "x.png"), ("1", "x.png"), ("RGB", "x.jpg")]
)
def test_every_kind_of_image_becomes_three_channels_of_the_size_where_one_is_of_colour(tmp_path, mode, name):
    _folder(tmp_path)
    _draw(tmp_path / "dog/z.png", mode="RGB")
    _draw(tmp_path / "cat" / name, mode=mode, size=(13, 5))
    train, _ = _read(tmp_path, 6)
    assert train.images.shape == (8, 3, 6, 6)


@pytest.mark.parametrize(("mode", "name"), [("L", "x.png"), ("1", "x.png"), ("LA", "x.png"), ("L", "x.jpg")])
@pytest.mark.parametrize("colour_in", [None, "train", "test"])
def test_a_folder_of_grey_files_alone_stays_grey(tmp_path, mode, name, colour_in):
    """And its pixels are those of one channel in colour."""
    for split in ("train", "test"):
        _draw(_folder(tmp_path / split) / "cat" / name, mode=mode, size=(13, 5))
    grey = _read(tmp_path, 6)
    _draw(tmp_path / (colour_in or "train") / "dog/z.png", mode="RGB" if colour_in else "L")
    other = _read(tmp_path, 6)
    channels = 3 if colour_in else 1
    assert [split.images.shape[1] for split in (*grey, *other)] == [1, 1, channels, channels]
    for before, after in zip(grey, other, strict=True):
        assert (after.images[: len(before.images)] == before.images).all()


def test_files_of_16_bits_are_grey_and_their_upper_8_count(tmp_path):
    _folder(tmp_path)
    Image.fromarray(np.arange(64, dtype=np.uint16).reshape(8, 8) * 1_000).save(tmp_path / "cat/9.png")
    images = _read(tmp_path)[0].images
    assert images.shape[1] == 1 and (images[3].ravel() == np.arange(64) * 1_000 // 256).all()


def test_train_and_test_folders_are_kept_apart(tmp_path):
    _folder(tmp_path / "train", count=4)
    _folder(tmp_path / "test", count=2)
    train, test = _read(tmp_path)
    assert (len(train.labels), len(test.labels)) == (8, 4)


def test_a_train_folder_alone_has_no_test(tmp_path):
    _folder(tmp_path / "train")
    assert _read(tmp_path)[1] is None


def _one_class(root):
    _folder(root, ("cat",))


def _no_class(root):
    root.mkdir(exist_ok=True)


def _empty_class(root):
    _folder(root)
    (root / "fox").mkdir()


def _other_classes(root):
    _folder(root / "train")
    _folder(root / "test", ("cat", "fox"))


def _no_image(root):
    _folder(root)
    (root / "dog/3.png").write_text("not an image")


def _half_an_image(root):
    _folder(root)
    path = root / "dog/1.png"
    path.write_bytes(path.read_bytes()[:60])


def _empty_image(root):
    _folder(root)
    (root / "dog/1.png").write_bytes(b"")


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (_one_class, "has 1 class folder(s) (cat); allowed: at least 2"),
        (_no_class, "has 0 class folder(s) (none); allowed: at least 2"),
        (_empty_class, "fox"),
        (_other_classes, "has classes ['cat', 'fox'] in test/; allowed: ['cat', 'dog']"),
        (_no_image, "dog/3.png' cannot be read"),
        (_half_an_image, "dog/1.png' cannot be read"),
        (_empty_image, "dog/1.png' cannot be read"),
    ],
)
def test_a_bad_folder_is_one_line(tmp_path, make, expected):
    make(tmp_path)
    with pytest.raises(UserError) as error:
        _read(tmp_path)
    assert len(str(error.value).splitlines()) == 1
    assert str(error.value).startswith("data.datasets: ")
    assert expected in str(error.value)


def test_more_images_than_memory_are_refused_before_one_is_read(tmp_path):
    """They are one file, listed two million times."""
    with pytest.raises(UserError) as error:
        _classes({"cat": [tmp_path / "x.png"] * 2_000_000, "dog": [tmp_path / "x.png"]}, 3, 512)
    assert str(error.value) == (
        "data.image_size: 512 makes 2000001 images take 1572.9 GB; allowed: a size at which they fit into memory twice"
    )


def test_a_folder_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(UserError, match=r"data\.datasets: 'folder:.*nowhere'"):
        _read(tmp_path / "nowhere")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@given(st.data())
def test_a_damaged_image_is_read_or_is_one_line(tmp_path, data):
    name = data.draw(st.sampled_from(["x.png", "x.jpg", "x.bmp", "x.tiff"]))
    root = tmp_path / name
    if not root.exists():
        _folder(root, count=1)
        _draw(root / "cat" / name, mode="RGB")
        (root / "truth").write_bytes((root / "cat" / name).read_bytes())
    truth = (root / "truth").read_bytes()
    start = data.draw(st.integers(0, len(truth) - 1))
    noise = data.draw(st.binary(max_size=8))
    tail = truth[start + len(noise) :] if data.draw(st.booleans()) else b""
    (root / "cat" / name).write_bytes(truth[:start] + noise + tail)
    try:
        shape = _read(root)[0].images.shape
    except UserError as error:
        message = str(error)
    else:
        message = str(shape)
    assert message == "(3, 3, 8, 8)" or (message.startswith("data.datasets: ") and "\n" not in message)


@pytest.mark.parametrize("dataset", sorted(set(CATALOGUE) - {"digits"}))
def test_a_root_without_the_files_is_one_line(tmp_path, dataset):
    with pytest.raises(UserError) as error:
        read(dataset, str(tmp_path), 32)
    assert len(str(error.value).splitlines()) == 1
    assert str(error.value).startswith(f"data.root: {str(tmp_path)!r} gives no files of {dataset} (")
    assert "allowed: a folder in torchvision's layout" in str(error.value)


def _refused(dataset: str, root: Path) -> str:
    with pytest.raises(UserError, match=rf"^data\.root: .* gives no files of {dataset} \(") as error:
        read(dataset, str(root), 32)
    assert len(str(error.value).splitlines()) == 1
    return str(error.value)


def _idx(root: Path, images: bytes, labels: bytes) -> None:
    raw = root / "MNIST/raw"
    raw.mkdir(parents=True)
    for split in ("train", "t10k"):
        (raw / f"{split}-images-idx3-ubyte").write_bytes(images)
        (raw / f"{split}-labels-idx1-ubyte").write_bytes(labels)


def _header(*sizes: int, kind: int = 8) -> bytes:
    return struct.pack(f">I{len(sizes)}I", 256 * kind + len(sizes), *sizes)


HUGE = 2**32 - 1


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"not a data set",
        b"\0\0\x08\x03\0\0\0\1",
        _header(HUGE, HUGE, HUGE),
        _header(HUGE, HUGE, HUGE) + bytes(784),
        _header(2**16, 2**16, 2**32 - 2**31) + bytes(1),
        _header(0, HUGE, HUGE) + bytes(1),
        _header(*[1] * 200) + bytes(1),
        _header(1, 28, 28, kind=14) + bytes(8 * 784),
        _header(1, 28, 28, kind=255) + bytes(784),
    ],
)
def test_mnist_files_that_are_damaged_are_one_line(tmp_path, text):
    _idx(tmp_path, text, text)
    _refused("mnist", tmp_path)


@pytest.mark.parametrize(
    ("images", "labels", "expected"),
    [
        ((100, 28, 28), bytes(100), "100 training images instead of 60000"),
        ((60_000, 14, 56), bytes(60_000), "60000 x 1 x 14 x 56 pixels and 60000 labels instead of N x (1, 28, 28)"),
        ((60_000, 28, 28), bytes(59_999), "60000 x 1 x 28 x 28 pixels and 59999 labels"),
        ((60_000, 28, 28), bytes(59_999) + b"\x0a", "labels outside 0 to 9"),
    ],
)
def test_what_was_never_published_as_mnist_is_refused(tmp_path, images, labels, expected):
    _idx(tmp_path, _header(*images) + bytes(math.prod(images)), _header(len(labels)) + labels)
    assert expected in _refused("mnist", tmp_path)


class _Trap:
    """Unpickling it makes a folder."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


PICKLES = {
    "cifar10": [f"cifar-10-batches-py/{name}" for name in ("data_batch_1", "test_batch", "batches.meta")],
    "cifar100": [f"cifar-100-python/{name}" for name in ("train", "test", "meta")],
    "svhn": ["train_32x32.mat", "test_32x32.mat"],
    "mnist": ["MNIST/processed/training.pt", "MNIST/processed/test.pt"],
}


@pytest.mark.parametrize("dataset", PICKLES)
def test_a_forged_pickle_is_not_opened(tmp_path, dataset):
    for name in PICKLES[dataset]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(pickle.dumps(_Trap(tmp_path / "mark")))
    _refused(dataset, tmp_path)
    assert not (tmp_path / "mark").exists()


def test_every_forged_part_of_cifar_is_noticed_before_any_is_opened(tmp_path, monkeypatch):
    """Also where all other files have the right MD5, as torchvision keeps it."""
    from minarch.data.vision import datasets

    good, files = pickle.dumps({"data": np.zeros((1, 3072), np.uint8), "labels": [0], "label_names": ["a"]}), {}
    digest = hashlib.md5(good).hexdigest()
    for part in ("train_list", "test_list"):
        listed = [[name, digest] for name, _ in getattr(datasets.CIFAR10, part)]
        monkeypatch.setattr(datasets.CIFAR10, part, listed)
        files |= dict(listed)
    monkeypatch.setattr(datasets.CIFAR10, "meta", {**datasets.CIFAR10.meta, "md5": digest})
    for forged in (*files, "batches.meta"):
        for name in (*files, "batches.meta"):
            (tmp_path / forged / "cifar-10-batches-py").mkdir(parents=True, exist_ok=True)
            text = pickle.dumps(_Trap(tmp_path / "mark")) if name == forged else good
            (tmp_path / forged / "cifar-10-batches-py" / name).write_bytes(text)
        assert "not found or corrupted" in _refused("cifar10", tmp_path / forged)
        assert not (tmp_path / "mark").exists()


@pytest.mark.timeout(20)
def test_a_fifo_in_place_of_a_file_is_not_opened(tmp_path):
    raw = tmp_path / "MNIST/raw"
    raw.mkdir(parents=True)
    for split in ("train", "t10k"):
        os.mkfifo(raw / f"{split}-images-idx3-ubyte")
        os.mkfifo(raw / f"{split}-labels-idx1-ubyte")
    _refused("mnist", tmp_path)


@pytest.mark.parametrize("dataset", sorted(set(CATALOGUE) - {"digits"}))
@pytest.mark.parametrize("root", ["a\0b", "a\nb", "r" * 5000, "/dev/null", "\udce9"])
def test_a_root_that_cannot_be_is_one_line(dataset, root):
    assert _refused(dataset, root)
