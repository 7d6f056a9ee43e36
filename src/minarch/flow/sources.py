"""The code a plan was made from, and whether it was edited since: a result must never be sealed under another code's
key.
"""

import os
from pathlib import Path

_seen: dict[Path, tuple[int, int, int]] = {}


def read(path: Path) -> bytes:
    """The file's bytes; from now on `edited` watches it."""
    _seen[path] = _stamp(path)
    return path.read_bytes()


def edited() -> list[Path]:
    """Watched files that were written, replaced or removed since they were read."""
    return [path for path, stamp in _seen.items() if _stamp(path) != stamp]


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        stat = os.stat(path)
    except OSError:
        return (0, 0, 0)
    return (stat.st_mtime_ns, stat.st_size, stat.st_ino)
