"""What two runs of a study must have in common: every byte but measured times and what is made of them."""

from io import BytesIO

import pandas as pd

from minarch.flow.stages import STAGES

from .conftest import Project

TIMES = ("latency_", "faster_", "seconds")  # columns of tables begin so


def assert_same_but_for_times(project: Project, other: Project) -> None:
    for stage in STAGES:
        ours, theirs = project.digests(stage), other.digests(stage)
        assert ours and ours.keys() == theirs.keys(), stage
        assert not [path for path in ours if _untimed(path, ours[path]) != _untimed(path, theirs[path])], stage


def _untimed(path: str, digest: str) -> str:
    """What a file holds without times."""
    if path.endswith("/report.html") or "/figures/latency." in path:
        return ""
    if path.endswith(".csv"):
        table = pd.read_csv(BytesIO(bytes.fromhex(digest)), dtype=str)
        return table[[column for column in table if not column.startswith(TIMES)]].to_csv()
    return digest
