"""One run at a time. Unlike Snakemake's own lock files this one ends with its process, even at kill -9: no --unlock,
ever.

Two uses share it: "look" while the workspace is brought in line with the plan (moments), "run" while jobs run. During
both, DVC's own lock is held as well: a `dvc pull` or `dvc commit` would change files under the run.
"""

import fcntl
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Literal

from zc.lockfile import LockError, LockFile

from minarch.errors import UserError
from minarch.flow.dvc import cache_folder, locks_by_flock, make_cache_folder

LOCK = Path(".minarch/run.lock")
DVC_LOCK = Path(".dvc/tmp/lock")
DVC_SECONDS = 10.0  # what a short command of DVC takes at most
_held: list[IO[str]] = []  # keeps the file, and with it the lock, until it is released or the process ends
_held_of_dvc: list[LockFile] = []


def acquire(use: Literal["look", "run"]) -> bool:
    """Take both locks, waiting for others that only look; False if another process runs the study.

    Raises:
        UserError: a command of DVC is at work.
    """
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
    if Path(".dvc").is_dir() and locks_by_flock():
        _shut_dvc_out()
    return True


def release() -> None:
    """Let others look or run."""
    let_dvc_in()
    _held.pop().close()


def let_dvc_in() -> None:
    """Release DVC's lock alone, for what this run lets DVC do itself."""
    while _held_of_dvc:
        _held_of_dvc.pop().close()


@contextmanager
def of_cache() -> Iterator[int]:
    """Let no other run change DVC's cache, which several clones may share; gives the lock's file descriptor.

    DVC tries a reflink by opening the object for writing, under its name: what two commands add at the same time is
    empty for a moment, and a hard link to it in the other's workspace remains so.

    Raises:
        UserError: the cache cannot be written.
    """
    file = cache_folder().parents[1] / "minarch.lock"
    try:
        make_cache_folder(file.parent)
        handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise UserError(f"{file}: cannot be locked ({error.strerror}); allowed: a cache that can be written") from None
    try:
        with suppress(PermissionError):  # another user's: that user's run has done it
            file.chmod(0o666)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"waiting for another run that adds to DVC's cache ({file} is locked)", file=sys.stderr)
            fcntl.flock(handle, fcntl.LOCK_EX)
        except OSError as error:
            raise UserError(f"{file}: cannot be locked ({error.strerror}); allowed: a disk with locks") from None
        yield handle
    finally:
        os.close(handle)


def _shut_dvc_out() -> None:
    DVC_LOCK.parent.mkdir(exist_ok=True)
    deadline = time.monotonic() + DVC_SECONDS
    while True:
        try:
            _held_of_dvc.append(LockFile(str(DVC_LOCK)))
            return
        except LockError:
            if time.monotonic() > deadline:
                raise UserError(
                    f"a `dvc` command is at work in this directory ({DVC_LOCK} is locked); wait for it to end"
                ) from None
            time.sleep(0.1)


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
