"""A copy of the project in a temporary folder, with the smoke study as its params.yaml, driven by the real tools."""

import fcntl
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from minarch.flow.study import Study

REPOSITORY = Path(__file__).parents[2]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest come first: at the end one of pytest's workers would be at work on them, and the others idle."""
    items.sort(key=lambda item: item.path.name != "test_uses.py")


@dataclass
class Project:
    """A checkout with its own git history, DVC cache and artifacts."""

    root: Path

    def run(self, *command: str, ok: bool = True, **environment: str) -> str:
        """Run a command line there; returns what it said on both streams."""
        done = subprocess.run(
            command, cwd=self.root, env=self.environment(**environment), capture_output=True, text=True, check=False
        )
        said = done.stdout + done.stderr
        assert (done.returncode == 0) == ok, f"{' '.join(command)} exited with {done.returncode}:\n{said}"
        return said

    def environment(self, **extra: str) -> dict[str, str]:
        ours = ("DVC_", "MAKE", "MFLAGS", "MINARCH_", "PYTEST_")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
        path = f"{Path(sys.executable).parent}:{kept['PATH']}"
        return {**kept, "PATH": path, "PYTHONPATH": str(self.root / "src"), "DVC_NO_ANALYTICS": "1", **extra}

    def edit(self, **changes: object) -> None:
        """Set values in params.yaml, named `section__field`."""
        params = yaml.safe_load((self.root / "params.yaml").read_text())
        for name, value in changes.items():
            *sections, field = name.split("__")
            inner = params
            for section in sections:
                inner = inner.setdefault(section, {})
            inner[field] = value
        (self.root / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))

    def commit(self) -> None:
        self.run("git", "add", "-A")
        self.run("git", "commit", "-qm", "state", "--allow-empty")

    def items(self, stage: str) -> dict[str, int]:
        """Finished items of a stage, with the time at which their record was written."""
        records = sorted((self.root / "artifacts" / stage).glob("[!.]*/item.json"))  # without what a kill left behind
        return {r.parent.name: r.stat().st_mtime_ns for r in records}

    def digests(self, stage: str) -> dict[str, str]:
        """What must be the same bytes after any number of interruptions: all but measured times."""
        contents = {}
        for path in sorted((self.root / "artifacts" / stage).rglob("*")):
            if path.is_file() and path.name not in ("timing.json", "item.json"):
                contents[str(path.relative_to(self.root))] = path.read_bytes().hex()
        return contents

    def assert_clean(self) -> None:
        """Both tools say that nothing is to do."""
        assert "Nothing to be done" in self.run("snakemake", "-n")
        assert "up to date" in self.run("dvc", "status")

    def decide_as(self, other: "Project") -> None:
        """Take over what another workspace found fastest, without which results differ by rounding."""
        shutil.copytree(other.root / ".minarch/fastest", self.root / ".minarch/fastest")

    def copy(self, target: Path) -> "Project":
        shutil.copytree(self.root, target, symlinks=True)
        return Project(target)


def jobs(said: str, rule: str) -> int:
    """How many jobs of a rule a run planned, over all its job tables; a table that is printed again counts once."""
    tables = re.findall(r"^Job stats:\n(.*?)^total", said, re.M | re.S)
    counts = [re.search(rf"^{rule}\s+(\d+)$", table, re.M) for table in tables]
    return sum(int(match.group(1)) for match in counts if match)


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A checkout of the working tree in which nothing was computed."""
    root = tmp_path_factory.mktemp("fresh") / "project"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        check=True,
    )
    for name in listed.stdout.decode().split("\0"):
        if name and (REPOSITORY / name).is_file() and not name.startswith(("reports/", "dvc.lock", ".dvc/published/")):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, root / name)
    smoke = yaml.safe_load((REPOSITORY / "params/smoke.yaml").read_text())
    whole = {section: smoke.get(section, {}) for section in Study.model_fields}  # as in every default study
    (root / "params.yaml").write_text(yaml.safe_dump(whole, sort_keys=False))
    project = Project(root)
    project.run("git", "init", "-q", "-b", "main")
    project.run("git", "config", "user.email", "test@example.org")
    project.run("git", "config", "user.name", "test")
    project.commit()
    return project


def _run(fresh: Project, factory: pytest.TempPathFactory, name: str, **changes: object) -> Project:
    """The study with values changed, run to its end by plain `snakemake` and committed, once for all workers of pytest:
    the others wait for the first. Nothing may run in it, only in copies.
    """
    place = factory.getbasetemp() / name
    if "PYTEST_XDIST_WORKER" in os.environ:
        place = factory.getbasetemp().parent / name
    with place.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists():
            project = fresh.copy(factory.mktemp(name) / "project")
            project.edit(**changes)
            assert "report: reports/report.html" in project.run("snakemake", "--cores", "2")
            project.commit()
            project.root.rename(place)
    return Project(place)


@pytest.fixture(scope="session")
def finished(fresh: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The smoke study, which goes through every stage."""
    return _run(fresh, tmp_path_factory, "finished")


@pytest.fixture(scope="session")
def shorter(fresh: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The smoke study without the two stages that no other needs, a third of it."""
    return _run(fresh, tmp_path_factory, "shorter", depth={}, complexity={})


@pytest.fixture
def whole(finished: Project, tmp_path: Path) -> Project:
    """A copy of the finished smoke study for one test."""
    return finished.copy(tmp_path / "project")


@pytest.fixture
def project(shorter: Project, tmp_path: Path) -> Project:
    """A copy of the shorter finished study for one test."""
    return shorter.copy(tmp_path / "project")
