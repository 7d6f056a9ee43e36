"""Variants in a params file: planned as what they are, keyed by what makes them; a mistake is one line."""

from pathlib import Path

import pytest
from PIL import Image

from minarch.commands.effort import efforts
from minarch.errors import UserError
from minarch.flow.config import load
from minarch.flow.study import Study

TWO = {"name": "two", "of": "cifar10", "classes": [0, 1], "grey": True}
BAD = {
    "no change": ({"of": "mnist"}, "datasets.0: x is no other than 'mnist'; allowed: with classes, size, grey or"),
    "no name": ({"name": ..., "of": "mnist", "grey": True}, "datasets.0.name: missing; it has no default"),
    "of nothing": ({"grey": True}, "datasets.0.of: missing; it has no default"),
    "of what is unknown": ({"of": "mnist-2", "grey": True}, "datasets.0.of: 'mnist-2' is no data set; allowed: digits"),
    "of itself": ({"of": "x", "grey": True}, "datasets.0.of: 'x' is no data set; allowed: digits"),
    "a published name": ({"name": "mnist", "of": "mnist", "size": 9}, "datasets.0.name: 'mnist' is not allowed; allow"),
    "a name of a path": ({"name": "a/b", "of": "mnist", "size": 9}, "datasets.0.name: 'a/b' is not allowed; allowed: "),
    "a name of a folder": ({"name": "folder:b", "of": "mnist", "size": 9}, "datasets.0.name: 'folder:b' is not allow"),
    "an option as a name": ({"name": "-b", "of": "mnist", "size": 9}, "datasets.0.name: '-b' is not allowed; allowed"),
    "no letters": ({"name": "", "of": "mnist", "size": 9}, "datasets.0.name: '' is not allowed; allowed: "),
    "a long name": ({"name": "é" * 51, "of": "mnist", "size": 9}, "at most 100 bytes"),
    "one class": ({"of": "mnist", "classes": [1]}, "datasets.0.classes: [1] is not allowed; allowed: at least 2"),
    "a class twice": ({"of": "mnist", "classes": [1, 1]}, "datasets.0.classes: 1 stands twice; allowed: each value"),
    "a class too many": ({"of": "mnist", "classes": [1, 10]}, "datasets.0.classes: 10 is not allowed; allowed: 0 to 9"),
    "a class below": ({"of": "mnist", "classes": [-1, 1]}, "datasets.0.classes.0: -1 is not allowed; allowed: greater"),
    "a tiny size": ({"of": "mnist", "size": 3}, "datasets.0.size: 3 is not allowed; allowed: greater than or equal to"),
    "a huge size": (
        {"of": "mnist", "size": 513},
        "datasets.0.size: 513 is not allowed; allowed: less than or equal to",
    ),
    "grey by a word": ({"of": "mnist", "grey": "on"}, "datasets.0.grey: 'on' is not allowed; allowed: true or false"),
    "only noise": ({"of": "mnist", "label_noise": 1}, "datasets.0.label_noise: 1 is not allowed; allowed: less than 1"),
    "an unknown key": (
        {"of": "mnist", "gray": True},
        "datasets.0.gray: unknown key; allowed: name, of, classes, size, grey, label_noise",
    ),
}


def _entry(changes):
    return {name: value for name, value in ({"name": "x"} | changes).items() if value is not ...}


@pytest.mark.parametrize(("changes", "expected"), BAD.values(), ids=BAD)
def test_a_mistake_is_one_line(workspace, changes, expected):
    with pytest.raises(UserError) as error:
        load(workspace.write(data__datasets=[_entry(changes)]))
    assert len(str(error.value).splitlines()) == 1
    assert str(error.value).startswith("params.yaml: data.") and expected in str(error.value), str(error.value)


@pytest.mark.parametrize("other", [TWO | {"size": 9}, "folder:a/two"])
def test_every_name_stands_once(workspace, other):
    with pytest.raises(UserError, match=r"^params.yaml: data.datasets: 'two' is the name of two data sets; allowed"):
        load(workspace.write(data__datasets=[TWO, other]))


def test_an_entry_that_is_neither_name_nor_variant_is_one_line(workspace):
    with pytest.raises(UserError, match=r"^params.yaml: data.datasets.0: 7 is not allowed; allowed: a text$"):
        load(workspace.write(data__datasets=[7]))


def test_a_variant_is_planned_as_the_images_that_it_has(workspace):
    study = load(workspace.write(data__datasets=["cifar10", TWO, {"name": "large", "of": "digits", "size": 32}]))
    assert [study.shape(name) for name in study.data.names] == [((3, 32, 32), 10), ((1, 32, 32), 2), ((1, 32, 32), 10)]
    assert study.data.entry("two").images == 10_000
    assert [effort.dataset for effort in efforts(study)][:1] == ["cifar10"]
    assert {effort.dataset: effort.images for effort in efforts(study)}["two"] == 8_000


def test_a_plain_name_is_read_and_keyed_as_without_variants(workspace):
    alone = workspace.plan("one.yaml", data__datasets=["digits"])
    beside = workspace.plan(
        "two.yaml", data__datasets=["digits", {"name": "noisy", "of": "digits", "label_noise": 0.1}]
    )
    (plain,) = alone.items("data").values()
    assert plain.identity == {"dataset": "digits", "seed": 0, "test": 0.2, "validation": 0.2}
    assert plain.name in beside.items("data") and set(alone.items("sweep")) < set(beside.items("sweep"))
    assert "variant" not in plain.config


def test_the_key_of_a_variant_is_what_makes_it(workspace):
    def name(**changes):
        plan = workspace.plan(f"{len(names)}.yaml", data__datasets=[TWO | changes])
        return next(iter(plan.items("data")))

    names = []
    for changes in ({}, {"classes": [1, 0]}, {"grey": False}, {"size": 16}, {"label_noise": 0.1}, {"of": "cifar100"}):
        names.append(name(**changes))
    assert len(set(names)) == 6 and all(made.startswith("two-") for made in names)
    assert name(label_noise=0.0, size=None) == names[0]


def test_items_are_called_by_the_variants_name_and_train_its_shape(workspace):
    plan = workspace.plan(data__datasets=[{"name": "small", "of": "digits", "classes": [3, 5, 8], "size": 4}])
    items = plan.items("sweep").values()
    assert items and all(item.slug.startswith("small-") and item.config["dataset"] == "small" for item in items)
    assert {str(spec["shape"]) + str(spec["classes"]) for item in items for spec in item.identity["structures"]} == {
        "[1, 4, 4]3"
    }


def test_only_what_may_be_mirrored_is_flipped(workspace):
    flip = {"train__augment": {"flip": True}}
    assert load(workspace.write(data__datasets=[TWO], **flip)).train.augment.flip
    with pytest.raises(UserError, match=r"flip: true is not allowed with large, whose mirror images are other"):
        load(workspace.write(data__datasets=[{"name": "large", "of": "digits", "size": 32}], **flip))


def test_images_are_shifted_by_less_than_the_edge_that_the_variant_has(workspace):
    with pytest.raises(UserError, match=r"shift: 6 is not allowed with small, of 6 pixels; allowed: less than 6"):
        load(
            workspace.write(data__datasets=[{"name": "small", "of": "digits", "size": 6}], train__augment={"shift": 6})
        )


def test_complexity_names_variants_as_the_list_does(workspace):
    names = ["digits", {"name": "odd", "of": "digits", "classes": [1, 3, 5]}]
    changes = {"complexity__architectures": {"dnn": {"depth": 1, "width": 4}}, "complexity__repeats": 1}
    plan = workspace.plan(data__datasets=names, complexity__datasets={"dnn": ["odd"]}, **changes)
    assert {item.config["dataset"] for item in plan.items("complexity").values()} == {"odd"}
    with pytest.raises(UserError, match=r"complexity.datasets: 'even' is not in data.datasets; allowed: digits, odd"):
        load(workspace.write(data__datasets=names, complexity__datasets={"dnn": ["even"]}, **changes))


def test_a_variant_of_a_folder_has_its_fingerprint_and_its_own_size(workspace):
    for label in "ab":
        Path("set", label).mkdir(parents=True)
        Image.new("L", (8, 8)).save(Path("set") / label / "0.png")
    small = {"name": "small", "of": "folder:set", "size": 6}
    plan = workspace.plan(data__datasets=["folder:set", small], data__image_size=12)
    plain, variant = plan.items("data").values()
    assert variant.identity["fingerprint"] == plain.identity["fingerprint"]
    assert (plain.identity["image_size"], variant.identity["image_size"], variant.config["image_size"]) == (12, 6, 6)


def test_only_keys_of_folders_cover_what_reads_them(workspace):
    for label in "ab":
        Path("set", label).mkdir(parents=True)
        Image.new("L", (8, 8)).save(Path("set") / label / "0.png")
    plan = workspace.plan(data__datasets=["digits", "folder:set", TWO])
    covered = {item.slug: "minarch.data.images" in item.code for item in plan.items("data").values()}
    assert covered == {"digits": False, "set": True, "two": False}


def test_what_a_study_says_of_its_variants_is_what_it_read(workspace):
    study = load(workspace.write(data__datasets=["digits", TWO]))
    assert Study.model_validate(study.model_dump(mode="json")) == study
