"""Bad input ends in one line that names the field, the value and what is allowed; nothing computed before is lost."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from minarch.flow.stages import STAGES

from .conftest import Project, jobs

pytestmark = pytest.mark.workflow

HOPELESS = {"dnn": {"depth": 1, "width": 1}}
# What is changed in params.yaml -> what our line begins with, and what else it says.
PLANNED: dict[str, tuple[dict[str, Any], str, str]] = {
    "unknown key": ({"train__epoch": 3}, "params.yaml: train.epoch: unknown key", "allowed: epochs, batch_size"),
    "wrong type": ({"train__epochs": "many"}, "params.yaml: train.epochs: 'many'", "allowed: a valid integer"),
    "out of range": ({"prune__levels": [1.5]}, "params.yaml: prune.levels.0: 1.5", "allowed: less than 1"),
    "unknown importance": (
        {"prune__methods": {"l3": {"importance": "L3"}}},
        "params.yaml: prune.methods.l3.importance: 'L3'",
        "allowed: 'L1', 'L2', 'geometric_median', 'random' or 'learned'",
    ),
    "a ranking of what cannot be ranked": (
        {"prune__methods": {"legr": {"importance": "learned"}}},
        "params.yaml: prune.methods.legr.scope: 'layer'",
        "allowed: global",
    ),
    "rewinding beyond the training": (
        {"prune__methods": {"l1": {"weights": "rewound", "rewind": 8}}},
        "params.yaml: prune.methods.l1.rewind: 8",
        "allowed: less than train.epochs, 8",
    ),
    "unknown method to export": (
        {"quantize__pruned": ["l2"]},
        "params.yaml: quantize.pruned: 'l2'",
        "allowed: l1, iterative, random",
    ),
    "bits outside the list": (
        {"quantize__precisions": ["int8", "int9"]},
        "params.yaml: quantize.precisions.1: 'int9'",
        "'int2' or 'int1'",
    ),
    "quantized training where NNCF has none": (
        {"quantize__methods": {"trained": {"qat": {"epochs": 1}}}},
        "params.yaml: quantize.methods.trained.backend: 'openvino'",
        "allowed: torch",
    ),
    "layers to revert where nothing is measured": (
        {"quantize__methods": {"int4": {"precision": "int4", "max_drop_points": 1.0}}},
        "params.yaml: quantize.methods.int4.max_drop_points: 1.0",
        "allowed: None",
    ),
    "a further model that was not trained": (
        {"representatives__further": {"dnn": {"depth": 1, "width": 17}}},
        "params.yaml: representatives.further: dnn {'depth': 1, 'width': 17} is not in the sweep",
        "allowed: what is",
    ),
    "a level twice": (
        {"prune__sensitivity_levels": [0.5, 0.5]},
        "params.yaml: prune.sensitivity_levels: 0.5 stands twice",
        "allowed: each value once",
    ),
    "a truth for a number": (
        {"train__learning_rate": True},
        "params.yaml: train.learning_rate: True is not allowed",
        "allowed: a valid number",
    ),
    "a method called as what is not quantized": (
        {"quantize__methods": {"fp32": {}}},
        "params.yaml: quantize.methods: 'fp32' is not allowed",
        "allowed: any name but",
    ),
    "a grid of a million": (
        {"sweep__families": {"dnn": {"depth": list(range(1, 1001)), "width": list(range(1, 1001))}}},
        "params.yaml: sweep.families: dnn: its grid lists 1,000,000 architectures",
        "allowed: at most 100,000",
    ),
    "a name that is no module": (
        {"sweep__families": {"..:a": {"depth": 1}}},
        "params.yaml: sweep.families: family: '..:a' is not known",
        "it must be one of dnn, cnn, vit",
    ),
    "empty grid": (
        {"sweep__families": {"dnn": {"depth": 1, "width": []}}},
        "params.yaml: sweep.families: dnn: {'depth': 1, 'width': []}",
        "allowed: at least one value for every knob",
    ),
    "unknown data set": (
        {"data__datasets": ["imagenet"]},
        "params.yaml: data.datasets: 'imagenet'",
        "allowed: digits, mnist",
    ),
    "unknown family": (
        {"sweep__families": {"rnn": {"width": 1}}},
        "params.yaml: sweep.families: family: 'rnn'",
        "dnn, cnn, vit",
    ),
    "width of nothing": (
        {"sweep__families": {"dnn": {"depth": 1, "width": [16, 0]}}},
        "params.yaml: sweep.families: dnn.width: 0 is not allowed",
        "an integer from 1 to 1,000,000",
    ),
    "heads that do not divide the width": (
        {"sweep__families": {"vit": {"depth": 1, "width": 10, "heads": 4, "patch": 4}}},
        "params.yaml: sweep.families: vit.width: 10 is not allowed",
        "a multiple of heads (4)",
    ),
    "a patch that does not tile the image": (
        {"sweep__families": {"vit": {"depth": 1, "width": 8, "heads": 4, "patch": 3}}},
        "params.yaml: vit.patch: 3 is not allowed",
        "divide the image's 8x8 pixels",
    ),
    "unknown strategy": (
        {"train__strategy": "fastest"},
        "params.yaml: train.strategy: 'fastest'",
        "allowed: 'auto', 'stacked' or 'sequential'",
    ),
    "unknown device": ({"train__device": "tpu"}, "params.yaml: train.device: 'tpu'", "allowed: 'cpu' or 'cuda'"),
    "precision without effect": (
        {"train__precision": "tf32"},
        "params.yaml: train.precision: 'tf32' has no effect with device: cpu",
        "allowed: null",
    ),
    "giving up without effect": (
        {"train__epochs": 3, "train__give_up_after": 3},
        "params.yaml: train.give_up_after: 3 has no effect with epochs: 3",
        "allowed: fewer, or null",
    ),
    "no such folder": (
        {"data__datasets": ["folder:nowhere"]},
        "data.datasets: 'folder:nowhere' is not there",
        "allowed: a directory",
    ),
    "one class": (
        {"data__datasets": ["folder:one-class"]},
        "data.datasets: 'folder:one-class' has 1 class",
        "allowed: at least 2",
    ),
    "the root": (
        {"data__datasets": ["folder:/"]},
        "params.yaml: data.datasets: 'folder:/' cannot name a data set",
        "allowed: folder:PATH",
    ),
    "a system's folder": (
        {"data__datasets": ["folder:/proc"]},
        "data.datasets: '/proc/",
        "allowed: ",
    ),
    "notes beside images": (
        {"data__datasets": ["folder:odd/notes"]},
        "data.datasets: 'odd/notes/b/notes.txt' is no image by its name",
        "allowed: .bmp, .gif",
    ),
    "a pipe": (
        {"data__datasets": ["folder:odd/pipe"]},
        "data.datasets: 'odd/pipe/b/x.png' is a FIFO, a socket, a device or a broken link",
        "allowed: regular files and links to them",
    ),
    "links that lead back": (
        {"data__datasets": ["folder:odd/links"]},
        "data.datasets: 'folder:odd/links': 'odd/links/.up' leads to a folder that is part of it already",
        "allowed: files that can be read",
    ),
    "a class of two lines": (
        {"data__datasets": ["folder:odd/lines"]},
        "data.datasets: 'folder:odd/lines' has a class 'c\\nd'",
        "allowed: printable characters in UTF-8",
    ),
    "a seed that is too large": (
        {"data__seed": 2**32},
        "params.yaml: data.seed: 4294967296",
        "allowed: less than 4294967296",
    ),
}
# Found by a job, in the course of the run.
FOUND: dict[str, tuple[dict[str, Any], str, str]] = {
    "no files": (
        {"data__datasets": ["digits", "mnist"], "data__root": "one-class"},
        "minarch data: data.root: 'one-class' gives no files of mnist",
        "allowed: a folder in torchvision's layout",
    ),
    "unreadable image": (
        {"data__datasets": ["digits", "folder:unreadable"]},
        "minarch data: data.datasets: 'unreadable/b/3.png' cannot be read",
        "allowed: whole image files",
    ),
    "a test set that was trained on": (
        {"data__datasets": ["digits", "folder:leaking"]},
        "minarch data: data.datasets: 'folder:leaking': 12 of 16 test images equal train images at 32 x 32 pixels",
        "allowed: every image once",
    ),
    "batch larger than the data": (
        {"sweep__families": HOPELESS, "train__batch_size": 5000},
        "minarch sweep: train.batch_size: 5000 is not allowed",
        "training images; allowed: 1 to",
    ),
    "more repeats than memory": (
        {"sweep__families": {"dnn": {"depth": 4, "width": 1000}}, "sweep__repeats": 10_000},
        "minarch sweep: sweep.repeats: 10000 repeats of",
        "allowed: sweep.block of at most",
    ),
    "a group that would vanish": (
        {
            "sweep__families": {"dnn": {"depth": [1], "width": [1, 16, 64]}},
            "prune__methods": {"macs": {"target": "macs"}},
            "prune__levels": [0.999],
            "quantize__pruned": None,
        },
        "minarch prune: prune.levels: 0.999 of the MACs cannot go",
        "allowed: at most",
    ),
    "more calibration images than there are": (
        {"quantize__calibration": 5000},
        "minarch quantize: quantize.calibration: 5000 is not allowed",
        "allowed: 1 to",
    ),
    "no representative": (
        {"sweep__families": HOPELESS, "train__learning_rate": 1e-9},
        "minarch representatives: representatives.roles: 'minimal' finds no model for digits/dnn",
        "raise the epochs",
    ),
}


def draw(folder: Path, classes: int, per_class: int) -> None:
    """Digits of scikit-learn as PNGs, one folder per class."""
    bunch = load_digits(n_class=classes)
    for label in range(classes):
        place = folder / "ab"[label] if classes <= 2 else folder / str(label)
        place.mkdir(parents=True)
        for i, pixels in enumerate(bunch.images[bunch.target == label][:per_class]):
            Image.fromarray((16 * pixels).clip(0, 255).astype(np.uint8)).save(place / f"{i}.png")


@pytest.fixture(scope="module")
def victim(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A finished study beside bad folders; each test must leave it as it was, which both tools say at the end."""
    project = finished.copy(tmp_path_factory.mktemp("victim") / "project")
    draw(project.root / "one-class", 1, 3)
    draw(project.root / "unreadable", 2, 5)
    (project.root / "unreadable/b/3.png").write_bytes(b"\x89PNG\r\n\x1a\n and then nothing")
    for split in ("train", "test"):
        draw(project.root / "leaking" / split, 2, 8)
    odd = project.root / "odd"
    for name in ("notes", "pipe", "links", "lines"):
        draw(odd / name, 2, 3)
    (odd / "notes/b/notes.txt").write_text("of images")
    os.mkfifo(odd / "pipe/b/x.png")
    (odd / "links/.up").symlink_to(".")
    (odd / "lines/a").rename(odd / "lines/c\nd")
    yield project
    project.assert_clean()


def _refused(project: Project, expected: tuple[dict[str, Any], str, str], *command: str) -> None:
    """A run with the bad values says its one line; the good ones are put back."""
    changes, begins, allowed = expected
    params = (project.root / "params.yaml").read_text()
    project.edit(**changes)
    try:
        said = project.run(*command, ok=False)
    finally:
        (project.root / "params.yaml").write_text(params)
    assert "Traceback" not in said, said
    beginnings = ("params.yaml: ", "data.", "minarch ")
    lines = list({line for line in said.splitlines() if line.startswith(beginnings)})  # two jobs may say the same
    assert len(lines) == 1, said
    assert lines[0].startswith(begins) and allowed in lines[0], lines[0]


@pytest.mark.parametrize("expected", PLANNED.values(), ids=PLANNED)
def test_snakemake_refuses_a_bad_study(victim: Project, expected: tuple[dict[str, Any], str, str]) -> None:
    before = {stage: victim.items(stage) for stage in STAGES}
    assert all(before[stage] for stage in STAGES if stage not in ("refine", "refined"))
    _refused(victim, expected, "snakemake")
    assert {stage: victim.items(stage) for stage in STAGES} == before


@pytest.mark.parametrize("expected", FOUND.values(), ids=FOUND)
def test_what_a_job_finds_is_told_and_costs_nothing(
    project: Project, victim: Project, expected: tuple[dict[str, Any], str, str]
) -> None:
    for folder in ("one-class", "unreadable", "leaking"):
        shutil.copytree(victim.root / folder, project.root / folder)
    before = {stage: project.digests(stage) for stage in STAGES}
    _refused(project, expected, "snakemake")
    said = project.run("snakemake")
    assert not any(jobs(said, f"{stage}_item") for stage in STAGES)
    assert {stage: project.digests(stage) for stage in STAGES} == before
    project.assert_clean()


@pytest.mark.parametrize("name", ["wrong type", "one class"])
def test_dvc_passes_the_line_on(victim: Project, name: str) -> None:
    _refused(victim, PLANNED[name], "dvc", "repro")
