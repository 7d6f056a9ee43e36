"""DVC's directory objects ("manifests"): which files, by relative path and MD5, a directory holds.

DVC checks neither that a manifest has the hash it is called by nor where its paths lead, and writes whatever it lists.
Here nothing of a manifest is used before both are known.
"""

import hashlib
import json
import re

from minarch.errors import UserError

DIGEST = re.compile(r"[0-9a-f]{32}")
HIDING = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\\]")  # control characters, half characters, backslashes


def parse(text: bytes, name: str) -> dict[str, str]:
    """The files that a manifest lists, relative path -> MD5.

    Args:
        name: the hash by which dvc.lock or a .dvc file names it, `<MD5>.dir`.

    Raises:
        UserError: the text has another hash, is no manifest, or lists a path that leaves the directory.
    """
    if f"{hashlib.md5(text, usedforsecurity=False).hexdigest()}.dir" != name:
        raise UserError("its content is not what its name says: it was forged or damaged")
    files = _entries(text)
    folders = {relpath[:i] for relpath in files for i, character in enumerate(relpath) if character == "/"}
    for relpath, digest in files.items():
        if not _stays_inside(relpath) or relpath in folders:
            raise UserError(f"it lists {relpath!r}, which is not a path inside its directory")
        if not DIGEST.fullmatch(digest):
            raise UserError(f"it lists {digest!r}, which is not an MD5")
    return files


def outside(text: bytes) -> list[str]:
    """The paths by which a manifest, forged perhaps, leaves its directory."""
    try:
        return [relpath for relpath in _entries(text) if not _stays_inside(relpath)]
    except UserError:
        return []


def _entries(text: bytes) -> dict[str, str]:
    try:
        entries = json.loads(text)
        files = {entry["relpath"]: entry["md5"] for entry in entries}
    except (ValueError, TypeError, KeyError, RecursionError):
        raise UserError("it does not read as a list of paths and hashes") from None
    if len(files) != len(entries) or not all(isinstance(part, str) for pair in files.items() for part in pair):
        raise UserError("it lists a path twice, or something that is no text")
    return files


def _stays_inside(relpath: str) -> bool:
    return not HIDING.search(relpath) and all(part not in ("", ".", "..") for part in relpath.split("/"))
