"""From a folder of images to a C file, by one command that is killed on the way."""

import csv
import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from sklearn.datasets import load_digits

from ..compiled_c import run_c
from .conftest import Project

pytestmark = pytest.mark.workflow
CLASSES, PROOF = (0, 1, 4, 7), 4
RECIPE = {"data": {"image_size": 8}, "train": {"epochs": 10, "learning_rate": 1e-2}}  # what its user has edited


def folder_of_images(root: Path) -> Path:
    """Digits of a few classes as files, the last third of each for test."""
    digits = load_digits()
    for label in CLASSES:
        images = digits.images[digits.target == label]
        for number, image in enumerate(images):
            split = "train" if number < 2 * len(images) / 3 else "test"
            place = root / "photos" / split / str(label)
            place.mkdir(parents=True, exist_ok=True)
            grey = (image * 15.9).astype(np.uint8)
            Image.fromarray(grey).convert("RGB").save(place / f"{number:03}.png")
    return root / "photos"


def sweep(project: Project) -> dict[str, int]:
    """Finished trainings of the search, with the times of their records."""
    records = (project.root / "artifacts/studies/find-photos/sweep").glob("[!.]*/item.json")
    return {record.parent.name: record.stat().st_mtime_ns for record in records}


@pytest.mark.long
def test_a_search_that_is_killed_goes_on_and_ends_in_a_c_file_as_accurate_as_the_report_says(
    fresh: Project, tmp_path: Path
) -> None:
    project, images = fresh.copy(tmp_path / "project"), folder_of_images(tmp_path)
    study = project.root / "params/find-photos.yaml"
    recipe = {**RECIPE, "data": {**RECIPE["data"], "datasets": [f"folder:{images}"]}}
    study.write_text(yaml.safe_dump(recipe))
    command = ["minarch", "find", str(images), "--target", "0.95", "--trainings", str(PROOF)]
    process = subprocess.Popen(
        command, cwd=project.root, env=project.environment(), stderr=subprocess.DEVNULL, start_new_session=True
    )
    deadline = time.monotonic() + 300
    while len(sweep(project)) < 6:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    time.sleep(1)  # orphans of the fork server would go on writing now
    survivors = sweep(project)

    said = project.run(*command)
    assert {name: since for name, since in sweep(project).items() if name in survivors} == survivors
    assert f"{PROOF} of {PROOF}" in said
    values = yaml.safe_load(study.read_text())
    assert values["train"]["epochs"] == RECIPE["train"]["epochs"]
    assert values["convergence"]["target"] == 0.95
    total = sum(size["repeats"] for sizes in values["sweep"]["families"].values() for size in sizes)
    assert total <= 10 * 16, "less than the grid of a single family"
    assert "Nothing to be done" in project.run("snakemake", "-n", "--config", f"study={study}")

    recommended = json.loads(project.run("minarch", "recommend", "--study", "find-photos", "--json"))
    (model,) = recommended["recommended"]
    assert model["reached"] == model["repeats"] >= PROOF
    reported = project.root / "reports/studies/find-photos/tables/front.csv"
    (row,) = [row for row in csv.DictReader(reported.read_text().splitlines()) if row["recommended"] == "True"]
    assert row["model"] == model["model"]

    paths = sorted(images.glob("test/*/*.png"))
    batch = torch.stack([torch.from_numpy(np.array(Image.open(path))).permute(2, 0, 1) for path in paths])
    labels = torch.tensor([CLASSES.index(int(path.parent.name)) for path in paths])
    measured = []
    for place, file in enumerate(Path(file) for file in model["files"]):
        repeat, destination = file.stem.rpartition("-")[2], tmp_path / f"c{place}"
        project.run(
            *["minarch", "export", file.parent.name, str(destination), "--study", "find-photos", "--format", "c"],
            *["--repeat", repeat, "--precision", model["precision"]],
        )
        source = (destination / "model.c").read_text()
        name = re.search(r"int (\w+)_predict\(", source)
        assert name is not None
        _, predicted = run_c(source, name[1], batch.contiguous(), len(CLASSES), destination)
        tests = json.loads((project.root / file.parent / "test.json").read_text())["repeats"]
        (said,) = [test[model["precision"]] for test in tests if str(test["repeat"]) == repeat]
        exact = 0 if model["precision"] == "fp32" else 1  # image: integers round where OpenVINO does not
        assert abs(int((predicted == labels).sum()) - said * len(paths)) <= exact + 1e-6
        measured += [test[model["precision"]] for test in tests]
    assert len(measured) == model["repeats"]
    assert np.mean(measured) == pytest.approx(float(row["test_mean"]), abs=1e-9)


def test_whoever_stops_it_is_told_in_one_line_how_it_goes_on(fresh: Project, tmp_path: Path) -> None:
    project = fresh.copy(tmp_path / "project")
    process = subprocess.Popen(
        ["minarch", "find", "digits"], cwd=project.root, env=project.environment(), stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    while not list((project.root / "artifacts").glob("studies/find-digits/sweep/[!.]*/item.json")):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)  # as SIGINT, which what runs in the background does not get
    *_, last = process.stderr.read().strip().splitlines()
    process.stderr.close()
    assert process.wait() == 1
    assert last.startswith("minarch: stopped; what is finished of params/find-digits.yaml is kept")


def test_mistakes_end_in_one_line(fresh: Project) -> None:
    for words, expected in (
        (["nowhere"], "IMAGES: 'nowhere' is no folder"),
        (["digits", "--target", "97"], "--target: 97 is not allowed; allowed: a share in (0, 1)"),
        (["digits", "--within", "-1"], "--within: -1 is not allowed; allowed: 0 to below 100 (percentage points)"),
        (["digits", "--budget", "1s"], "--budget: 1 s is not allowed; allowed: more than 120 s"),
        (["digits", "--budget", "soon"], "--budget: 'soon' is not allowed; allowed: such as 90s, 30m or 2h"),
        (["digits", "--trainings", "1"], "--trainings: 1 is not allowed; allowed: 2 to 1000"),
        (["digits", "--max-bytes", "10"], "--budget, --max-bytes: no network trains in a tenth of the time"),
    ):
        said = fresh.run("minarch", "find", *words, ok=False)
        assert said.startswith(f"minarch: {expected}")
        assert len(said.strip().splitlines()) == 1
