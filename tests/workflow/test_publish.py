"""`make publish` into the repository, and `make review` of a clone of it by the real make, git, DVC and Snakemake."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from minarch.flow.seal import md5

from .conftest import Project
from .test_uses import cloned, shuffle_times

pytestmark = pytest.mark.workflow

PUBLISH = ("python", "-m", "minarch.commands.publish")
REVIEW = ("make", "-o", ".venv/ready", "review")  # in an environment that has the packages
FOLDER = Path(".dvc/published")
WITHOUT_NETWORK = ("unshare", "--map-root-user", "--net")


@pytest.fixture
def published(project: Project) -> Project:
    """The finished study, published in its repository and committed."""
    said = project.run(*PUBLISH)
    assert said.startswith("publish: ") and "in this checkout" in said and len(said.splitlines()) == 1
    project.commit()
    return project


def _objects(project: Project) -> set[str]:
    return {file.parent.name + file.name for file in (project.root / FOLDER).rglob("*") if file.is_file()}


def _named(project: Project) -> set[str]:
    """Every hash that dvc.lock names, of directories and of their files."""
    names = set()
    for entry in yaml.safe_load((project.root / "dvc.lock").read_text())["stages"].values():
        for out in entry["outs"]:
            if out["md5"].endswith(".dir"):
                names |= {out["md5"], *map(md5, filter(Path.is_file, (project.root / out["path"]).rglob("*")))}
    return names


def test_a_clone_is_reviewed_without_a_network(published: Project, tmp_path: Path) -> None:
    if subprocess.run([*WITHOUT_NETWORK, "true"], capture_output=True).returncode:
        pytest.skip("a network cannot be taken away here")
    assert _objects(published) == _named(published)
    clone = cloned(published, tmp_path / "clone")
    said = clone.run(*WITHOUT_NETWORK, *REVIEW)
    size = re.search(r"^review: [\d,]+ artifacts of [\d.]+ MB from the remote 'published' \(.dvc/published, in", said)
    assert size, said
    assert size.end() < said.index("every file as the commit names it")
    shuffle_times(clone.root)
    clone.assert_clean()
    assert clone.run("git", "status", "--porcelain") == ""
    assert "in sync" in clone.run("dvc", "status", "--cloud")


def test_what_is_published_goes_with_the_commit(published: Project) -> None:
    before = _objects(published)
    published.edit(aggregate__max_drop_points=2.0)
    published.run("snakemake")
    said = published.run(*PUBLISH, ok=False)
    assert "is not as in the commit" in said and len(said.splitlines()) == 1
    assert _objects(published) == before
    published.commit()
    published.run(*PUBLISH)
    assert _objects(published) == _named(published)
    assert before - _objects(published), "nothing was replaced, so this shows nothing"
    published.commit()
    victim = next((published.root / "artifacts/sweep").glob("*/item.json"))
    digest = md5(victim)
    stored = published.root / FOLDER / "files/md5" / digest[:2] / digest[2:]
    stored.write_bytes(b"damaged")
    published.run(*PUBLISH)
    assert published.run("git", "status", "--porcelain") == ""
    stored.unlink()
    cached = published.root / ".dvc/cache/files/md5" / digest[:2] / digest[2:]
    cached.chmod(0o644)
    cached.write_bytes(b"damaged")
    cached.chmod(0o444)  # DVC takes what is protected for checked
    said = published.run(*PUBLISH, ok=False)
    assert said.startswith(f"publish: {victim.relative_to(published.root)}: DVC's cache holds something else")
    assert not list((published.root / FOLDER).rglob(".tmp-*"))


def test_what_is_not_finished_is_not_published(project: Project) -> None:
    project.edit(aggregate__max_drop_points=2.0)
    project.commit()
    said = project.run(*PUBLISH, ok=False)
    assert re.fullmatch(r"publish: \w+: is not finished; allowed: .*\n", said)
    victim = next((project.root / "artifacts/sweep").glob("*/results.json"))
    project.run("git", "checkout", "-q", "HEAD~", "params.yaml")
    project.commit()
    victim.unlink()
    said = project.run(*PUBLISH, ok=False)
    assert said.startswith("publish: dvc status: changed: sweep") and len(said.splitlines()) == 1
    assert not (project.root / FOLDER).exists()


def test_a_repository_is_not_made_larger_than_it_may_be(project: Project) -> None:
    code = "from minarch.commands import publish; publish.LIMIT_BYTES = 1_000_000; publish.publish()"
    said = project.run("python", "-c", code, ok=False)
    stored = r"[\d,]+ objects of [\d.]+ MB \([\d.]+ MB as git stores them\) are too many"
    assert re.search(stored + " for the remote 'published' .*; allowed: 1 MB, or", said)
    assert not (project.root / FOLDER).exists()


def test_a_folder_that_git_ignores_is_a_remote_as_any_other(project: Project, tmp_path: Path) -> None:
    (project.root / ".gitignore").write_text((project.root / ".gitignore").read_text() + "/store/\n")
    project.run("dvc", "remote", "add", "--default", "store", "store")
    project.commit()
    other = project.root / "store/files/md5/ab/of-another-study"
    other.parent.mkdir(parents=True)
    other.touch()
    assert "everything that the commit names is in the remote 'store'" in project.run(*PUBLISH)
    assert other.exists()
    clone = cloned(project, tmp_path / "clone")
    (clone.root / "store").symlink_to(project.root / "store")
    assert "every file as the commit names it" in clone.run(*REVIEW)


def test_what_cannot_be_fetched_is_told_before_anything_is_installed(published: Project, tmp_path: Path) -> None:
    victim = next((published.root / "artifacts/sweep").glob("*/item.json"))
    name, digest = victim.relative_to(published.root), md5(victim)
    stored = Path("files/md5", digest[:2], digest[2:])
    clone = cloned(published, tmp_path / "clone")
    (clone.root / FOLDER / stored).unlink()
    said = clone.run("make", "review", ok=False).splitlines()
    assert said[0].startswith(f"review: {name}: not in the remote 'published'")
    assert len(said) == 2 and said[1].startswith("make: ***")
    (clone.root / FOLDER / stored).write_bytes(victim.read_bytes()[:-1])
    assert f"review: {name}: the remote holds something else" in clone.run(*REVIEW, ok=False)
    said = clone.run("make", "review", "STUDY=compression", ok=False).splitlines()
    assert said[0].startswith("review: study compression: its artifacts are not published") and len(said) == 2
    clone.run("dvc", "remote", "remove", "published")
    said = clone.run("make", "review", ok=False).splitlines()
    assert said[0].startswith("review: .dvc/config: names no default remote") and len(said) == 2
    assert not (clone.root / ".venv").exists()


def test_what_make_needs_is_said_before_and_after_it_could_not_be_installed(published: Project, tmp_path: Path) -> None:
    clone = cloned(published, tmp_path / "clone")
    said = clone.run("make", "review", ok=False, PIP_NO_INDEX="1", PIP_NO_CACHE_DIR="1")
    wanted = ("review: ", "installing the packages of requirements.txt", "ERROR", "not installed; what minarch needs")
    assert sorted(wanted, key=said.index) == list(wanted)
