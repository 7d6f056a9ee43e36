"""Identity of a user's image folder: what is in it, not where it lies or when it was written."""

from functools import cache
from pathlib import Path

import yaml

from minarch.errors import UserError
from minarch.flow.tree import remembered_tree


@cache
def fingerprint(folder: Path) -> str:
    """DVC's hash of the folder; of one under `dvc add` that is not pulled here, the hash that git holds.

    Raises:
        UserError: the folder does not exist, or has fewer than two classes.
    """
    sidecar = folder.absolute().with_name(f"{folder.absolute().name}.dvc")  # absolute: "." has no name
    if sidecar.exists() and not folder.exists():
        return str(yaml.safe_load(sidecar.read_text())["outs"][0]["md5"])
    if not folder.is_dir():
        raise UserError(
            f"data.datasets: 'folder:{folder}' is not there; allowed: a directory with one folder per class"
        )
    split = folder / "train" if (folder / "train").is_dir() else folder
    classes = sorted(p.name for p in split.iterdir() if p.is_dir() and not p.name.startswith("."))
    if len(classes) < 2:
        raise UserError(
            f"data.datasets: 'folder:{folder}' has {len(classes)} class folder(s) ({', '.join(classes) or 'none'});"
            " allowed: at least 2"
        )
    return remembered_tree(folder)
