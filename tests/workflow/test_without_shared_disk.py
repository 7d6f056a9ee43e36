"""A study whose nodes share no disk with anybody: sources and items travel by a bucket, here of a local S3 server."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from minarch.flow.parcel import SUFFIX

from .conftest import Project
from .plugins import install
from .same import assert_same_but_for_times
from .test_remotes import s3_server

pytestmark = [pytest.mark.workflow, pytest.mark.long, pytest.mark.timeout(1_800)]

BUCKET, PREFIX = "minarch", "run"
SUBMIT = """#!/bin/sh
# A node: an empty folder, the job's script beside it, and no way to the project's sources.
node=$(mktemp -d "{nodes}/XXXXXX")
cp "$1" "$node/job.sh"
mkdir "$node/work"
cd "$node/work"
PYTHONPATH="{plugins}" setsid sh -c 'sh ../job.sh; echo $? > ../exit' > ../log 2>&1 < /dev/null &
echo "$node"
"""
STATUS = """#!/bin/sh
test -f "$1/exit" || { echo running; exit; }
test "$(cat "$1/exit")" = 0 && echo success || echo failed
"""


@dataclass
class Cloud:
    """A bucket, and the options of a run whose jobs start in empty folders."""

    client: Any
    options: tuple[str, ...]
    plugins: Path

    def run(self, project: Project, *targets: str, ok: bool = True) -> str:
        places = f"{project.root / 'src'}:{self.plugins}"
        return project.run("snakemake", *self.options, *targets, ok=ok, PYTHONPATH=places)


@pytest.fixture
def cloud(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    plugins, nodes = install(tmp_path_factory), tmp_path / "nodes"
    nodes.mkdir()
    scripts = {"submit": SUBMIT.format(nodes=nodes, plugins=plugins), "status": STATUS}
    for name, script in scripts.items():
        (tmp_path / name).write_text(script)
        (tmp_path / name).chmod(0o755)
    with s3_server(BUCKET) as (client, url):
        options = {
            "executor": "cluster-generic",
            "cluster-generic-submit-cmd": str(tmp_path / "submit"),
            "cluster-generic-status-cmd": str(tmp_path / "status"),
            "seconds-between-status-checks": "1",
            "jobs": "2",
            "cores": "2",
            "default-storage-provider": "s3",
            "default-storage-prefix": f"s3://{BUCKET}/{PREFIX}",
            "storage-s3-endpoint-url": url,
            "storage-s3-access-key": "test",
            "storage-s3-secret-key": "test",
            "shared-fs-usage": "none",
        }
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        yield Cloud(client, (*words, "--job-deploy-sources", "--keep-incomplete"), plugins)


def test_a_study_without_a_shared_disk_has_the_bytes_of_a_local_run(
    fresh: Project, finished: Project, cloud: Cloud, tmp_path: Path
) -> None:
    project = fresh.copy(tmp_path / "project")
    project.decide_as(finished)
    cloud.run(project)
    assert_same_but_for_times(project, finished)
    assert "Nothing to be done" in cloud.run(project)
    project.assert_clean()


def test_a_parcel_that_was_damaged_in_the_bucket_ends_in_a_line_that_names_it(
    fresh: Project, cloud: Cloud, tmp_path: Path
) -> None:
    maker, reader = (fresh.copy(tmp_path / name) for name in ("maker", "reader"))
    cloud.run(maker, "data")
    (name,) = maker.items("data")
    parcel = f"{PREFIX}/artifacts/data/{name}{SUFFIX}"
    truth = cloud.client.get_object(Bucket=BUCKET, Key=parcel)["Body"].read()
    cloud.client.put_object(Bucket=BUCKET, Key=parcel, Body=truth[: len(truth) // 2])
    said = cloud.run(reader, "data", ok=False)
    lines = [line for line in said.splitlines() if line.startswith("minarch close: ")]
    assert len(set(lines)) == 1 and f"{name}{SUFFIX}: does not read as a parcel" in lines[0]
    assert "Traceback" not in said and not reader.items("data")
