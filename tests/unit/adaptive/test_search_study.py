"""The study file of a search."""

import shutil
from pathlib import Path

import pytest
import yaml

from minarch.adaptive.document import EPOCHS, StudyFile
from minarch.errors import UserError
from minarch.flow.config import load

REPOSITORY = Path(__file__).parents[3]
TRAININGS = {"dnn": [({"depth": 2, "width": 4}, 2), ({"depth": 2, "width": 8}, 10)], "vit": []}


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def folder(root: Path, images: int = 3) -> Path:
    """An image folder of two classes; nothing opens the images before a study runs."""
    for name in ("cat", "dog"):
        (root / "pets" / name).mkdir(parents=True)
        for image in range(images):
            (root / "pets" / name / f"{image}.png").touch()
    return root / "pets"


def test_it_is_a_study(here):
    study = StudyFile("digits")
    assert not study.listed
    study.write({family: sizes for family, sizes in TRAININGS.items() if sizes}, convergence={"target": 0.97})
    assert study.listed
    loaded = load(study.path)
    assert loaded.convergence.target == 0.97
    assert loaded.sweep.repeats_of == {"dnn": [2, 10]}
    assert loaded.sweep.block == 2


def test_what_the_user_edits_stays(here):
    study = StudyFile("digits")
    study.write({"dnn": TRAININGS["dnn"]})
    values = yaml.safe_load(study.path.read_text())
    values["train"]["epochs"] = 7
    values["data"]["validation"] = 0.3
    study.path.write_text(yaml.safe_dump(values))
    again = StudyFile("digits")
    again.write({"dnn": TRAININGS["dnn"][:1]}, representatives={"further": None})
    loaded = load(again.path)
    assert (loaded.train.epochs, loaded.data.validation) == (7, 0.3)
    assert loaded.sweep.repeats_of == {"dnn": [2]}


def test_a_file_may_hold_only_what_differs(here):
    Path("params").mkdir()
    Path("params/find-digits.yaml").write_text("data: {datasets: [digits]}\ntrain: {epochs: 5}\n")
    study = StudyFile("digits")
    assert not study.listed
    study.write({"dnn": TRAININGS["dnn"]})
    assert load(study.path).train.epochs == 5


def test_a_folder_is_counted_without_opening_an_image(here):
    images = folder(here, images=50)
    study = StudyFile("pets/")
    assert (study.path, study.classes) == (Path("params/find-pets.yaml"), 2)
    assert study.images == 64, "of 100 a fifth is cut off for test, and a fifth of the rest for validation"
    assert study.shape == (3, 32, 32)
    assert study.dataset == "folder:pets"
    assert study.values["train"]["epochs"] == max(EPOCHS)
    for split in ("train", "test"):
        shutil.copytree(images, here / "split" / split)
    assert StudyFile("split").images == 80, "it has a test folder of its own"


def test_an_edited_recipe_leaves_a_file_that_reads(here):
    """What is listed then was never trained, and what was to be pruned is not listed any more."""
    study, (small, large) = StudyFile("digits"), (knobs for knobs, _ in TRAININGS["dnn"])
    study.write({"dnn": TRAININGS["dnn"]}, representatives={"further": {"dnn": [small, large]}})
    StudyFile("digits").write({"dnn": [(large, 2)]}, representatives={"further": None})
    assert load(StudyFile("digits").path).representatives.further is None


def test_a_folder_needs_a_name(here):
    (here / "...").mkdir()
    with pytest.raises(UserError, match=r"IMAGES: '\.\.\.' cannot name a study; allowed: a folder with letters or"):
        StudyFile("...")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("5", "params/find-digits.yaml: 5 is not allowed; allowed: the sections of a study"),
        ("sweep: []", "params/find-digits.yaml: sweep: [] is not allowed; allowed: a mapping"),
        ("train: {batch_size: 3}", "params/find-digits.yaml: train.epochs: missing; it has no default"),
        ("train: {epochs: abc}", "params/find-digits.yaml: train.epochs: 'abc' is not allowed"),
        ("data: {datasets: [mnist]}", "data.datasets: ['mnist'] is not allowed; allowed: ['digits']"),
        (
            "data: {datasets: [digits]}\nsweep: {families: {rnn: {width: 1}}}\ntrain: {epochs: 1}\nprune: {}",
            "family: 'rnn' is not known",
        ),
    ],
)
def test_a_mistake_in_the_file_is_told_in_one_line(here, text, said):
    Path("params").mkdir()
    Path("params/find-digits.yaml").write_text(text)
    with pytest.raises(UserError) as mistake:
        StudyFile("digits")
    assert said in str(mistake.value)


def test_no_such_images(here):
    with pytest.raises(UserError, match="IMAGES: 'nowhere' is no folder; allowed: a folder of images, digits, mnist"):
        StudyFile("nowhere")
