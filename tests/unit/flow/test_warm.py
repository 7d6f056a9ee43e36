"""The first steps before a fork: what a job computes after them is what it would compute without."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from minarch.training.fused.available import fusable

SOURCE = Path(__file__).parents[3] / "src"
PROGRAM = """
import hashlib, os, sys
import torch
from minarch.data.tensors import Split
from minarch.models.families import architecture
from minarch.training.blocks import train_repeats
from minarch.training.loop import Recipe
from minarch.training.repeats import Task
from minarch.training.stacked import products
from minarch.training.stacked.products import Products
from minarch.training.strategy import Strategy
from minarch.worker.warm import warm_up

torch.set_num_threads(1)
products.fastest = lambda question, timers: "torch"  # which is faster differs between processes
if sys.argv[1] == "warm":
    warm_up()
if os.fork() == 0:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(256, (32, 1, 8, 8), dtype=torch.uint8, generator=generator)
    split = Split(images, torch.arange(32) % 4, torch.full((1,), 127.0), torch.full((1,), 70.0))
    recipe = Recipe(epochs=2, batch_size=8, optimizer="adam", learning_rate=0.01, weight_decay=0.0)
    for family, knobs in (("dnn", {"depth": 1, "width": 4}), ("cnn", {"depth": 2, "channels": 2})):
        task = Task(architecture(family, knobs).spec([1, 8, 8], 4), {}, split, split, recipe)
        for at_once in (0, 2):
            for result in train_repeats(task, [0, 1], Strategy(at_once, Products(torch.device("cpu")))):
                values = b"".join(t.numpy().tobytes() for t in result.networks["final"].state_dict().values())
                print(family, at_once, result.repeat, hashlib.sha256(values).hexdigest(), flush=True)
    os._exit(0)
assert os.waitstatus_to_exitcode(os.wait()[1]) == 0
"""


def _trained_in_a_fork(how):
    """What a job forked from a new process trains, as digests of weights."""
    command = [sys.executable, "-c", PROGRAM, how]
    done = subprocess.run(command, env={"PYTHONPATH": str(SOURCE)}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_job_forked_after_the_first_steps_trains_to_the_same_bytes():
    warm, cold = _trained_in_a_fork("warm"), _trained_in_a_fork("cold")
    assert len(warm) == 8 and warm == cold


COMPILING = """
import sys
from pathlib import Path
from minarch.flow.plan import Plan
from minarch.training.fused import available
from minarch.worker.warm import compile_steps

available.keep(Path("compiled"))
compile_steps(Plan(sys.argv[1]).items("sweep").values())
steps = sys.modules.get("minarch.training.fused.steps")
print(len(steps.go_through.signatures) if steps else 0, len(list(Path("compiled").rglob("*.nbc"))))
"""


@pytest.mark.skipif(not fusable({"family": "cnn"}), reason="numba is not installed")
def test_steps_are_compiled_before_jobs_are_forked_if_a_training_lasts_and_loaded_by_all_once_they_are_kept(workspace):
    workspace.write("short.yaml", train__epochs=2)
    workspace.write("long.yaml", train__epochs=1000)
    paths = os.pathsep.join([str(SOURCE), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))])
    for study, expected in (("short.yaml", "0 0"), ("long.yaml", "1 2"), ("long.yaml", "1 2"), ("short.yaml", "1 2")):
        command = [sys.executable, "-c", COMPILING, study]
        done = subprocess.run(command, env={"PYTHONPATH": paths}, capture_output=True, text=True, check=False)
        assert (done.stdout.strip(), done.stderr) == (expected, "")
