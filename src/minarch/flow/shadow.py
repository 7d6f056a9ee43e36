"""A dry run's view of the workspace: links in a temporary folder, so that bringing it in line with the plan, which
moves and removes, changes nothing that is the user's.

Paths stay relative, so what Snakemake prints is as in the workspace.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

# Folders that are made, with links in them, because entries of theirs are moved or removed: how deep.
DEPTHS = {"artifacts": 2, "artifacts/studies": 3, ".minarch": 1, ".minarch/spare": 2, ".minarch/apart": 2}

SNAKEMAKE = ".snakemake"  # its own notes of a run, which it then makes anew
# Where Linux keeps files in memory: some disks, which discard what is freed, take half a minute to remove 10,000 links.
IN_MEMORY, ROOM = Path("/dev/shm"), 2**30  # noqa: S108 - bytes that must be free: of 250,000 links


def enter() -> None:
    """Make the shadow of the current directory and go there; it is removed when the process ends."""
    roomy = os.access(IN_MEMORY, os.W_OK) and shutil.disk_usage(IN_MEMORY).free >= ROOM
    folder = Path(tempfile.mkdtemp(prefix="minarch-", dir=IN_MEMORY if roomy else None))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    _mirror(Path.cwd(), folder, Path(), 1)
    os.chdir(folder)


def _mirror(source: Path, target: Path, relative: Path, depth: int) -> None:
    """Links to the entries of source/relative; what is written in place (a file of .minarch) is copied."""
    for entry in os.scandir(source / relative):
        inner = relative / entry.name
        if inner.as_posix() == SNAKEMAKE:
            continue
        deeper = DEPTHS.get(inner.as_posix(), depth - 1)
        if deeper and entry.is_dir():
            (target / inner).mkdir()
            _mirror(source, target, inner, deeper)
        elif relative.as_posix() == ".minarch" and entry.is_file():
            shutil.copyfile(entry.path, target / inner)
        else:
            os.symlink(entry.path, target / inner)
