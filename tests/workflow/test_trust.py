"""What is pulled can neither harm nor deceive, and nothing of the user's is lost."""

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
import yaml

from minarch.flow.seal import LIST, md5
from minarch.flow.stages import STAGES

from .conftest import Project, jobs
from .hostile import Remote, forge, seal_again
from .test_interruptions import start, wait_for

pytestmark = pytest.mark.workflow

REVIEW = ("python", "-m", "minarch.commands.review")
VERIFY = ("python", "-m", "minarch", "status", "--verify")


@pytest.fixture
def remote(project: Project, tmp_path: Path) -> Remote:
    return Remote(project, tmp_path / "remote")


def _tree(root: Path, *but: str) -> dict[str, tuple[bytes | str, int]]:
    """Every file of a checkout with its time, and where links lead."""
    files = (path for path in sorted(root.rglob("*")) if path.is_symlink() or path.is_file())
    return {
        str(path.relative_to(root)): (
            os.readlink(path) if path.is_symlink() else path.read_bytes(),
            path.lstat().st_mtime_ns,
        )
        for path in files
        if not str(path.relative_to(root)).startswith(but)
    }


def test_a_review_of_an_honest_remote_ends_well(remote: Remote, tmp_path: Path) -> None:
    clone = remote.clone(tmp_path / "clone")
    digest = md5(next((remote.project.root / "artifacts/sweep").glob("*/weights.safetensors")))
    (clone.root / ".dvc/cache/files/md5" / digest[:2] / digest[2:] / "folder").mkdir(parents=True)  # in its place
    said = clone.run(*REVIEW)
    assert "every file as the commit names it" in said and "reports/report.html" in said
    assert clone.run(*REVIEW) in said
    assert "verified" in clone.run(*VERIFY)
    clone.assert_clean()


def test_a_review_writes_nothing_that_only_the_remote_names(remote: Remote, tmp_path: Path) -> None:
    """Not the code that Python imports at its start, not what lies outside of the checkout, no hook of git, no tracked
    file.
    """
    proof = tmp_path / "executed"
    paths = ["../../src/sitecustomize.py", "../../../x", "../../.git/hooks/post-checkout", "../../Makefile", "digits/x"]
    content = f"open({str(proof)!r}, 'w')\n".encode()
    remote.list_more("artifacts/data", **dict.fromkeys([*paths, str(tmp_path / "absolute")], content))
    clone = remote.clone(tmp_path / "clone")
    before = _tree(tmp_path, "clone/.dvc", "clone/.git/index")
    said = clone.run(*REVIEW, ok=False)
    assert said.startswith("review: artifacts/data: the remote holds something else than what the commit names")
    assert len(said.splitlines()) == 1
    assert _tree(tmp_path, "clone/.dvc", "clone/.git/index") == before
    assert not proof.exists()


def test_a_review_refuses_an_object_that_was_replaced(remote: Remote, tmp_path: Path) -> None:
    victim = next((remote.project.root / "artifacts/sweep").glob("*/weights.safetensors"))
    remote.replace(remote.object(md5(victim)), victim.read_bytes()[:-1])
    said = remote.clone(tmp_path / "clone").run(*REVIEW, ok=False)
    same = [file.name for file in victim.parent.iterdir() if md5(file) == md5(victim)]  # the best epoch may be the last
    places = tuple(f"review: artifacts/sweep/{victim.parent.name}/{name}: the remote holds something" for name in same)
    assert said.startswith(places)


def test_a_review_reads_no_more_than_the_commit_says_there_is(remote: Remote, tmp_path: Path) -> None:
    """Ten megabytes where the whole directory has less: the disk of a reviewer is not filled."""
    remote.replace(remote.manifest("artifacts/convergence"), b" " * 10_000_000)
    clone = remote.clone(tmp_path / "clone")
    assert "the remote sends more than the" in clone.run(*REVIEW, ok=False)
    assert max(path.stat().st_size for path in (clone.root / ".dvc").rglob("*") if path.is_file()) < 5_000_000


def test_a_review_tells_what_is_not_there(remote: Remote, project: Project, tmp_path: Path) -> None:
    remote.manifest("artifacts/prune").unlink()
    os.mkfifo(remote.manifest("artifacts/prune"))  # which nobody writes to
    said = remote.clone(tmp_path / "clone").run(*REVIEW, ok=False)
    assert said.startswith("review: artifacts/prune: is not in the remote; allowed:")
    project.run("dvc", "remote", "remove", "store")
    project.commit()
    said = remote.clone(tmp_path / "without").run(*REVIEW, ok=False)
    assert len(said.splitlines()) == 1 and said.startswith("review: ") and "remote" in said


def test_a_review_writes_through_no_link(remote: Remote, tmp_path: Path) -> None:
    clone, elsewhere = remote.clone(tmp_path / "clone"), tmp_path / "elsewhere"
    item = next(iter(remote.project.items("sweep")))
    elsewhere.mkdir()
    (clone.root / "artifacts/sweep").mkdir(parents=True)
    (clone.root / "artifacts/sweep" / item).symlink_to(elsewhere)
    assert f"artifacts/sweep/{item} is a link; allowed:" in clone.run(*REVIEW, ok=False)
    assert list(elsewhere.iterdir()) == []


def test_a_review_of_a_clone_that_would_convert_line_ends_ends_well(remote: Remote, tmp_path: Path) -> None:
    source, target = str(remote.project.root), str(tmp_path / "clone")
    remote.project.run("git", "clone", "-q", "--config", "core.autocrlf=true", source, target)
    assert "every file as the commit names it" in Project(Path(target)).run(*REVIEW)


def test_a_review_is_of_the_commit(remote: Remote, tmp_path: Path) -> None:
    clone = remote.clone(tmp_path / "clone")
    code = clone.root / "src/minarch/planted.py"
    code.write_text("")
    assert "src/minarch/planted.py is not as in the commit" in clone.run(*REVIEW, ok=False)
    code.unlink()
    clone.edit(train__epochs=9)
    assert "params.yaml is not as in the commit" in clone.run(*REVIEW, ok=False)


def test_what_a_pull_wrote_outside_is_told_by_all_and_review_heals(remote: Remote, tmp_path: Path) -> None:
    truth = remote.manifest("artifacts/data").read_bytes()
    remote.list_more("artifacts/data", **{"../../reports/brought.txt": b"brought"})
    clone = remote.clone(tmp_path / "clone")
    clone.run("dvc", "pull")
    assert (clone.root / "reports/brought.txt").exists()  # nothing of ours ran: DVC checks no path
    for command in (("snakemake",), ("snakemake", "-n"), ("python", "-m", "minarch", "status")):
        said = clone.run(*command, ok=False)
        assert "`dvc pull` wrote 'reports/brought.txt'" in said and "Traceback" not in said
    assert "artifacts/data: the remote holds something else" in clone.run(*REVIEW, ok=False)
    remote.replace(remote.manifest("artifacts/data"), truth)
    (clone.root / "reports/brought.txt").unlink()
    clone.run(*REVIEW)
    assert not (clone.root / "reports/brought.txt").exists(), "DVC remembered what it had read before"
    clone.assert_clean()


def test_what_the_folder_of_images_wrote_outside_is_told(project: Project, tmp_path: Path) -> None:
    images = project.root / "data/folders/mine/cats"
    images.mkdir(parents=True)
    (images / "Screenshot 10.00\u202fAM.png").write_bytes(b"as macOS names it")
    project.run("dvc", "add", "data/folders/mine")
    project.run("snakemake")
    project.commit()
    remote = Remote(project, tmp_path / "remote")
    assert "every file as the commit names it" in remote.clone(tmp_path / "honest").run(*REVIEW)
    named = yaml.safe_load((project.root / "data/folders/mine.dvc").read_text())["outs"][0]["md5"]
    manifest = remote.object(named)
    listed = [*json.loads(manifest.read_bytes()), {"md5": remote.add(b""), "relpath": "../../../src/brought.py"}]
    remote.replace(manifest, json.dumps(listed).encode())
    clone = remote.clone(tmp_path / "clone")
    clone.run("dvc", "pull")
    for command in (("snakemake",), ("snakemake", "-n"), ("python", "-m", "minarch", "status")):
        assert "data/folders/mine: its directory object" in clone.run(*command, ok=False)


@pytest.mark.parametrize("tool", [pytest.param("dvc", marks=pytest.mark.long), "snakemake"])
def test_a_forged_item_never_becomes_the_truth(remote: Remote, tmp_path: Path, tool: str) -> None:
    """Pulled by DVC, which believes the remote, under its honest name and rightly sealed."""
    name = remote.forge_sweep_item()
    assert f"{name}/item.json: the remote holds" in remote.clone(tmp_path / "reviewer").run(*REVIEW, ok=False)
    clone = remote.clone(tmp_path / "clone")
    clone.decide_as(remote.project)
    clone.run("dvc", "pull")
    results = clone.root / "artifacts/sweep" / name / "results.json"
    assert "unstable" in results.read_text()
    assert f"{name}: is sealed, but is neither what dvc.lock names" in clone.run(*VERIFY, ok=False)
    assert clone.run("snakemake", "-n").count("rule sweep_item:") == 1
    clone.edit(aggregate__max_drop_points=2.0)
    if tool == "dvc":  # it has decided already what is unchanged
        said = clone.run("dvc", "repro", ok=False)
        assert "run `dvc repro` again" in said
        said += clone.run("dvc", "repro")
    else:
        said = clone.run("snakemake")
    assert said.count("is sealed, but is neither what dvc.lock names nor what was made here") == 1
    assert jobs(said, "sweep_item") == 1
    truth = (remote.project.root / "artifacts/sweep" / name / "results.json").read_bytes()
    assert results.read_bytes() == truth
    assert ",unstable," not in (clone.root / "reports/tables/sweep.csv").read_text()
    clone.assert_clean()


def _put_forged(project: Project, place: Path) -> Path:
    forged = forge(project, place)
    item = project.root / "artifacts/sweep" / forged.name
    shutil.rmtree(item)
    shutil.copytree(forged, item)
    return item


@pytest.mark.parametrize("tool", ["dvc", "snakemake"])
@pytest.mark.parametrize("known", ["by dvc.lock", "by this workspace"])
def test_a_local_item_that_was_sealed_again_is_noticed(project: Project, tmp_path: Path, tool: str, known: str) -> None:
    truth = project.digests("sweep")
    item = _put_forged(project, tmp_path / "forged")
    forgotten = "dvc.lock" if known == "by this workspace" else ".minarch/made.txt"
    (project.root / forgotten).unlink()
    assert "is sealed, but is neither" in project.run(*VERIFY, ok=False)
    said = project.run("dvc", "repro") if tool == "dvc" else project.run("snakemake")
    assert f"{item.name}: is sealed, but is neither" in said
    assert jobs(said, "sweep_item") == 0  # git knows the true one, and DVC's cache has it
    assert project.digests("sweep") == truth
    project.assert_clean()


def test_items_that_only_a_checkpoint_lists_are_checked_and_brought_back(project: Project) -> None:
    """Other settings of convergence decide the representatives anew; what is pruned is known during the run only."""
    truth = project.digests("prune")
    forged, lost = sorted((project.root / "artifacts/prune").glob("*-l1-*"))[:2]
    results = (forged / "results.json").read_bytes()
    (forged / "results.json").unlink()
    (forged / "results.json").write_bytes(results + b"\n")
    seal_again(forged)
    shutil.rmtree(lost)
    project.edit(convergence__confidence=0.9)
    said = project.run("snakemake")
    assert f"{forged.name}: is sealed, but is neither what dvc.lock names nor what was made here" in said
    assert "prune: 2 item(s) made before brought back" in said
    lists = ("/index-", f"/{LIST}")
    kept = {path: content for path, content in project.digests("prune").items() if not any(x in path for x in lists)}
    assert kept.items() <= truth.items() and len(kept) == len(truth) - 2
    project.assert_clean()


def test_a_study_takes_no_item_from_another_that_is_forged_there(project: Project, tmp_path: Path) -> None:
    truth = project.digests("sweep")
    item = _put_forged(project, tmp_path / "forged")
    (project.root / ".minarch/made.txt").unlink()
    shutil.copy(project.root / "params.yaml", project.root / "params/mine.yaml")
    project.run("snakemake", "sweep", "--config", "study=params/mine.yaml")
    taken = project.root / "artifacts/studies/mine/sweep" / item.name / "results.json"
    assert taken.read_bytes().hex() == truth[str((item / "results.json").relative_to(project.root))]
    shutil.copytree(item, taken.parent, dirs_exist_ok=True)
    (project.root / ".minarch/made.txt").unlink(missing_ok=True)
    assert "is sealed, but is neither" in project.run(*VERIFY, "--study", "params/mine.yaml", ok=False)


def test_what_cannot_be_compared_is_not_called_verified(project: Project) -> None:
    shutil.rmtree(project.root / ".dvc/cache")
    assert "artifacts/sweep: the list of its files" in project.run(*VERIFY, ok=False)


def test_an_edit_of_the_same_size_with_its_time_kept_is_noticed(project: Project) -> None:
    victim = next((project.root / "artifacts/sweep").glob("*/results.json"))
    truth, times = victim.read_bytes(), victim.stat()
    edited = truth.replace(b'"ok"', b'"Ok"')
    assert edited != truth
    victim.chmod(0o644)
    with victim.open("r+b") as file:  # in place: the inode stays, too
        file.write(edited)
    os.utime(victim, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert "results.json was changed or damaged" in project.run(*VERIFY, ok=False)
    assert "results.json was changed or damaged" in project.run("snakemake")
    assert victim.read_bytes() == truth
    project.assert_clean()


def test_a_dry_run_changes_nothing_at_all(project: Project) -> None:
    """Though it tells of what a run would do: something is damaged, something foreign, something to be brought back."""
    damaged, lost = sorted((project.root / "artifacts/sweep").glob("digits-*"))[:2]
    (damaged / "results.json").unlink()
    shutil.rmtree(lost)
    notes = project.root / "artifacts/sweep/my-notes"
    notes.mkdir()
    (notes / "idea.txt").write_text("keep me")
    (project.root / "artifacts/prune/.tmp-1-half").mkdir()
    before = _tree(project.root)
    said = project.run("snakemake", "-n")
    assert (
        "artifacts/sweep/my-notes: is not part of the stage (would be moved to .minarch/apart/sweep/my-notes)" in said
    )
    assert "results.json is missing; it is made again (would be moved" in said
    assert "sweep: 2 item(s) made before would be brought back" in said
    assert "rule sweep_item:" not in said
    assert _tree(project.root) == before
    assert (notes / "idea.txt").exists() and (project.root / "artifacts/prune/.tmp-1-half").exists()


def test_what_is_the_users_is_moved_and_named_never_deleted(project: Project) -> None:
    for text in ("first", "second"):
        for place in ("artifacts/sweep/my-notes", "reports/figures/mine"):
            (project.root / place).mkdir()
            (project.root / place / "idea.txt").write_text(text)
        project.edit(aggregate__max_drop_points=2.0 if text == "first" else 3.0)
        said = project.run("snakemake")
        assert "artifacts/sweep/my-notes: is not part of the stage (moved to .minarch/apart/sweep/my-notes" in said
        assert "reports/figures/mine/idea.txt: is not part of the report (moved to .minarch/apart/mine/idea.txt" in said
        shutil.rmtree(project.root / "reports/figures/mine", ignore_errors=True)
        project.assert_clean()
    apart = project.root / ".minarch/apart"
    assert [(apart / f"sweep/my-notes{n}/idea.txt").read_text() for n in ("", "-2")] == ["first", "second"]
    assert [(apart / f"mine/idea.txt{n}").read_text() for n in ("", "-2")] == ["first", "second"]


@pytest.mark.long
def test_a_run_whose_results_do_not_get_into_the_cache_does_not_end_well(
    project: Project, request: pytest.FixtureRequest
) -> None:
    """On a full disk `dvc commit` says that it failed, and exits with 0."""
    disk, cache = project.root / "disk", project.root / ".dvc/cache"
    disk.mkdir()
    size = sum(path.stat().st_size for path in cache.rglob("*") if path.is_file()) + 2_500_000
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.decode()}")
    request.addfinalizer(lambda: subprocess.run(["umount", str(disk)], check=True))
    shutil.copytree(cache, disk / "cache")
    project.run("dvc", "config", "--local", "cache.dir", str(disk / "cache"))
    lock = (project.root / "dvc.lock").read_bytes()
    project.edit(train__epochs=9)
    said = project.run("snakemake", ok=False)
    assert "did not get into DVC's cache" in said and "Traceback" not in said
    assert (project.root / "dvc.lock").read_bytes() == lock
    subprocess.run(["mount", "-o", f"remount,size={10 * size}", str(disk)], check=True)
    said = project.run("snakemake")
    assert not any(jobs(said, f"{stage}_item") for stage in STAGES)
    project.assert_clean()


def test_a_broken_configuration_of_dvc_is_told(project: Project) -> None:
    (project.root / ".dvc/config").write_text("[cache\n    dir = x\n")
    for command in (("snakemake",), ("snakemake", "-n"), ("python", "-m", "minarch", "status")):
        said = project.run(*command, ok=False)
        assert ".dvc/config: not a DVC configuration" in said and "Traceback" not in said


def test_dvc_is_refused_while_a_run_is_at_work(project: Project, tmp_path: Path) -> None:
    remote = Remote(project, tmp_path / "remote")
    project.edit(train__epochs=200)
    before = set(project.items("sweep"))
    with start(project, "snakemake", "--cores", "1") as process:
        try:
            wait_for(lambda: set(project.items("sweep")) - before)
            for command in (("pull",), ("commit", "-f"), ("checkout",)):
                assert "Unable to acquire lock" in project.run("dvc", *command, ok=False)
            assert process.wait(timeout=300) == 0
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    project.assert_clean()
    assert remote.folder.is_dir()


def test_a_run_is_refused_while_dvc_is_at_work(project: Project) -> None:
    lock = "lock = zc.lockfile.LockFile('.dvc/tmp/lock')"  # as DVC takes it
    command = ("python", "-c", f"import time, zc.lockfile; {lock}; print('held', flush=True); time.sleep(60)")
    with subprocess.Popen(command, cwd=project.root, env=project.environment(), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == b"held\n"
        said = project.run("snakemake", ok=False)
        process.kill()
    assert "a `dvc` command is at work in this directory" in said and "Traceback" not in said
    project.assert_clean()


def test_a_decision_of_another_shape_is_one_line(project: Project) -> None:
    """Sealed rightly, and unknown to dvc.lock and this workspace, as if somebody had handed the folder over."""
    folder = next((project.root / "artifacts/representatives").glob("representatives-*"))
    (folder / "representatives.json").unlink()
    (folder / "representatives.json").write_bytes(b"[" * 100_000)
    seal_again(folder)
    (project.root / "dvc.lock").unlink()
    (project.root / ".minarch/made.txt").unlink()
    for command in (("snakemake",), ("snakemake", "-n"), ("python", "-m", "minarch", "status")):
        said = project.run(*command, ok=False)
        assert "representatives.json: is no decision of its stage" in said and "Traceback" not in said


def test_results_of_another_shape_are_one_line_of_status(project: Project) -> None:
    victim = next((project.root / "artifacts/sweep").glob("*/results.json"))
    truth = victim.read_bytes()
    for content in (b"[" * 100_000, b"[]", b'{"repeats": 3}', b'{"repeats": [{}]}', b"\xff"):
        victim.unlink()
        victim.write_bytes(content)
        said = project.run("python", "-m", "minarch", "status", ok=False)
        assert "results.json: does not read as results" in said and "Traceback" not in said
    assert f"{victim.parent.name}: results.json was changed or damaged" in project.run(*VERIFY, ok=False)
    assert "was changed or damaged" in project.run("snakemake")
    assert victim.read_bytes() == truth
