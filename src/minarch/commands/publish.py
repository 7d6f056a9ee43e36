"""`make publish`: what the commit names into DVC's default remote, where `make review` of a clone finds it.

Where that remote is a folder of the repository, it then holds exactly what this commit names, and git carries it.
"""

import os
import shutil
import subprocess
import sys
import zlib
from pathlib import Path

from minarch.commands.review import TRUSTED, refuse_edits, settled
from minarch.errors import UserError
from minarch.flow import dvc
from minarch.flow.published import Remote, default_remote, object_in
from minarch.flow.seal import md5

LIMIT_BYTES = 15_000_000  # of a remote in the repository as git stores it, deflated, because everybody clones it
PUBLISHED = (*TRUSTED, ".dvc/config", "artifacts", "data", "reports")


def publish() -> str:
    """Bring every artifact of a finished, committed study to the default remote; what was done, in words.

    Raises:
        UserError: something is not committed or not up to date, there is no default remote, it cannot be written, or
            it is a folder of the repository that would become larger than `LIMIT_BYTES`.
    """
    refuse_edits(PUBLISHED)
    settled()
    remote = default_remote()
    if remote.folder is None or not _is_committed(remote):
        if subprocess.run([sys.executable, "-m", "dvc", "push"], check=False).returncode:
            raise UserError(f"dvc push: failed, as it says above; allowed: a {remote} that can be written")
        return f"everything that the commit names is in the {remote}"
    objects = _objects()
    size = stored = 0
    for digest in objects:
        content = dvc.cached_object(digest).read_bytes()
        size, stored = size + len(content), stored + len(zlib.compress(content))
    told = f"{len(objects):,} objects of {size / 1e6:.1f} MB ({stored / 1e6:.1f} MB as git stores them)"
    if stored > LIMIT_BYTES:
        raise UserError(
            f"{told} are too many for the {remote}; allowed: {LIMIT_BYTES / 1e6:.0f} MB, or a remote elsewhere"
            " (docs/remotes-and-clusters.md)"
        )
    _make_equal(remote.folder, objects)
    folder = os.path.relpath(remote.folder)
    return f"{told} in the {remote}; next: git add {folder} && git commit"


def _is_committed(remote: Remote) -> bool:
    """Whether the remote is a folder of this repository that git does not ignore, as it ignores DVC's cache."""
    ignored = ["git", "check-ignore", "--quiet", str(remote.folder)]
    return remote.is_inside and subprocess.run(ignored, check=False).returncode == 1


def _objects() -> dict[str, Path]:
    """The hash of every object that dvc.lock and the .dvc files name -> the path of it, for messages."""
    objects = {}
    for path, name in dvc.directories().items():
        objects[name] = Path(path)
        objects |= {digest: Path(path, relpath) for relpath, digest in (dvc.listed(path, name) or {}).items()}
    for digest, file in objects.items():
        if not dvc.cached_object(digest).is_file():
            raise UserError(f"{file}: is not in DVC's cache; allowed: what `dvc commit` has brought there")
    return objects


def _make_equal(folder: Path, objects: dict[str, Path]) -> None:
    """Let a remote in a folder hold these objects and no others; what is whole stays as it is."""
    targets = {object_in(folder, digest): digest for digest in objects}
    for target, digest in targets.items():
        named = digest.removesuffix(".dir")
        if target.is_file() and md5(target) == named:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".tmp-{target.name}")
        shutil.copyfile(dvc.cached_object(digest), temporary)
        if md5(temporary) != named:
            temporary.unlink()
            raise UserError(f"{objects[digest]}: DVC's cache holds something else; `minarch status --verify` names it")
        os.replace(temporary, target)
    for file in (folder / "files/md5").glob("*/*"):
        if file not in targets:
            file.unlink()
            if not any(file.parent.iterdir()):
                file.parent.rmdir()


if __name__ == "__main__":
    try:
        print("publish:", publish())
    except UserError as error:
        sys.exit(f"publish: {error}")
