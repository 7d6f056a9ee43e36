"""What trains must run on a bare machine: torch, numpy, safetensors and the standard library."""

import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[3]
PROGRAM = """
import builtins, importlib, pkgutil, sys

ALLOWED = {"torch", "numpy", "safetensors", *sys.stdlib_module_names}
OURS = ("minarch.training", "minarch.models", "minarch.data.tensors", "minarch.errors", "minarch.files")
FUSED = "minarch.training.fused."
WITHOUT_NUMBA = ["available", "layers", "plan", "program"]
genuine = builtins.__import__

def guarded(name, globals=None, locals=None, fromlist=(), level=0):
    asking = (globals or {}).get("__name__", "")
    if asking.startswith("minarch") and level == 0:
        top = name.partition(".")[0]
        assert top in ALLOWED or name == "minarch" or name.startswith(OURS), f"{asking} imports {name}"
    return genuine(name, globals, locals, fromlist, level)

builtins.__import__ = guarded
import minarch.models, minarch.training
from minarch.data.tensors import Split
for package in (minarch.models, minarch.training):
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not module.name.startswith(FUSED) or module.name.removeprefix(FUSED) in WITHOUT_NUMBA:
            importlib.import_module(module.name)

import torch
from minarch.models.cost import macs
from minarch.models.families import FAMILIES, architecture
from minarch.training.blocks import train_repeats
from minarch.training.loop import Recipe
from minarch.training.repeats import Task
from minarch.training.stacked.ensemble import stackable
from minarch.training.strategy import choose
split = Split(torch.zeros(4, 1, 8, 8, dtype=torch.uint8), torch.arange(4), torch.zeros(1), torch.ones(1))
recipe = Recipe(epochs=1, batch_size=2, optimizer="adam", learning_rate=0.1, weight_decay=0.0)
knobs = {"dnn": dict(depth=1, width=2), "cnn": dict(channels=2), "vit": dict(depth=1, width=2, heads=1, patch=4)}
knobs |= {"shaped-dnn": dict(depth=2, width=2, steps="grow"), "resnet": dict(depth=18, width=1)}
knobs |= {"separable": dict(depth=1, channels=2)}
assert set(knobs) == set(FAMILIES)
for family, values in knobs.items():
    task = Task(architecture(family, values).spec([1, 8, 8], 4), {}, split, split, recipe)
    for kind in ("auto", "sequential", *(["stacked"] if stackable(task.spec) else [])):
        strategy = choose(task, 2, kind, torch.device("cpu"))
        (result, _) = train_repeats(task, [0, 1], strategy)
        macs(result.networks["final"], [1, 8, 8])
print(sorted({m.split(".")[1] for m in sys.modules if m.startswith("minarch.")}))
"""


def test_training_and_models_need_only_torch_numpy_and_safetensors(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={"PYTHONPATH": str(REPOSITORY / "src"), "HOME": str(tmp_path), "OMP_NUM_THREADS": "1"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.iterdir()), "what is fastest is kept only where a place was named"
    assert done.stdout.strip() == "['data', 'errors', 'files', 'models', 'training']"


def test_a_report_is_made_without_torch():
    """Which takes longer to import than all that a report needs."""
    code = "import sys, minarch.aggregate; sys.exit('torch' in sys.modules)"
    environment = {"PYTHONPATH": str(REPOSITORY / "src")}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0
