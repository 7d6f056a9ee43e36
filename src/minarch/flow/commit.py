"""`dvc commit`: what a run made goes into DVC's cache, which several clones may share, and into dvc.lock."""

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from minarch.errors import UserError
from minarch.flow import lock
from minarch.flow.dvc import cached_object
from minarch.flow.seal import RECORD, listed, md5
from minarch.flow.store import DAMAGED, set_apart


def commit(targets: list[str], items: Iterable[Path]) -> None:
    """Let DVC record the stages `targets`, one run after the other where several share the cache.

    Args:
        items: the folders of the stages' items.

    Raises:
        UserError: DVC failed, as it says, or the cache cannot be locked.
    """
    command = [sys.executable, "-m", "dvc", "commit", "--force", *targets]
    with lock.of_cache() as held:
        for folder in items:
            _drop_truncated_objects(folder)
        # DVC holds the lock, too: it may outlive this process.
        done = subprocess.run(command, capture_output=True, text=True, check=False, pass_fds=[held])
    if done.returncode:
        said = next(iter(done.stderr.strip().splitlines()), f"nothing (exit code {done.returncode})")
        raise UserError(f"`dvc commit` said: {said}")


def _drop_truncated_objects(item: Path) -> None:
    """DVC takes an object for what its name says, and would put a link to it in the place of the item's file."""
    for relpath, digest in {RECORD: md5(item / RECORD), **listed(item)}.items():
        file, stored = item / relpath, cached_object(digest)
        both = file.is_file() and stored.is_file()
        if both and file.stat().st_size != stored.stat().st_size and md5(stored) != digest:
            set_apart(stored, DAMAGED)
