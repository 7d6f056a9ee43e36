"""Cuts: stratified, disjoint, fixed by the seed; the test set is untouched by every choice but its own share."""

import json

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from minarch.data.__main__ import normalisation, work
from minarch.data.sources import Images, read
from minarch.data.split import cut, limit
from minarch.data.tensors import load_split, save_split
from minarch.errors import UserError

OPTIONS = {"dataset": "digits", "name": "digits", "root": None, "image_size": 8, "seed": 0, "limit": None}
COUNTS = st.lists(st.integers(10, 60), min_size=2, max_size=5)
FEW = settings(max_examples=25, deadline=None)
SHARES = st.floats(0.15, 0.85)


def _numbered(counts: list[int]) -> Images:
    """Images that carry their own number."""
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))
    numbers = np.arange(len(labels), dtype=np.int64).view(np.uint8).reshape(-1, 1, 1, 8)
    return Images(numbers, labels, [str(i) for i in range(len(counts))])


def _numbers(images: Images) -> list[int]:
    return np.ascontiguousarray(images.images).view(np.int64).ravel().tolist()


@FEW
@given(COUNTS, SHARES, st.integers(0, 100))
def test_a_cut_loses_nothing_doubles_nothing_and_keeps_the_order(counts, share, seed):
    source = _numbered(counts)
    left, right = (_numbers(part) for part in cut(source, share, seed, "validation"))
    assert sorted(left + right) == _numbers(source)
    assert left == sorted(left) and right == sorted(right)


@FEW
@given(COUNTS, SHARES, st.integers(0, 100))
def test_a_cut_has_every_class_in_its_proportion(counts, share, seed):
    _, right = cut(_numbered(counts), share, seed, "validation")
    assert np.abs(np.bincount(right.labels) - share * np.array(counts)).max() < 2


@FEW
@given(COUNTS, SHARES, st.integers(0, 100))
def test_a_cut_is_fixed_by_its_seed(counts, share, seed):
    source = _numbered(counts)
    assert _numbers(cut(source, share, seed, "test")[1]) == _numbers(cut(source, share, seed, "test")[1])


def test_labels_stay_with_their_images():
    source = _numbered([20, 30])
    for part in cut(source, 0.3, 0, "test"):
        assert source.labels[_numbers(part)].tolist() == part.labels.tolist()


def test_another_seed_is_another_cut():
    source = _numbered([50, 50])
    assert _numbers(cut(source, 0.5, 0, "test")[1]) != _numbers(cut(source, 0.5, 1, "test")[1])


@FEW
@given(COUNTS, st.floats(0, 1))
def test_a_limit_is_a_stratified_part_of_just_that_many(counts, share):
    source = _numbered(counts)
    count = 10 + round(share * (sum(counts) - 10 - len(counts)))
    try:
        limited = limit(source, count, 0)
    except UserError:
        assume(False)
    assert len(limited.labels) == count
    assert set(_numbers(limited)) <= set(_numbers(source))
    assert set(limited.labels.tolist()) == set(source.labels.tolist())


def test_no_limit_takes_all():
    source = _numbered([10, 10])
    assert limit(source, None, 0) is limit(source, 20, 0) is limit(source, 99, 0) is source


@pytest.mark.parametrize(("counts", "share"), [([1, 30], 0.2), ([10, 10], 0.01), ([2, 2, 2], 0.9), ([2, 90], 0.1)])
def test_a_class_that_would_be_left_out_is_one_line(counts, share):
    with pytest.raises(UserError) as error:
        cut(_numbered(counts), share, 0, "validation")
    assert str(error.value).startswith(f"data.validation: {share} of {sum(counts)} images in {len(counts)} classes")
    assert "allowed: a value that takes at least one" in str(error.value)


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """A data item of digits made with options; made once for the same ones."""
    made = {}

    def make(**changes):
        key = json.dumps(changes, sort_keys=True)
        if key not in made:
            made[key] = tmp_path_factory.mktemp("data")
            work({**OPTIONS, "test": 0.2, "validation": 0.2, **changes}, {}, made[key])
        return made[key]

    return make


def _rows(item, *names) -> list[bytes]:
    return [image.numpy().tobytes() for name in names for image in load_split(item, name).images]


def test_the_splits_are_all_images_once(digits):
    train, test = read("digits", None, 8)
    assert test is None
    everything = sorted(image.tobytes() for image in train.images)
    assert sorted(_rows(digits(), "train", "validation", "test")) == everything


def test_validation_is_cut_from_the_training_images_only(digits):
    """Whatever is chosen for validation and limit, the test images stay, and none of them is trained on."""
    test = _rows(digits(), "test")
    for changes in ({"validation": 0.5}, {"limit": 300}):
        other = digits(**changes)
        assert _rows(other, "test") == test
        assert not set(_rows(other, "train", "validation")) & set(test)


def test_a_limit_counts_train_and_validation(digits):
    record = json.loads((digits(limit=300) / "record.json").read_text())
    assert record["counts"] == {"train": 240, "validation": 60, "test": 360}


def test_the_record_says_what_the_tensors_are(digits):
    record = json.loads((digits() / "record.json").read_text())
    assert record["shape"] == [1, 8, 8] and record["classes"] == 10 and not record["resized"]
    train = load_split(digits(), "train")
    assert record["counts"]["train"] == len(train) == sum(record["class_counts"]["train"])
    pixels = train.images.double()
    assert record["mean"][0] == pytest.approx(pixels.mean().item())
    assert record["std"][0] == pytest.approx(pixels.std(correction=0).item())
    batch = train.batch(slice(0, len(train)))
    assert batch.mean().item() == pytest.approx(0, abs=1e-5)
    assert batch.std().item() == pytest.approx(1, abs=1e-3)


@FEW
@given(st.integers(1, 600), st.sampled_from([1, 3]), st.integers(0, 100))
def test_mean_and_deviation_are_those_of_the_pixels(count, channels, seed):
    images = np.random.default_rng(seed).integers(0, 256, (count, channels, 3, 4), dtype=np.uint8)
    mean, std = normalisation(images)
    np.testing.assert_allclose(mean, images.mean(axis=(0, 2, 3)), rtol=1e-12)
    np.testing.assert_allclose(std, images.std(axis=(0, 2, 3)), rtol=1e-12)
    assert (normalisation(np.full_like(images, 200))[1] == 0).all()


def test_the_same_options_give_the_same_bytes(digits, tmp_path):
    work({**OPTIONS, "test": 0.2, "validation": 0.2}, {}, tmp_path)
    for path in sorted(digits().iterdir()):
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()


@pytest.mark.parametrize("text", [b"", b"\x80\x04.", b"{}", b"\xff" * 64])
def test_a_file_that_is_no_split_is_one_line(digits, tmp_path, text):
    (tmp_path / "train.safetensors").write_bytes(text)
    (tmp_path / "record.json").write_bytes((digits() / "record.json").read_bytes())
    with pytest.raises(UserError, match="not a split of a data item"):
        load_split(tmp_path, "train")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda images, labels: (images, labels + 1), "labels are 1 to 10, not 0 to 9"),
        (lambda images, labels: (images, labels - 1), "labels are -1 to 8, not 0 to 9"),
        (lambda images, labels: (images[:, :, 1:], labels), r"images are \[\d+, 1, 7, 8\], not \[\d+, 1, 8, 8\]"),
        (lambda images, labels: (images[1:], labels), r"images are \[\d+, 1, 8, 8\], not"),
        (lambda images, labels: (images.float(), labels), "images are torch.float32"),
    ],
)
def test_images_and_labels_that_the_record_does_not_say_are_refused(digits, tmp_path, change, message):
    """Compiled steps read them without a look, and what was pulled is not ours."""
    split = load_split(digits(), "train")
    save_split(tmp_path / "train.safetensors", *change(split.images, split.labels))
    (tmp_path / "record.json").write_bytes((digits() / "record.json").read_bytes())
    with pytest.raises(UserError, match=f"not a split of a data item .{message}"):
        load_split(tmp_path, "train")
