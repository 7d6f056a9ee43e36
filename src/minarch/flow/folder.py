"""Identity of a user's image folder: what is in it, not where it lies or when it was written."""

import os
import re
from functools import cache
from pathlib import Path

import yaml

from minarch.data.folders import listing
from minarch.errors import UserError
from minarch.flow.tree import remembered_tree


@cache
def fingerprint(folder: Path) -> str:
    """DVC's hash of the folder; of one under `dvc add` that is not pulled here, the hash that git holds.

    Raises:
        UserError: the folder does not exist, is not laid out as a data set, or holds what cannot be read.
    """
    sidecar = f"{os.path.abspath(folder)}.dvc"
    if os.path.isfile(sidecar) and not os.path.exists(folder):
        return _recorded(Path(sidecar))
    listing(folder)  # says at once what is no data set, before all of it is read
    try:
        return remembered_tree(folder)
    except (UserError, OSError) as error:
        raise UserError(f"data.datasets: 'folder:{folder}': {error}; allowed: files that can be read") from None


def _recorded(sidecar: Path) -> str:
    try:
        recorded = str(yaml.safe_load(sidecar.read_bytes())["outs"][0]["md5"])
    except (OSError, yaml.YAMLError, LookupError, TypeError, ValueError, RecursionError):
        recorded = ""
    if not re.fullmatch(r"[0-9a-f]{32}\.dir", recorded):
        raise UserError(f"data.datasets: {str(sidecar)!r} names no folder's MD5; allowed: what `dvc add` writes")
    return recorded
