"""Variants: what is kept of a data set is as published, and what is changed is what the study says."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from minarch.commands.classify import read_image
from minarch.data.__main__ import work
from minarch.data.sources import Images, read
from minarch.data.tensors import load_split
from minarch.data.variants import mislabelled, of_classes, redrawn
from minarch.errors import UserError
from minarch.quantization.preprocessing import Preprocessing

PLAIN = {"dataset": "digits", "name": "digits", "root": None, "image_size": 8, "seed": 3, "limit": None}
PLAIN |= {"test": 0.2, "validation": 0.2}
UNCHANGED = {"classes": None, "size": None, "grey": False, "label_noise": 0.0}
SPLITS = ("train", "validation", "test")


def _made(folder: Path, variant: dict | None = None, **changes) -> tuple[dict, dict]:
    """The record and the splits of a data item."""
    config = PLAIN | changes
    if variant:
        config |= {"dataset": "other", "name": "other"}
        config["variant"] = UNCHANGED | {"name": "other", "of": PLAIN["dataset"]} | variant
    folder.mkdir(parents=True)
    work(config, {}, folder)
    return json.loads((folder / "record.json").read_text()), {name: load_split(folder, name) for name in SPLITS}


def _colours(count: int = 40, classes: int = 4, edge: int = 8) -> Images:
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (count, 3, edge, edge), dtype=np.uint8)
    return Images(images, np.arange(count) % classes, [f"class {c}" for c in range(classes)])


def test_the_classes_kept_are_all_their_images_numbered_in_the_order_given():
    source = _colours()
    kept = of_classes(source, [3, 1], "some")
    assert kept.classes == ["class 3", "class 1"] and len(kept.labels) == 20
    assert (kept.images == source.images[source.labels % 2 == 1]).all()
    assert ([kept.classes[label] for label in kept.labels]) == ["class 1", "class 3"] * 10


def test_the_files_of_a_folder_stay_with_their_images():
    source = _colours()
    files = [Path(f"{i}.png") for i in range(40)]
    kept = of_classes(Images(source.images, source.labels, source.classes, files), [0, 2], "some")
    assert kept.files == files[::2]


def test_a_class_that_is_not_there_is_one_line():
    with pytest.raises(UserError) as error:
        of_classes(_colours(), [0, 4], "some")
    assert str(error.value) == "data.datasets: some: classes: 4 is not allowed; allowed: 0 to 3"


def test_grey_is_the_luminance_of_itu_r_601():
    grey = redrawn(_colours(), None, grey=True)
    assert grey.images.shape == (40, 1, 8, 8) and grey.images.dtype == np.uint8
    luminance = np.tensordot(_colours().images, [0.299, 0.587, 0.114], axes=(1, 0))
    assert np.abs(grey.images[:, 0] - luminance).max() <= 0.51


def test_images_of_one_value_keep_it_at_every_size():
    source = Images(np.full((2, 3, 8, 8), [[[[7]], [[90]], [[200]]]], np.uint8), np.arange(2), ["a", "b"])
    for size in (4, 13, 32):
        resized = redrawn(source, size, grey=False).images
        assert resized.shape == (2, 3, size, size)
        assert (resized == np.array([7, 90, 200])[:, None, None]).all()


def test_what_is_neither_resized_nor_greyed_is_the_same():
    source = _colours()
    assert redrawn(source, None, grey=False) is source
    assert (redrawn(source, 8, grey=False).images == source.images).all()
    grey = redrawn(source, None, grey=True)
    assert (redrawn(grey, None, grey=True).images == grey.images).all()


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.99])
def test_the_share_of_labels_replaced_is_exact_and_the_others_are_as_they_were(share):
    source = _colours(1_000)
    noisy = mislabelled(source, share, [0, 0])
    assert (noisy.labels != source.labels).sum() == round(1_000 * share)
    assert (noisy.images == source.images).all()
    assert set(noisy.labels.tolist()) <= set(range(4))


def test_every_other_class_is_as_likely():
    source = Images(np.zeros((30_000, 1, 1, 1), np.uint8), np.full(30_000, 2), list("abcd"))
    counts = np.bincount(mislabelled(source, 0.9, [0, 0]).labels)
    assert counts[2] == 3_000 and np.abs(counts[[0, 1, 3]] - 9_000).max() < 5 * 80


def test_labels_are_replaced_alike_by_one_seed_and_otherwise_by_another():
    source = _colours()
    one, same, other = (mislabelled(source, 0.5, [seed, 0]).labels.tolist() for seed in (1, 1, 2))
    assert one == same != other


def test_noise_changes_labels_of_training_and_validation_and_nothing_else(tmp_path):
    """The images of every split are those without noise, and test labels are as published."""
    plain, clean = _made(tmp_path / "plain")
    record, noisy = _made(tmp_path / "noisy", {"label_noise": 0.25})
    for name in SPLITS:
        assert (noisy[name].images == clean[name].images).all()
        changed = int((noisy[name].labels != clean[name].labels).sum())
        assert changed == (0 if name == "test" else round(0.25 * len(clean[name])))
    assert record["counts"] == plain["counts"] and record["class_counts"]["test"] == plain["class_counts"]["test"]
    assert not record["resized"] and record["dataset"] == "other"


def test_a_variant_with_all_its_changes_is_what_the_record_says(tmp_path):
    record, splits = _made(tmp_path / "it", {"classes": [1, 7], "size": 12, "grey": True, "label_noise": 0.1})
    assert record["shape"] == [1, 12, 12] and record["class_names"] == ["1", "7"] and record["resized"]
    labels = read("digits", None, 8)[0].labels
    assert sum(record["counts"].values()) == int(np.isin(labels, [1, 7]).sum())
    assert splits["train"].images.shape[1:] == (1, 12, 12)


@pytest.mark.parametrize("variant", [{"size": 13}, {"size": 13, "grey": True}, {"grey": True}])
def test_an_image_file_is_read_as_the_variant_was(tmp_path, variant):
    """Colour files of another size become the very pixels that the network was trained on."""
    source = _colours(4)
    made = redrawn(source, variant.get("size"), grey=variant.get("grey", False)).images
    given = Preprocessing("other", list(made.shape[1:]), source.classes, resize=True)
    for i, pixels in enumerate(source.images):
        Image.fromarray(pixels.transpose(1, 2, 0)).save(tmp_path / f"{i}.png")
        assert (read_image(tmp_path / f"{i}.png", given) == made[i]).all()


def test_grey_files_are_read_as_a_resized_grey_data_set_was(tmp_path):
    source, _ = read("digits", None, 8)
    made = redrawn(source, 20, grey=False).images[0]
    Image.fromarray(source.images[0, 0]).save(tmp_path / "0.png")
    given = Preprocessing("other", [1, 20, 20], source.classes, resize=True)
    assert (read_image(tmp_path / "0.png", given) == made).all()


def test_a_folder_is_read_at_the_size_of_its_variant(tmp_path):
    for label in ("cat", "dog", "fox"):
        (tmp_path / "pets" / label).mkdir(parents=True)
        for i in range(12):
            image = Image.fromarray(_colours(1, 1, 20).images[0].transpose(1, 2, 0)).rotate(15 * i)
            image.putpixel((0, 0), (i, "cdf".index(label[0]), 0))
            image.putpixel((10, 10), (20 * i, 80 * "cdf".index(label[0]), 0))
            image.save(tmp_path / "pets" / label / f"{i}.png")
    folder = f"folder:{tmp_path / 'pets'}"
    variant = {"of": folder, "classes": [2, 0], "size": 10, "grey": True}
    record, _ = _made(tmp_path / "it", variant, image_size=10)
    assert record["class_names"] == ["fox", "cat"] and record["shape"] == [1, 10, 10] and record["resized"]
    with pytest.raises(UserError, match=r"^data.datasets: other: classes: 3 is not allowed; allowed: 0 to 2$"):
        _made(tmp_path / "no", variant | {"classes": [0, 3]}, image_size=10)
