"""One run at a time. Unlike Snakemake's own lock files this one ends with its process, even at kill -9: no --unlock,
ever.

Two uses share it: "look" while the workspace is brought in line with the plan (moments), "run" while jobs run.
"""

import fcntl
import os
import time
from pathlib import Path
from typing import IO, Literal

LOCK = Path(".minarch/run.lock")
_held: list[IO[str]] = []  # keeps the file, and with it the lock, until it is released or the process ends


def acquire(use: Literal["look", "run"]) -> bool:
    """Take the lock, waiting for others that only look; False if another process runs the study."""
    LOCK.parent.mkdir(exist_ok=True)
    file = LOCK.open("a+")
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if holder() is not None:
                file.close()
                return False
            time.sleep(0.05)
    file.truncate(0)
    file.write(f"{use} {os.getpid()}")
    file.flush()
    _held.append(file)
    return True


def release() -> None:
    """Let others look or run."""
    _held.pop().close()


def holder() -> int | None:
    """The process that runs the study now, if any."""
    if not LOCK.exists():
        return None
    with LOCK.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            use, _, process = file.read().partition(" ")
            return int(process) if use == "run" and process else None
    return None
