"""One run at a time. Unlike Snakemake's own lock files this one ends with its process, even at kill -9: no --unlock, ever."""

import fcntl
import os
from pathlib import Path
from typing import IO

LOCK = Path(".minarch/run.lock")
_held: list[IO[str]] = []  # keeps the file, and with it the lock, until the process ends


def acquire() -> bool:
    """Take the lock for the rest of this process; False if another process has it."""
    if _held:
        return True
    LOCK.parent.mkdir(exist_ok=True)
    file = LOCK.open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return False
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    _held.append(file)
    return True


def holder() -> int | None:
    """The process that runs the study now, if any."""
    if not LOCK.exists():
        return None
    with LOCK.open("r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return int(file.read() or 0)
    return None
