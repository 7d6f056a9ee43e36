"""The MD5 of a folder's contents, as DVC computes it: over the JSON list of each file's MD5 and relative path."""

import hashlib
import json
import os
import stat
from contextlib import suppress
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
    entries = [{"md5": md5(folder / path), "relpath": path} for path in sorted(_files(folder))]
    listed = json.dumps(entries, sort_keys=True).encode()
    return f"{hashlib.md5(listed, usedforsecurity=False).hexdigest()}.dir"


def remembered_tree(folder: Path) -> str:
    """The `tree` of a large folder, which is hashed again only if a name, size, time or inode in it has changed."""
    stats = [(path, s.st_size, s.st_mtime_ns, s.st_ctime_ns, s.st_ino) for path, s in sorted(_files(folder).items())]
    stamp, memo = short(repr(stats).encode()), _MEMO / f"{short(str(folder.resolve()).encode())}.json"
    known = read_sealed(memo)
    if known is None or known.get("stamp") != stamp:
        known = {"stamp": stamp, "tree": tree(folder)}
        with suppress(OSError):  # a checkout that cannot be written to
            write_sealed(memo, known)
    return str(known["tree"])


def _files(folder: Path) -> dict[str, os.stat_result]:
    """The files by their paths inside the folder."""
    files, entered = dict[str, os.stat_result](), set[tuple[int, int]]()
    for base, folders, names in os.walk(folder, followlinks=True, onerror=_stop):
        place = os.stat(base)
        if (place.st_dev, place.st_ino) in entered:
            raise UserError(f"{base!r} leads to a folder that is part of it already")
        entered.add((place.st_dev, place.st_ino))
        folders[:] = filter(_counts, folders)
        for name in names:
            if not _counts(name) or name.endswith(".pyc"):
                continue
            path = os.path.join(base, name)
            status = os.stat(path)
            if not stat.S_ISREG(status.st_mode):
                raise UserError(f"{path!r} is a FIFO, a socket or a device")
            files[path[len(os.path.join(folder, "")) :]] = status
    return files


def _counts(name: str) -> bool:
    return not name.startswith(_IGNORED) and name not in _REPOSITORIES


def _stop(error: OSError) -> None:
    raise error
