"""Identity of a user's image folder: what is in it, not where it lies or when it was written."""

import hashlib
from functools import cache
from pathlib import Path

import yaml

from minarch.errors import UserError


@cache
def fingerprint(folder: Path) -> str:
    """MD5 over the names and bytes of every file; of a folder under `dvc add`, the one that git holds (it may not be pulled yet).

    Raises:
        UserError: the folder does not exist, or has fewer than two classes.
    """
    sidecar = folder.with_name(f"{folder.name}.dvc")
    if sidecar.exists():
        return str(yaml.safe_load(sidecar.read_text())["outs"][0]["md5"])
    if not folder.is_dir():
        raise UserError(f"data.datasets: 'folder:{folder}' is not there; allowed: a directory with one folder per class")
    split = folder / "train" if (folder / "train").is_dir() else folder
    classes = sorted(p.name for p in split.iterdir() if p.is_dir() and not p.name.startswith("."))
    if len(classes) < 2:
        raise UserError(
            f"data.datasets: 'folder:{folder}' has {len(classes)} class folder(s) ({', '.join(classes) or 'none'});"
            " allowed: at least 2"
        )
    total = hashlib.md5(usedforsecurity=False)
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        total.update(f"{path.relative_to(folder)}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    return total.hexdigest()
