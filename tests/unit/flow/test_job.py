"""One item at work: whole or not at all."""

import subprocess
import sys
from pathlib import Path

import pytest

from minarch.errors import UserError
from minarch.flow.job import make, run_stage
from minarch.flow.seal import RECORD, damage, read_sealed


def test_a_finished_item_is_sealed_and_says_what_it_depends_on(workspace):
    plan = workspace.plan()
    workspace.make(plan, "data", "sweep")
    for item in plan.items("sweep").values():
        assert damage(plan.folder(item.path), item.name) is None
        record = read_sealed(plan.folder(item.path) / RECORD)
        assert (record["identity"], record["inputs"], record["code"]) == (item.identity, item.inputs, item.code)
        assert set(record["files"]) == {"results.json", "inner/more.bin"}


def test_a_failed_work_leaves_nothing(workspace):
    plan = workspace.plan()

    def work(config, inputs, out):
        (out / "half").write_text("x")
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        make(plan, next(iter(plan.items("data").values())), work)
    assert list((plan.root / "data").iterdir()) == []


def test_an_item_without_its_inputs_is_one_line(workspace):
    plan = workspace.plan()
    with pytest.raises(UserError, match=r"its input data is missing: artifacts/data/digits-.*make it first"):
        make(plan, next(iter(plan.items("sweep").values())), print)


def test_an_item_made_again_replaces_the_old_one(workspace):
    plan = workspace.plan()
    workspace.make(plan, "data")
    workspace.make(plan, "data")
    assert len(list((plan.root / "data").iterdir())) == 1


def test_a_node_leaves_an_item_that_is_whole_and_makes_a_damaged_one_again(workspace, monkeypatch):
    plan = workspace.plan()
    workspace.make(plan, "data")
    item = next(iter(plan.items("data").values()))
    made = []

    def work(config, inputs, out):
        made.append(config)
        (out / "results.json").write_text("{}")

    monkeypatch.setattr(sys, "argv", ["minarch data", "--item", item.name, "--keep"])
    run_stage("data", work)
    assert made == []
    (plan.folder(item.path) / "results.json").unlink()
    run_stage("data", work)
    assert made == [item.config] and damage(plan.folder(item.path), item.name) is None


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--item", "digits-0"], "minarch data: --item: 'digits-0' is not in the plan of params.yaml"),
        (["--study", "none.yaml"], "minarch data: none.yaml: no such study"),
    ],
)
def test_the_command_line_answers_a_mistake_in_one_line(workspace, arguments, expected):
    workspace.write()
    command = [sys.executable, "-m", "minarch.data", *arguments]
    source = str(Path(__file__).parents[3] / "src")
    done = subprocess.run(command, env={"PYTHONPATH": source}, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(expected) and len(done.stderr.splitlines()) == 1
