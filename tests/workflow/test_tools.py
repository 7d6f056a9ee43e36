"""The tools around a study, as people use them: the installed command, Snakemake's report, DVC's tables and plots, and
the accuracy of a user's own images.
"""

import csv
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image
from sklearn.datasets import load_digits

from .conftest import REPOSITORY, Project

pytestmark = pytest.mark.workflow

CLASSES, SMALLEST, LARGEST = 8, 28, 96  # of the drawn folder; edges in pixels


def test_the_installed_command_knows_its_version_and_brings_its_templates(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "installed"
    shutil.copytree(REPOSITORY / "src/minarch", source / "src/minarch", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, source / name)
    pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-build-isolation", "--no-index", "--quiet"]
    subprocess.run([*pip, "--target", target, source], check=True, capture_output=True)
    project = Project(tmp_path)
    said = project.run(str(target / "bin/minarch"), "--version", PYTHONPATH=str(target))
    assert said.startswith("minarch ") and len(said.split()) == 2
    assert list((target / "minarch/reporting").glob("*.j2")) and (target / "minarch/commands/snippet.py").is_file()


def test_snakemake_s_report_shows_the_figures_and_tables(project: Project) -> None:
    said = project.run("snakemake", "--report", "shown.html")
    assert "Missing metadata" not in said
    shown = (project.root / "shown.html").read_text()
    for file in [*(project.root / "reports/figures").glob("*.svg"), *(project.root / "reports/tables").glob("*.csv")]:
        assert f"Adding {file.name} " in said and file.name in shown
    assert "every column is explained in" in shown
    project.assert_clean()


def test_dvc_shows_a_dozen_numbers_of_a_data_set_and_plots_by_family(project: Project) -> None:
    metrics = json.loads(project.run("dvc", "metrics", "show", "--json"))[""]["data"]
    assert list(metrics) == ["reports/metrics.json"]
    rows = list(csv.reader(project.run("dvc", "exp", "show", "--csv").splitlines()))
    headlines = [name for name in rows[0] if name.startswith("digits.")]
    assert "digits.recommended.bytes" in headlines and len(headlines) <= 12
    project.run("dvc", "plots", "show", "-o", "plots")
    page = (project.root / "plots/index.html").read_text()
    assert page.count('"color": {"field": "family"') == page.count("vegaEmbed(") > 3
    assert '"field": "bytes", "type": "quantitative", "title": "bytes", "scale": {"type": "log"' in page


def test_a_model_is_recommended_and_taken_away(project: Project) -> None:
    command = (sys.executable, "-m", "minarch")
    (chosen,) = json.loads(project.run(*command, "recommend", "--max-bytes", "1M", "--json"))["recommended"]
    assert chosen["files"] and all((project.root / file).is_file() for file in chosen["files"])
    item = Path(chosen["files"][0]).parent.name
    project.run(*command, "export", item, "taken", "--precision", chosen["precision"])
    pixels = load_digits().images[7].astype(np.uint8)
    Image.fromarray(pixels).save(project.root / "7.png")
    said = project.run(*command, "predict", item, "7.png", "--precision", chosen["precision"])
    assert said.split("\t")[:2] == project.run(sys.executable, "-I", "taken/predict.py", "7.png").split("\t")[:2]
    status = json.loads(project.run(*command, "status", "--json"))
    assert all(stage["missing"] == 0 and stage["closed"] for stage in status["stages"])
    explained = json.loads(project.run(*command, "explain", item, "--json"))
    assert (explained["stage"], explained["would_run"]) == ("quantize", False)
    assert json.loads(project.run(*command, "compare", "default", "HEAD", "--json"))["differing"] == []


def test_latency_is_measured_with_all_cores_so_that_nothing_runs_beside_it(project: Project) -> None:
    forced = ("--forcerun", "latency_item", "quantize_item", "sweep_item")
    for cores in (3, 5):
        said = project.run("snakemake", "-n", "--cores", str(cores), *forced)
        listed = re.findall(r"^rule (\w+):\n((?:    .+\n)+)", said, re.M)
        threads = {rule: re.findall(r"^    threads: (\d+)$", job, re.M) for rule, job in listed}
        assert threads["latency_item"] == [str(cores)]
        assert threads["sweep_item"] == threads["quantize_item"] == []  # one, of which Snakemake says nothing


def test_a_dry_run_says_what_it_cannot_list_yet(fresh: Project, whole: Project) -> None:
    last = fresh.run("snakemake", "-n").splitlines()[-1]
    assert last.startswith("not listed: the jobs of prune, finalists, quantize, latency, aggregate; ")
    assert "not listed" not in whole.run("snakemake", "-n")


def draw(folder: Path, images: int, tested: int) -> None:
    """Digits of scikit-learn as PNGs of many sizes, grey or coloured, so many per class and split."""
    bunch, sizes = load_digits(n_class=CLASSES), np.random.default_rng(0)
    for label in range(CLASSES):
        digits = bunch.images[bunch.target == label][: images + tested]
        for i, pixels in enumerate(digits):
            place = folder / ("test" if i < tested else "train") / f"digit {label}"
            place.mkdir(parents=True, exist_ok=True)
            size = tuple(sizes.integers(SMALLEST, LARGEST + 1, 2).tolist())
            image = Image.fromarray((16 * pixels).clip(0, 255).astype(np.uint8)).resize(size, Image.Resampling.BICUBIC)
            (image.convert("RGB") if i % 3 else image).save(place / f"{i}.png")


def test_predict_over_the_test_folder_gives_the_accuracy_that_the_report_names(
    project: Project,
) -> None:
    draw(project.root / "drawn", 60, 15)
    smoke = yaml.safe_load((REPOSITORY / "params/smoke.yaml").read_text())
    smoke |= {"depth": {}, "complexity": {}, "sweep": smoke["sweep"] | {"repeats": 1}}
    smoke |= {"data": {"datasets": ["folder:drawn"], "image_size": 16}}
    smoke["prune"] |= {"methods": {"l1": {}}, "magnitude_finetuned": [], "sensitivity_levels": []}
    (project.root / "params/drawn.yaml").write_text(yaml.safe_dump(smoke, sort_keys=False))
    project.run("snakemake", "--cores", "2", "--config", "study=drawn")
    models = pd.read_csv(project.root / "reports/studies/drawn/tables/models.csv", dtype={"items": str})
    models = models[models["n"] == 1]  # the one repeat of some sizes may have ended unstable
    assert set(models["precision"]) == {"fp32", "int8"}
    for row in models.to_dict("records"):
        which = ("--study", "drawn", "--precision", row["precision"])
        said = project.run(sys.executable, "-m", "minarch", "predict", row["items"], "drawn/test", *which)
        *classes, total = [line.split("\t") for line in said.splitlines() if "\t" in line]
        assert [line[0] for line in classes] == [f"digit {label}" for label in range(CLASSES)]
        assert (total[0], total[1]) == ("all", str(15 * CLASSES))
        assert int(total[2]) / int(total[1]) == pytest.approx(row["test_mean"], abs=1e-9), row["model"]
        assert f"on the study's own test images it has {100 * row['test_mean']:.2f} %" in said
    assert models["test_mean"].max() > 0.5
