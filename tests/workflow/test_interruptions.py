"""Killed, doubled, damaged: nothing is lost, nothing wrong becomes the truth."""

import hashlib
import json
import os
import pickle
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from safetensors.torch import load_file

from minarch.flow.stages import STAGES

from .conftest import Project, jobs
from .hostile import seal_again

pytestmark = pytest.mark.workflow


def start(project: Project, *command: str) -> subprocess.Popen[bytes]:
    quiet = subprocess.DEVNULL
    return subprocess.Popen(
        command, cwd=project.root, env=project.environment(), stdout=quiet, stderr=quiet, start_new_session=True
    )


def wait_for(condition: object, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def test_killed_twice_in_the_sweep_it_trains_exactly_what_is_missing(
    fresh: Project, finished: Project, tmp_path: Path
) -> None:
    project = fresh.copy(tmp_path / "project")
    project.decide_as(finished)
    for kill in (1, 2):
        process = start(project, "snakemake", "--cores", "1")
        wait_for(lambda kill=kill: len(project.items("sweep")) >= kill)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        time.sleep(1)  # orphans of the fork server would go on writing now
    survivors = project.items("sweep")
    assert 2 <= len(survivors) < len(finished.items("sweep"))
    said = project.run("snakemake")
    assert jobs(said, "sweep_item") == len(finished.items("sweep")) - len(survivors)
    assert {n: t for n, t in project.items("sweep").items() if n in survivors} == survivors
    for stage in list(STAGES)[: list(STAGES).index("quantize")]:  # which measures times
        assert project.digests(stage) == finished.digests(stage), stage
    project.assert_clean()


@pytest.mark.long
def test_a_killed_dvc_repro_needs_no_unlock(fresh: Project, finished: Project, tmp_path: Path) -> None:
    project = fresh.copy(tmp_path / "project")
    project.decide_as(finished)
    process = start(project, "dvc", "repro")
    wait_for(lambda: len(project.items("sweep")) >= 1)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    time.sleep(1)
    survivors = project.items("sweep")
    project.run("dvc", "repro")
    assert {n: t for n, t in project.items("sweep").items() if n in survivors} == survivors
    assert project.digests("sweep") == finished.digests("sweep")
    project.assert_clean()


def test_a_second_run_refuses_in_one_line(fresh: Project, tmp_path: Path) -> None:
    project = fresh.copy(tmp_path / "project")
    process = start(project, "snakemake", "--cores", "1")
    try:
        wait_for(lambda: (project.root / ".minarch/run.lock").exists() and (project.root / "logs").exists())
        said = project.run("snakemake", ok=False)
        assert said.count("another run (process") == 1
        assert "Traceback" not in said
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.parametrize("tool", ["dvc", "snakemake"])
@pytest.mark.parametrize("name", ["results.json", "weights.safetensors", "item.json"])
def test_a_hand_edited_artifact_is_made_again(project: Project, tool: str, name: str) -> None:
    victim = next((project.root / "artifacts/sweep").glob(f"*/{name}"))
    truth = victim.read_bytes()
    mode = victim.stat().st_mode
    victim.unlink()
    victim.write_bytes(truth.replace(b"0", b"1", 1) if name != "weights.safetensors" else truth[: len(truth) // 2])
    victim.chmod(mode)
    said = project.run("dvc", "repro") if tool == "dvc" else project.run("snakemake")
    assert "was changed or damaged" in said
    assert victim.read_bytes() == truth
    project.assert_clean()
    assert project.run("git", "status", "--porcelain") == ""


def test_a_lost_item_comes_back(project: Project) -> None:
    victim = next((project.root / "artifacts/prune").glob("*-magnitude-*"))
    shutil.rmtree(victim)
    said = project.run("snakemake")
    assert jobs(said, "prune_item") == 0 and victim.exists()
    project.assert_clean()


@pytest.mark.parametrize("tool", ["dvc", "snakemake"])
def test_a_truncated_object_in_the_cache_is_replaced(project: Project, tool: str) -> None:
    """DVC never reads again what it has: left there, the object would be pushed, and break every reviewer's pull."""
    victim = next((project.root / "artifacts/sweep").glob("*/weights.safetensors"))
    truth = victim.read_bytes()
    digest = hashlib.md5(truth).hexdigest()
    stored = project.root / ".dvc/cache/files/md5" / digest[:2] / digest[2:]
    stored.chmod(0o644)
    stored.write_bytes(truth[:100])
    shutil.rmtree(victim.parent)
    later = {stage: project.items(stage) for stage in ("convergence", "prune", "quantize", "aggregate")}
    said = project.run("dvc", "repro") if tool == "dvc" else project.run("snakemake")
    assert jobs(said, "sweep_item") == 1
    assert victim.read_bytes() == stored.read_bytes() == truth
    assert {stage: project.items(stage) for stage in later} == later, "what its key says is valid runs again"
    project.assert_clean()


def test_what_does_not_belong_never_becomes_the_truth(project: Project) -> None:
    (project.root / "artifacts/sweep/notes.txt").write_text("a stray file")
    shutil.copytree(
        next((project.root / "artifacts/prune").glob("*-magnitude-*")), project.root / "artifacts/prune/copied"
    )
    project.run("dvc", "repro")
    assert not (project.root / "artifacts/sweep/notes.txt").exists()
    assert not (project.root / "artifacts/prune/copied").exists()
    project.assert_clean()
    assert project.run("git", "status", "--porcelain") == ""


def test_code_edited_during_a_run_seals_nothing(project: Project) -> None:
    """The plan was made from the code as it was: a result of other code must not lie under its key."""
    before = project.items("sweep")
    project.edit(train__learning_rate=0.02)
    code = project.root / "src/minarch/sweep.py"
    process = start(project, "snakemake", "--cores", "1")
    wait_for(lambda: len(project.items("sweep")) > len(before))
    kept = set(project.items("sweep")) - set(before)
    code.write_text(code.read_text().replace('"depth": kind.depth', '"depth": 99'))
    assert process.wait() != 0
    made = set(project.items("sweep")) - set(before) - kept
    depths = [json.loads((project.root / "artifacts/sweep" / n / "results.json").read_text())["depth"] for n in made]
    assert 99 not in depths


@pytest.mark.parametrize("where", ["reports/report.html", "reports/metrics.json", "reports/made_by.json"])
def test_an_edited_report_is_published_again(project: Project, where: str) -> None:
    report = project.root / where
    truth = report.read_bytes()
    report.write_text("a better number")
    project.run("snakemake")
    assert report.read_bytes() == truth
    assert project.run("git", "status", "--porcelain") == ""


def test_a_pickle_in_place_of_weights_is_refused(project: Project, tmp_path: Path) -> None:
    """In an item that nobody vouches for or against, sealed rightly: it is read as data, and nothing in it runs."""
    proof = tmp_path / "executed"

    class Payload:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.system, (f"touch {proof}",)

    chosen = {name.split("-l1-")[0] for name in project.items("prune") if "-l1-" in name}
    folder = next(f for f in (project.root / "artifacts/sweep").iterdir() if f.name.rsplit("-", 1)[0] in chosen)
    load_file(folder / "weights.safetensors")
    (folder / "weights.safetensors").unlink()
    (folder / "weights.safetensors").write_bytes(pickle.dumps(Payload()))
    seal_again(folder)
    shutil.rmtree(project.root / ".git")
    for knows in ("dvc.lock", ".minarch/made.txt"):
        (project.root / knows).unlink()
    project.edit(prune__levels=[0.25])
    said = project.run("snakemake", ok=False)
    assert "safetensors" in said and "Traceback" not in said
    assert not proof.exists()


@pytest.mark.parametrize(
    "known",
    [pytest.param(True, id="recorded before"), pytest.param(False, id="never recorded", marks=pytest.mark.long)],
)
def test_params_edited_while_dvc_records_are_not_bound_to_older_results(project: Project, known: bool) -> None:
    """The edit falls between the last result and DVC's record of it: dvc.lock must stay as it was, or stay away."""
    lock = project.root / "dvc.lock"
    if not known:
        lock.unlink()
    before = lock.read_bytes() if known else None
    project.edit(aggregate__max_drop_points=2.0)
    hook = project.root / "hook"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(
        "import pathlib, sys\n"
        "if 'commit' in sys.orig_argv:\n"
        "    params = pathlib.Path('params.yaml')\n"
        "    params.write_text(params.read_text().replace('max_drop_points: 2.0', 'max_drop_points: 3.0'))\n"
    )
    said = project.run("snakemake", ok=False, PYTHONPATH=f"{project.root / 'src'}:{hook}")
    assert "params.yaml was edited during the run" in said
    assert (lock.read_bytes() if lock.exists() else None) == before
    shutil.rmtree(hook)
    project.run("snakemake")
    project.assert_clean()
