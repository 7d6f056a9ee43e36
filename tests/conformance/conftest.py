"""Tiny items of the stages that make networks, each made by a process of its own.

NNCF prunes and quantizes in processes of their own; here, in the tests' process, it quantizes.
"""

import json
import shutil
import subprocess
import sys
from functools import cache

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny import TINY

from minarch.data.__main__ import work as make_data

DATA = {"dataset": "digits", "name": "digits", "root": None, "image_size": 8, "seed": 0, "limit": None}
DATA |= {"test": 0.2, "validation": 0.2}
WORK = """
import importlib, json, sys
from pathlib import Path

from minarch.flow.stages import STAGES

stage, config, jobs = json.loads(sys.argv[1])
for inputs, out in jobs:
    Path(out).mkdir()
    paths = {name: Path(path) for name, path in inputs.items()}
    importlib.import_module(STAGES[stage].module).work(config, paths, Path(out))
"""


@pytest.fixture(scope="session")
def folders(tmp_path_factory):
    """folders(stage) -> the folder of its tiny item, and that of the same item made where test labels are others."""
    root = tmp_path_factory.mktemp("networks")
    data, permuted = root / "data", root / "data-permuted"
    data.mkdir()
    make_data(DATA, {}, data)
    shutil.copytree(data, permuted)
    split = load_file(permuted / "test.safetensors")
    order = torch.randperm(len(split["labels"]), generator=torch.Generator().manual_seed(0))
    save_file(split | {"labels": split["labels"][order].contiguous()}, permuted / "test.safetensors")

    @cache
    def made(stage):
        if stage == "data":
            return data, permuted
        inputs = {name: str(made(read)[0]) for name, read in TINY[stage].inputs.items()}
        outs = root / stage, root / f"{stage}-permuted"
        jobs = [(inputs, str(outs[0])), (inputs | {"data": str(permuted)}, str(outs[1]))]
        # One after the other in one process: in another one, sums may be taken in another order.
        argument = json.dumps([stage, TINY[stage].config, jobs])
        subprocess.run([sys.executable, "-c", WORK, argument], check=True, timeout=600)
        return outs

    return made
