"""Several clones with one DVC cache that run at the same time: none loses anything, whatever happens to the others."""

import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from minarch.flow.seal import md5

from .conftest import Project, jobs
from .test_interruptions import start, wait_for

pytestmark = pytest.mark.workflow

LINKS = ["hardlink", *(pytest.param(link, marks=pytest.mark.long) for link in ("copy", "symlink"))]
DIES_IN_COMMIT = """
import os, signal, sys
if "commit" in sys.orig_argv:
    calls = []

    def or_die(put):
        def dying(*arguments, **options):
            calls.append(arguments)
            if len(calls) > 5:
                os.killpg(0, signal.SIGKILL)
            put(*arguments, **options)

        return dying

    os.replace, os.link = or_die(os.replace), or_die(os.link)  # as DVC puts a copy or a hard link into its cache
"""


class Group:
    """Clones of a finished study on one machine, with one cache that holds it."""

    def __init__(self, project: Project, folder: Path) -> None:
        self.project, self.folder, self.cache = project, folder, folder / "cache"
        shutil.copytree(project.root / ".dvc/cache", self.cache)

    def clone(self, name: str, link: str = "copy") -> Project:
        """A clone of the study's commit that has nothing but the cache."""
        root = self.folder / name
        self.project.run("git", "clone", "-q", str(self.project.root), str(root))
        clone = Project(root)
        clone.run("dvc", "cache", "dir", "--local", str(self.cache))
        clone.run("dvc", "config", "--local", "cache.shared", "group")
        clone.run("dvc", "config", "--local", "cache.type", link)
        (root / ".minarch").mkdir()
        clone.decide_as(self.project)
        return clone

    def objects(self) -> dict[str, tuple[int, int, int]]:
        """What must stay as it is of every object: which file it is, its size and when it was written."""
        files = (file for file in (self.cache / "files/md5").glob("*/*") if not file.name.endswith(".tmp"))
        stats = {file.parent.name + file.name: file.stat() for file in files}
        return {name: (stat.st_ino, stat.st_size, stat.st_mtime_ns) for name, stat in stats.items()}

    def assert_whole(self) -> None:
        """Every object is what its name says."""
        for name in self.objects():
            assert md5(self.cache / "files/md5" / name[:2] / name[2:]) == name.removesuffix(".dir")


@pytest.fixture
def group(shorter: Project, tmp_path: Path) -> Group:
    return Group(shorter, tmp_path)


def _assert_settled(clone: Project) -> None:
    clone.assert_clean()
    assert "verified" in clone.run("python", "-m", "minarch", "status", "--verify")


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.long
def test_two_clones_that_run_at_once_lose_nothing(group: Group, link: str) -> None:
    """They make some items both, at the same time, and some that the other does not have."""
    clones = [group.clone("first", link), group.clone("second", link)]
    before = group.objects()
    clones[0].edit(prune__levels=[0.25], latency__rounds=4)
    clones[1].edit(prune__levels=[0.25], quantize__calibration=16)
    processes = [start(clone, "snakemake", "--cores", "1") for clone in clones]
    assert [process.wait() for process in processes] == [0, 0]
    for clone in clones:
        _assert_settled(clone)
    after = group.objects()
    assert after.items() > before.items(), "an object was removed, replaced or written to"
    group.assert_whole()
    assert [file for file in group.cache.iterdir() if file.is_file()] == [group.cache / "minarch.lock"]


@pytest.mark.parametrize("link", LINKS)
def test_links_into_the_cache_are_never_written_through(group: Group, link: str) -> None:
    """Items go, come back and are closed again: what lies in the workspace is the cache's own file there."""
    clone = group.clone("clone", link)
    clone.run("dvc", "checkout")
    before = group.objects()
    victim = next((clone.root / "artifacts/sweep").glob("*/item.json"))
    assert (victim.is_symlink(), victim.stat().st_nlink > 1) == (link == "symlink", link == "hardlink")
    later = time.time() + 3600  # as of a machine whose clock is ahead
    clone.edit(prune__magnitude_levels=[0, 0.9])
    clone.run("snakemake")
    clone.edit(prune__magnitude_levels=[0, 0.5, 0.9])
    digest = md5(victim)
    os.utime(group.cache / "files/md5" / digest[:2] / digest[2:], (later, later))
    before[digest] = group.objects()[digest]
    said = clone.run("snakemake")
    assert jobs(said, "prune_item") == jobs(said, "sweep_item") == 0
    _assert_settled(clone)
    assert group.objects().items() >= before.items()
    group.assert_whole()


def test_a_third_clone_takes_all_from_the_cache_without_a_remote(group: Group) -> None:
    checked_out, run = group.clone("checked-out"), group.clone("run")
    checked_out.run("dvc", "checkout")
    _assert_settled(checked_out)
    said = run.run("snakemake")
    assert "brought back" in said and jobs(said, "sweep_item") == jobs(said, "aggregate_item") == 0
    _assert_settled(run)


def test_what_another_clone_made_counts_once_it_is_committed_here(group: Group) -> None:
    """Whoever can write to the cache could forge it: only what a commit of this clone names is trusted."""
    maker, taker = group.clone("maker"), group.clone("taker")
    maker.edit(prune__levels=[0.25])
    maker.run("snakemake")
    taker.run("dvc", "checkout")
    shutil.copy(maker.root / "params.yaml", taker.root)
    assert jobs(taker.run("snakemake", "-n"), "prune_item") > 0
    maker.run("git", "-c", "user.name=test", "-c", "user.email=test@example.org", "commit", "-qam", "levels")
    taker.run("git", "checkout", "-q", "--", ".")
    taker.run("git", "pull", "-q", str(maker.root), "main")
    assert jobs(taker.run("snakemake"), "prune_item") == 0
    _assert_settled(taker)


@pytest.mark.long
@pytest.mark.parametrize("link", LINKS)
def test_a_clone_that_is_killed_while_it_adds_to_the_cache_takes_nothing_from_the_other(
    group: Group, tmp_path: Path, link: str
) -> None:
    killed, other = group.clone("killed", link), group.clone("other", link)
    for clone in (killed, other):
        clone.edit(prune__levels=[0.25])
    (tmp_path / "hook").mkdir()
    (tmp_path / "hook/sitecustomize.py").write_text(DIES_IN_COMMIT)
    process = start(killed, "env", f"PYTHONPATH={killed.root / 'src'}:{tmp_path / 'hook'}", "snakemake", "--cores", "1")
    going_on = start(other, "snakemake", "--cores", "1")
    assert process.wait() == -signal.SIGKILL
    assert going_on.wait() == 0
    _assert_settled(other)
    assert "prune" in killed.run("dvc", "status"), "it was to be killed before DVC knew"
    made = killed.items("prune")
    assert jobs(killed.run("snakemake"), "prune_item") == 0
    assert killed.items("prune").keys() == made.keys()
    for clone in (killed, other):
        _assert_settled(clone)
    group.assert_whole()


@pytest.mark.parametrize("link", LINKS)
def test_an_empty_object_takes_no_result_with_it(group: Group, link: str) -> None:
    """DVC takes what is read-only for what its name says, and puts a link to it in the place of the whole file."""
    clone = group.clone("clone")
    clone.run("dvc", "checkout")
    clone.run("dvc", "config", "--local", "cache.type", link)
    victim = next((clone.root / "artifacts/sweep").glob("*/weights.safetensors"))
    truth, digest = victim.read_bytes(), md5(victim)
    stored = group.cache / "files/md5" / digest[:2] / digest[2:]
    stored.chmod(0o644)
    stored.write_bytes(b"")
    stored.chmod(0o444)
    clone.edit(aggregate__max_drop_points=2.0)
    said = clone.run("snakemake")
    assert "is not the object that its name says" in said and jobs(said, "sweep_item") == 0
    assert victim.read_bytes() == stored.read_bytes() == truth
    _assert_settled(clone)
    group.assert_whole()


def test_a_run_of_another_study_in_the_same_clone_is_refused_in_one_line(fresh: Project, tmp_path: Path) -> None:
    project = fresh.copy(tmp_path / "project")
    process = start(project, "snakemake", "--cores", "1")
    try:
        wait_for(lambda: (project.root / "logs").exists())
        said = project.run("snakemake", "--config", "study=params/smoke.yaml", ok=False)
        assert said.count("another run (process") == 1 and "Traceback" not in said
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
