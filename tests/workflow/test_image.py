"""The container image: a study in it has the bytes of one outside, in a run of its own and in single jobs."""

import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from minarch.flow.stages import STAGES

from .conftest import REPOSITORY, Project

pytestmark = pytest.mark.workflow

IMAGE = "minarch-test"
OPTIONS = shlex.split(os.environ.get("IMAGE_OPTIONS", ""))  # of `make image`: a base image, where packages come from


@pytest.fixture(scope="module")
def builder() -> str:
    """What builds and runs images here, seen to do so on the base image."""
    for name in ("docker", "podman"):
        if shutil.which(name) and subprocess.run([name, "info"], capture_output=True, check=False).returncode == 0:
            break
    else:
        pytest.skip("neither docker nor podman works here")
    base, _, _ = (REPOSITORY / "Dockerfile").read_text().partition("\n\n")
    command = [name, "build", *OPTIONS, "-"]
    tried = subprocess.run(command, input=f"{base}\nRUN true\n", capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"no base image can be had: {tried.stderr.strip().splitlines()[-1]}")
    return name


@pytest.fixture(scope="module")
def built(
    fresh: Project, finished: Project, builder: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Project]:
    """A checkout of which an image was made, with the decisions of the finished study and nothing computed."""
    project = fresh.copy(tmp_path_factory.mktemp("image") / "project")
    project.decide_as(finished)
    project.run("make", "image", f"IMAGE={IMAGE}")
    yield project
    project.run(builder, "rmi", "--force", IMAGE)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_run_in_the_image_makes_the_same_bytes(
    built: Project, finished: Project, builder: str, tmp_path: Path
) -> None:
    built.run(builder, "create", "--name", IMAGE, IMAGE, "snakemake", "--cores", "2")
    try:
        built.run(builder, "cp", str(built.root / ".minarch"), f"{IMAGE}:/minarch")
        built.run(builder, "start", "--attach", IMAGE)
        built.run(builder, "cp", f"{IMAGE}:/minarch/artifacts", str(tmp_path))
    finally:
        built.run(builder, "rm", IMAGE)
    inside = Project(tmp_path)
    for stage in set(STAGES) - {"aggregate"}:  # which tells latencies
        assert inside.digests(stage) == finished.digests(stage), stage
    assert inside.items("aggregate").keys() == finished.items("aggregate").keys()


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.skipif(shutil.which("apptainer") is None, reason="apptainer is not here")
def test_jobs_in_apptainer_run_in_the_image_and_make_the_same_bytes(
    built: Project, finished: Project, builder: str
) -> None:
    built.run(builder, "save", "--output", "minarch.tar", IMAGE)
    # Unpacked: a file of it takes minutes to compress.
    built.run("apptainer", "build", "--sandbox", "minarch.sif", "docker-archive:minarch.tar")
    (built.root / "src/sitecustomize.py").write_text(
        "import sys\nwith open('started', 'a') as file:\n    print(sys.prefix, *sys.orig_argv[1:3], file=file)\n"
    )
    built.run("snakemake", "sweep", "--cores", "2", "--sdm", "apptainer")
    assert built.digests("sweep") == finished.digests("sweep")
    started = (built.root / "started").read_text().splitlines()
    items = [line.split()[0] for line in started if line.endswith("-m minarch.sweep")]
    assert items == ["/environment"] * len(finished.items("sweep"))


def test_jobs_in_an_image_that_is_not_there_end_in_one_line(fresh: Project) -> None:
    said = fresh.run("snakemake", "-n", "--sdm", "apptainer", ok=False)
    assert "--sdm apptainer: minarch.sif is not in this directory; allowed: " in said
    assert "Traceback" not in said
