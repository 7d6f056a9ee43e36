"""`convergence.refine`: sizes around P_min are trained like all others, and both tools agree about them."""

import pytest

from .conftest import Project, jobs

pytestmark = pytest.mark.workflow


@pytest.mark.parametrize("tool", [pytest.param("dvc", marks=pytest.mark.long), "snakemake"])
def test_added_sizes_are_trained_once_and_come_back(project: Project, tool: str) -> None:
    command = ("dvc", "repro") if tool == "dvc" else ("snakemake",)
    before = project.items("sweep")
    project.edit(convergence__refine=1)
    said = project.run(*command)
    added = project.items("refined")
    assert jobs(said, "sweep_item") == 0
    assert added
    assert project.items("sweep") == before
    report = (project.root / "reports/tables/sizes.csv").read_text()
    assert all(name.split("-", 1)[1].split("-r0-")[0] in report for name in added)
    project.assert_clean()

    logs = {log: log.stat().st_mtime_ns for log in (project.root / "logs/default/refined").glob("digits-*.log")}
    assert len(logs) == len(added)
    project.edit(convergence__refine=None)
    project.run(*command)
    assert not project.items("refined")
    project.assert_clean()

    project.edit(convergence__refine=1)
    project.run(*command)  # brought back from DVC's cache
    assert {log: log.stat().st_mtime_ns for log in logs} == logs
    assert set(project.items("refined")) == set(added)
    project.assert_clean()
