"""The MD5 of a folder's contents, as DVC computes it: over the JSON list of each file's MD5 and relative path."""

import hashlib
import json
import os
from pathlib import Path

from minarch.errors import UserError
from minarch.flow.digest import short
from minarch.flow.seal import md5, read_sealed, write_sealed

_IGNORED = (".tmp-", "__pycache__")  # as .dvcignore says
_REPOSITORIES = (".git", ".hg", ".dvc")  # as DVC itself says
_MEMO = Path(".minarch/trees")


def tree(folder: Path) -> str:
    """`<MD5>.dir`, equal to what DVC writes for the folder; links are followed.

    Raises:
        UserError: it holds a link to itself, or what is neither a file nor a folder: reading that may never end.
    """
    entries = [{"md5": md5(path), "relpath": path.relative_to(folder).as_posix()} for path in _files(folder)]
    entries.sort(key=lambda entry: entry["relpath"])
    listed = json.dumps(entries, sort_keys=True).encode()
    return f"{hashlib.md5(listed, usedforsecurity=False).hexdigest()}.dir"


def remembered_tree(folder: Path) -> str:
    """The same for a large folder: hashed again only if a name, size or time in it has changed."""
    stats = [(p.relative_to(folder).as_posix(), p.stat().st_size, p.stat().st_mtime_ns) for p in _files(folder)]
    stamp, memo = short(repr(sorted(stats)).encode()), _MEMO / f"{short(str(folder.resolve()).encode())}.json"
    known = read_sealed(memo)
    if known is None or known.get("stamp") != stamp:
        known = {"stamp": stamp, "tree": tree(folder)}
        write_sealed(memo, known)
    return str(known["tree"])


def _files(folder: Path) -> list[Path]:
    files, entered = list[Path](), set[tuple[int, int]]()
    for base, folders, names in os.walk(folder, followlinks=True, onerror=_stop):
        place = os.stat(base)
        if (place.st_dev, place.st_ino) in entered:
            raise UserError(f"{base!r} leads to a folder that is part of it already")
        entered.add((place.st_dev, place.st_ino))
        folders[:] = filter(_counts, folders)
        files += [Path(base, name) for name in names if _counts(name) and not name.endswith(".pyc")]
    if odd := next((path for path in files if not path.is_file()), None):
        raise UserError(f"{str(odd)!r} is a FIFO, a socket, a device or a broken link")
    return files


def _counts(name: str) -> bool:
    return not name.startswith(_IGNORED) and name not in _REPOSITORIES


def _stop(error: OSError) -> None:
    raise error
