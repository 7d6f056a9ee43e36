"""What is fastest is decided in the workspace, recorded by the items that go by it, and shown by `status`."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from minarch.commands.status import status
from minarch.flow import fastest

SOURCE = Path(__file__).parents[3] / "src"


def _run(module):
    """Every missing item of a stage, in a process of its own; what it said."""
    command = [sys.executable, "-m", module]
    done = subprocess.run(command, env={"PYTHONPATH": str(SOURCE)}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def _decided():
    return {path: path.read_bytes() for path in Path(".minarch/fastest").rglob("*.*")}


@pytest.fixture
def begun(workspace):
    """A workspace with data."""
    workspace.write(sweep__families={"dnn": {"depth": 1, "width": 4}, "cnn": {"channels": 2}}, sweep__repeats=2)
    _run("minarch.data")
    return workspace


def test_jobs_decide_for_the_workspace_and_items_say_on_which_processor(begun):
    assert not _decided()
    _run("minarch.sweep")
    ((path, content),) = _decided().items()
    assert path.parent == fastest.folder()
    timings = {folder: json.loads((folder / "timing.json").read_text()) for folder in Path("artifacts/sweep").iterdir()}
    assert len(timings) == 2
    for timing in timings.values():
        assert timing["processor"] == path.stem
        entries = [json.loads(line) for line in content.splitlines()]
        answers = {entry["question"].partition(":")[0]: entry["answer"] for entry in entries}
        assert timing["products"] == {shape: answers[f"product {shape}"] for shape in timing["products"]}
    weights = {folder: (folder / "weights.safetensors").read_bytes() for folder in timings}
    shutil.rmtree("artifacts/sweep")
    _run("minarch.sweep")
    assert {folder: (folder / "weights.safetensors").read_bytes() for folder in timings} == weights
    assert _decided() == {path: content}, "nothing is asked twice"


def test_status_counts_the_decisions_and_says_how_to_forget_them(workspace, capsys):
    workspace.write()
    status("params.yaml")
    assert "fastest" not in capsys.readouterr().out
    fastest.folder().mkdir(parents=True)
    for name, questions in (("one-[bold]processor-0a", 3), ("another-processor-1b", 1)):
        lines = [json.dumps({"question": f"which {n}?", "answer": "a"}) + "\n" for n in (*range(questions), 0)]
        (fastest.folder() / f"{name}.jsonl").write_text("".join(lines) + "damaged\n")
    status("params.yaml")
    said = [text for text in capsys.readouterr().out.splitlines() if text.startswith("fastest ways on")]
    another, one = said
    assert another.startswith("fastest ways on another-processor-1b: 1 decided, the last on 20")
    assert one.startswith("fastest ways on one-[bold]processor-0a: 3 decided, the last on 20")
    for text in said:
        Path(text.partition("; to measure again: rm ")[2]).unlink()
    status("params.yaml")
    assert "fastest" not in capsys.readouterr().out


def test_other_code_decides_anew_and_a_comment_does_not(tmp_path):
    shutil.copytree(SOURCE / "minarch", tmp_path / "minarch")
    program = "from minarch.flow import fastest; print(fastest.folder())"

    def folder():
        command, environment = [sys.executable, "-c", program], {"PYTHONPATH": str(tmp_path)}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    file, before = tmp_path / "minarch/training/stacked/products.py", folder()
    file.write_text(file.read_text().replace('"""Stacked', '"""Our stacked') + "# a remark\n")
    assert folder() == before
    file.write_text(file.read_text() + "SOMETHING = 1\n")
    assert folder() != before
