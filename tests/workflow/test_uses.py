"""The three uses agree: `snakemake`, `dvc repro` after a change, a reviewer's `dvc pull`."""

import json
import os
import random
import shutil
from pathlib import Path

import pytest
import yaml

from minarch.flow.stages import STAGES

from .conftest import Project, jobs

pytestmark = pytest.mark.workflow

REPORTS = ("python", "-m", "minarch.commands.reports")


def test_a_run_leaves_every_index_a_report_and_nothing_to_do(whole: Project) -> None:
    for stage in STAGES:
        indexes = list((whole.root / "artifacts" / stage).glob("index-*.json"))
        assert len(indexes) == 1, stage
        listed = json.loads(indexes[0].read_text())["items"]
        assert listed == sorted(whole.items(stage))
        assert bool(listed) == (stage not in ("refine", "refined"))  # the smoke study asks for no further sizes
    assert "<html" in (whole.root / "reports/report.html").read_text()
    whole.assert_clean()
    assert "metrics.json" in whole.run("dvc", "metrics", "show")
    assert whole.run("git", "status", "--porcelain") == ""
    assert "1 of 1 committed reports are made by today's code" in whole.run(*REPORTS, "--strict")


def test_all_items_go_by_the_same_decisions_which_status_shows(whole: Project) -> None:
    (decided,) = (whole.root / ".minarch/fastest").glob("*/*.jsonl")
    timings = [p for stage in ("sweep", "prune") for p in (whole.root / "artifacts" / stage).glob("*/timing.json")]
    processors = [json.loads(path.read_text()).get("processor", "none trained by a strategy") for path in timings]
    assert set(processors) == {decided.stem, "none trained by a strategy"}
    said = whole.run("python", "-m", "minarch", "status")
    assert f"fastest ways on {decided.stem}: {len(decided.read_text().splitlines())} decided" in said
    assert f"rm {decided.relative_to(whole.root)}\n" in said


@pytest.mark.parametrize("tool", [pytest.param("dvc", marks=pytest.mark.long), "snakemake"])
def test_one_more_architecture_trains_exactly_that_one(project: Project, tool: str) -> None:
    before = {stage: project.items(stage) for stage in STAGES}
    project.edit(sweep__families__dnn__width=[1, 16, 32, 64])
    said = project.run("dvc", "repro") if tool == "dvc" else project.run("snakemake")
    assert jobs(said, "sweep_item") == 1
    after = project.items("sweep")
    new = set(after) - set(before["sweep"])
    assert len(new) == 1 and "width32" in new.pop()
    assert {n: t for n, t in after.items() if n in before["sweep"]} == before["sweep"]
    assert project.items("data") == before["data"]
    # The representatives are decided anew from all sizes; what they already had stays.
    kept = set(project.items("prune")) & set(before["prune"])
    assert kept and all(project.items("prune")[n] == before["prune"][n] for n in kept)
    project.assert_clean()


@pytest.mark.parametrize("tool", [pytest.param("dvc", marks=pytest.mark.long), "snakemake"])
def test_another_pruning_level_trains_nothing(project: Project, tool: str) -> None:
    before = project.items("prune")
    project.edit(prune__levels=[0.5, 0.75])
    said = project.run("dvc", "repro") if tool == "dvc" else project.run("snakemake")
    assert jobs(said, "sweep_item") == 0
    new = set(project.items("prune")) - set(before)
    assert {name.rsplit("-", 3)[1] for name in new} == {"l1", "iterative", "random"}
    assert all("-75-" in name for name in new)
    for name in new:  # an iterative level goes on from the level before it, not from the trained model
        source = json.loads((project.root / "artifacts/prune" / name / "results.json").read_text())["parent"]
        assert ("-iterative-50-" in source) == ("-iterative-75-" in name)
    assert {n: t for n, t in project.items("prune").items() if n in before} == before
    project.assert_clean()


@pytest.mark.parametrize("tool", [pytest.param("dvc", marks=pytest.mark.long), "snakemake"])
def test_a_training_parameter_there_and_back_trains_nothing_on_the_way_back(project: Project, tool: str) -> None:
    command = ("dvc", "repro") if tool == "dvc" else ("snakemake",)
    original = (project.root / "params.yaml").read_text()
    project.edit(train__batch_size=128)
    assert jobs(project.run(*command), "sweep_item") == len(project.items("sweep"))
    project.assert_clean()
    (project.root / "params.yaml").write_text(original)
    said = project.run(*command)
    for rule in ("data_item", "sweep_item", "prune_item", "quantize_item", "aggregate_item"):
        assert jobs(said, rule) == 0
    project.assert_clean()
    assert project.run("git", "status", "--porcelain") == ""


@pytest.mark.parametrize("tool", ["dvc", "snakemake"])
def test_a_comment_in_the_code_computes_nothing(project: Project, tool: str) -> None:
    code = project.root / "src/minarch/training/loop.py"
    code.write_text(code.read_text() + "# a remark\n")
    said = project.run("dvc", "repro") if tool == "dvc" else project.run("snakemake")
    assert not any(jobs(said, f"{stage}_item") for stage in STAGES)
    project.assert_clean()


@pytest.mark.long
def test_an_experiment_runs_as_dvc_users_expect(project: Project) -> None:
    said = project.run("dvc", "exp", "run", "-S", "aggregate.max_drop_points=2.0")
    assert jobs(said, "sweep_item") == 0 and jobs(said, "aggregate_item") == 1
    assert "max_drop_points" in project.run("dvc", "params", "diff", "HEAD")
    queued = project.run("dvc", "exp", "run", "--temp", "-S", "prune.levels=[0.25]")
    assert jobs(queued, "sweep_item") == 0 and jobs(queued, "prune_item") > 0


def shuffle_times(root: Path) -> None:
    rng = random.Random(0)
    for path in sorted(p for p in root.rglob("*") if p.is_file() and ".git" not in p.parts and ".dvc" not in p.parts):
        moment = 1_600_000_000 + rng.random() * 1e8
        os.utime(path, (moment, moment))


def pushed(project: Project, url: str, *setting: str, **environment: str) -> None:
    """Let a remote of that address, with one setting of its own perhaps (name, value), be the study's, and hold it."""
    project.run("dvc", "remote", "add", "-d", "store", url)
    if setting:
        project.run("dvc", "remote", "modify", "store", *setting)
    project.commit()
    project.run("dvc", "push", **environment)


def cloned(project: Project, target: Path) -> Project:
    """What a reviewer has before anything is pulled."""
    clone = Project(target)
    project.run("git", "clone", "-q", str(project.root), str(clone.root))
    clone.run("git", "config", "user.email", "test@example.org")
    clone.run("git", "config", "user.name", "test")
    return clone


def test_a_reviewer_pulls_and_nothing_runs(whole: Project, tmp_path: Path) -> None:
    pushed(whole, str(tmp_path / "remote"))
    clone = cloned(whole, tmp_path / "clone")
    clone.run("dvc", "pull")
    shuffle_times(clone.root)
    clone.assert_clean()
    clone.run(*REPORTS, "--strict")
    assert "Nothing to be done" in clone.run("snakemake")
    assert "up to date" in clone.run("dvc", "repro")
    clone.edit(prune__magnitude_levels=[0, 0.25, 0.5])
    said = clone.run("dvc", "repro")
    assert jobs(said, "sweep_item") == 0
    curves = [name for name in clone.items("prune") if "-magnitude-" in name and "-magnitude-90-" not in name]
    assert jobs(said, "prune_item") == len(curves) > 0
    clone.assert_clean()
    clone.run(*REPORTS, "--strict")


def test_a_clone_that_pulled_nothing_records_the_stages_that_it_ran(project: Project, tmp_path: Path) -> None:
    """Others that dvc.lock names, and studies that were published, are not in its cache; they need not be."""
    shutil.copy(project.root / "params.yaml", project.root / "params/mine.yaml")
    project.run("snakemake", "data", "--config", "study=params/mine.yaml")
    project.run("dvc", "add", "artifacts/studies/mine")
    project.commit()
    assert "artifacts/studies/mine.dvc" in project.run("git", "ls-files")
    clone = cloned(project, tmp_path / "clone")
    clone.run("snakemake", "data")
    assert "artifacts/data" not in clone.run("dvc", "status", "data")
    assert "up to date" in clone.run("dvc", "status", "data")


def test_a_study_takes_what_it_lists_only_after_its_representatives(project: Project) -> None:
    study = yaml.safe_load((project.root / "params.yaml").read_text())
    study.setdefault("convergence", {})["confidence"] = 0.9
    (project.root / "params/mine.yaml").write_text(yaml.safe_dump(study, sort_keys=False))
    said = project.run("snakemake", "--config", "study=params/mine.yaml")
    for stage in ("prune", "quantize"):
        records = list((project.root / "artifacts/studies/mine" / stage).glob("*/item.json"))
        assert f"{stage}: {len(records)} item(s) made before brought back" in said
        for record in records:
            assert (
                record.read_bytes()
                == (project.root / "artifacts" / stage / record.parent.name / "item.json").read_bytes()
            )
