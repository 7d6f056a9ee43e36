"""The smoke study on a real SLURM of one node: the same bytes, few jobs, and a lost node costs what it was at."""

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from .conftest import Project
from .plugins import install
from .same import assert_same_but_for_times
from .slurm import Slurm, one_node
from .test_interruptions import wait_for

pytestmark = [pytest.mark.workflow, pytest.mark.long, pytest.mark.timeout(1_800)]  # they wait for each other


@pytest.fixture
def slurm() -> Iterator[Slurm]:
    with one_node() as cluster:
        yield cluster


@pytest.fixture
def study(fresh: Project, finished: Project, tmp_path: Path) -> Project:
    """The smoke study in which nothing was computed, decided as the finished one."""
    project = fresh.copy(tmp_path / "project")
    project.decide_as(finished)
    return project


@pytest.fixture
def plugins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install(tmp_path_factory)


def submit(project: Project, plugins: Path, *targets: str) -> str:
    """What a run on SLURM says."""
    places = f"{project.root / 'src'}:{plugins}"
    return project.run("snakemake", "--workflow-profile", "profiles/slurm", *targets, PYTHONPATH=places)


def test_a_study_on_slurm_has_the_bytes_of_a_local_run_and_takes_few_jobs(
    slurm: Slurm, plugins: Path, study: Project, finished: Project
) -> None:
    said = submit(study, plugins)
    assert 0 < said.count("has been submitted with SLURM jobid") <= 20
    assert_same_but_for_times(study, finished)
    study.assert_clean()


def test_a_lost_node_costs_the_item_it_was_at_and_the_run_ends_well(
    slurm: Slurm, plugins: Path, study: Project, finished: Project
) -> None:
    with ThreadPoolExecutor() as pool:
        run = pool.submit(submit, study, plugins, "sweep")
        wait_for(lambda: study.items("sweep") or run.done(), 300)
        slurm.lose_node()
        survivors = written(study)
        assert 1 <= len(survivors) < len(finished.items("sweep"))
        wait_for(lambda: slurm.node == "down", 60)
        slurm.start_node()
        run.result()
    assert slurm.jobs("Restarts") == ["0", "1"]
    assert {name: time for name, time in written(study).items() if name in survivors} == survivors
    assert study.digests("sweep") == finished.digests("sweep")


def test_a_job_that_failed_is_submitted_again_with_twice_the_time_and_memory(
    slurm: Slurm, plugins: Path, study: Project
) -> None:
    """Whatever stopped it: for the plugin a limit that was reached is a failure like all others."""
    with ThreadPoolExecutor() as pool:
        run = pool.submit(submit, study, plugins, "data")
        wait_for(lambda: slurm.jobs("JobState") == ["RUNNING"] or run.done(), 300)
        subprocess.run(["scancel", *slurm.jobs("JobId")], check=True)
        run.result()
    assert slurm.jobs("JobState") == ["CANCELLED", "COMPLETED"]
    assert slurm.jobs("TimeLimit") == ["00:31:00", "01:02:00"]
    assert slurm.jobs("MinMemoryNode") == ["2000M", "4000M"]


def written(project: Project) -> dict[str, int]:
    """The finished items of the sweep, with the time at which their results were written."""
    sweep = project.root / "artifacts/sweep"
    return {name: (sweep / name / "results.json").stat().st_mtime_ns for name in project.items("sweep")}
