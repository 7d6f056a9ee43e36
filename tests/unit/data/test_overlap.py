"""Equal images in two splits: counted for every data set, an error for the user's own."""

import json
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from minarch.data.__main__ import work
from minarch.data.catalogue import CATALOGUE
from minarch.data.overlap import overlap, refuse
from minarch.data.sources import Images
from minarch.errors import UserError

OPTIONS = {"name": "mine", "root": None, "image_size": 8, "seed": 0, "limit": None, "test": 0.25, "validation": 0.25}
NUMBERS = st.lists(st.integers(0, 12), max_size=12)


def _images(numbers: list[int], labels: list[int] | None = None) -> Images:
    """Images of 2 x 4 pixels that show their number."""
    pixels = np.asarray(numbers, np.int64).view(np.uint8).reshape(-1, 1, 2, 4)
    files = [Path(f"{place}-{number}.png") for place, number in enumerate(numbers)]
    return Images(pixels, np.asarray(labels or [0] * len(numbers), np.int64), ["a", "b"], files)


@settings(max_examples=50, deadline=None)
@given(NUMBERS, NUMBERS, NUMBERS)
def test_what_is_counted_is_what_is_equal(train, validation, test):
    numbers = {"train": train, "validation": validation, "test": test}
    equal = overlap({name: _images(values) for name, values in numbers.items()})
    assert equal.keys() == {"train-test", "train-validation", "validation-test"}
    for title, pairs in equal.items():
        first, second = (numbers[name] for name in title.split("-"))
        assert [j for _, j in pairs] == [j for j, number in enumerate(second) if number in first]
        assert all(first[i] == second[j] for i, j in pairs)


def _refused(splits: dict[str, Images]) -> str:
    with pytest.raises(UserError) as error:
        refuse(splits, overlap(splits), "folder:mine")
    assert len(str(error.value).splitlines()) == 1
    return str(error.value)


def test_equal_images_of_the_user_s_are_refused_by_name():
    splits = {"train": _images([1, 2, 3]), "validation": _images([4]), "test": _images([5, 3, 2])}
    assert _refused(splits) == (
        "data.datasets: 'folder:mine': 2 of 3 test images equal train images at 2 x 4 pixels,"
        " such as '1-3.png' and '2-3.png'; allowed: every image once"
    )


def test_an_image_that_has_two_classes_is_said_to():
    splits = {"train": _images([1, 2]), "validation": _images([2, 1], [0, 1]), "test": _images([5])}
    assert "2 of 2 validation images equal train images at 2 x 4 pixels, 1 of them of another class," in _refused(
        splits
    )
    assert "such as '1-1.png' and '0-1.png'" in _refused(splits)


def test_splits_without_equal_images_pass():
    splits = {"train": _images([1, 1]), "validation": _images([2, 2]), "test": _images([3, 3])}
    refuse(splits, overlap(splits), "folder:mine")


def _folder(root: Path, count: int = 8, seed: int = 0) -> Path:
    generator = np.random.default_rng(seed)
    for name in ("cat", "dog"):
        (root / name).mkdir(parents=True)
        for k in range(count):
            Image.fromarray(generator.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(root / name / f"{k}.png")
    return root


def _work(root: Path, out: Path, **options) -> dict:
    out.mkdir()
    work({**OPTIONS, "dataset": f"folder:{root}", **options}, {}, out)
    return json.loads((out / "record.json").read_text())


def test_a_test_set_that_is_the_training_set_is_refused(tmp_path):
    _folder(tmp_path / "set/train")
    shutil.copytree(tmp_path / "set/train", tmp_path / "set/test")
    with pytest.raises(UserError, match=r"12 of 16 test images equal train images .*set/test/.*png.* and .*set/train/"):
        _work(tmp_path / "set", tmp_path / "out")


def test_a_test_set_of_its_own_passes_and_is_recorded(tmp_path):
    _folder(tmp_path / "set/train")
    _folder(tmp_path / "set/test", seed=1)
    record = _work(tmp_path / "set", tmp_path / "out")
    assert record["overlap"] == {"train-test": 0, "train-validation": 0, "validation-test": 0}


def test_copies_in_one_class_that_a_cut_parts_are_refused(tmp_path):
    root = _folder(tmp_path / "set")
    for k in range(8):
        shutil.copy(root / "cat/0.png", root / f"cat/copy-{k}.png")
    with pytest.raises(UserError, match=r"equal .* images at 8 x 8 pixels, such as .*set/cat/.* and .*set/cat/"):
        _work(root, tmp_path / "out")


def test_copies_in_two_classes_are_said_to_contradict(tmp_path):
    root = _folder(tmp_path / "set")
    for k in range(8):
        shutil.copy(root / "cat/0.png", root / f"dog/copy-{k}.png")
        shutil.copy(root / "cat/0.png", root / f"cat/copy-{k}.png")
    with pytest.raises(UserError, match=r"of them of another class, such as .*\.png'; allowed: every image once"):
        _work(root, tmp_path / "out")


def _idx(path: Path, values: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack(f">I{values.ndim}I", 0x800 + values.ndim, *values.shape) + values.tobytes())


def test_a_published_data_set_keeps_its_copies_and_they_are_said(tmp_path, capsys):
    """Files in MNIST's layout whose test images are 100 training images, and 50 others."""
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 256, (CATALOGUE["mnist"].images + 50, 28, 28), dtype=np.uint8)
    labels = np.arange(len(pixels), dtype=np.uint8) % 10
    for split, where in (("train", slice(0, -50)), ("t10k", slice(-150, None))):
        _idx(tmp_path / f"MNIST/raw/{split}-images-idx3-ubyte", pixels[where])
        _idx(tmp_path / f"MNIST/raw/{split}-labels-idx1-ubyte", labels[where])
    out = tmp_path / "out"
    out.mkdir()
    work({**OPTIONS, "dataset": "mnist", "name": "mnist", "root": str(tmp_path)}, {}, out)
    counts = json.loads((out / "record.json").read_text())["overlap"]
    assert counts["train-test"] + counts["validation-test"] == 100 and counts["train-validation"] == 0
    assert capsys.readouterr().err == (
        f"mnist: as published, images stand in two splits: {counts['train-test']} in train-test, 0 in train-validation,"
        f" {counts['validation-test']} in validation-test\n"
    )


def test_digits_hold_every_image_once(tmp_path, capsys):
    out = tmp_path / "out"
    out.mkdir()
    work({**OPTIONS, "dataset": "digits", "name": "digits"}, {}, out)
    assert set(json.loads((out / "record.json").read_text())["overlap"].values()) == {0}
    assert capsys.readouterr().err == ""
