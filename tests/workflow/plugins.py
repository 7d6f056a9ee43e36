"""Snakemake's plugins for clusters in a folder of their own: in the environment they would slow every start of it."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import REPOSITORY

PINNED = ("executor-plugin-slurm", "executor-plugin-slurm-jobstep", "storage-plugin-s3")  # in requirements-cluster.txt
ONLY_HERE = "snakemake-executor-plugin-cluster-generic==1.0.9"  # submits by any script: a test's


def install(factory: pytest.TempPathFactory) -> Path:
    """The folder with the plugins, installed once for all workers of pytest; skips with the reason where pip cannot."""
    base = factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "plugins"
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            unfinished = factory.mktemp("plugins") / "plugins"
            names = [f"snakemake-{name}" for name in PINNED]
            command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(unfinished)]
            done = subprocess.run(
                [*command, "--constraint", "requirements-cluster.txt", *names, ONLY_HERE],
                cwd=REPOSITORY,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                pytest.skip(f"pip cannot install the plugins here: {done.stderr.strip()[-300:]}")
            unfinished.rename(folder)
    return folder
