"""What a checkout says of its artifacts and of the remote that holds them, read with the standard library alone: a
reviewer is told before anything is installed, when no package reads YAML yet.
"""

import configparser
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from minarch.errors import UserError, one_line
from minarch.flow import manifest

LOCK = Path("dvc.lock")
SIDECARS = ("artifacts/studies", "data/folders")  # where README says to `dvc add`
CONFIGS = (Path(".dvc/config"), Path(".dvc/config.local"))  # the later counts
OUTS = re.compile(r"^( *)outs:\n((?:\1- .*\n(?:\1  .*\n)*)+)", re.M)  # as DVC writes them
ADD = "`dvc remote add --default`, see docs/remotes-and-clusters.md"


@dataclass(frozen=True)
class Remote:
    """DVC's default remote; `folder` is None where it is not a directory of this machine."""

    name: str
    url: str
    folder: Path | None

    def __str__(self) -> str:
        place = self.url if self.folder is None else os.path.relpath(self.folder) if self.is_inside else self.folder
        return f"remote {self.name!r} ({place}{', in this checkout' if self.is_inside else ''})"

    @property
    def is_inside(self) -> bool:
        """Whether it is a directory of this checkout."""
        return self.folder is not None and self.folder.resolve().is_relative_to(Path.cwd())


@dataclass(frozen=True)
class Directory:
    """A directory that dvc.lock or a .dvc file names by the hash of its manifest, with all bytes and files of it."""

    path: Path
    manifest: str
    size: int
    files: int


def default_remote() -> Remote:
    """The remote that the checkout names as DVC's default.

    Raises:
        UserError: it names none, or its configuration of DVC does not read.
    """
    config = configparser.ConfigParser(interpolation=None, strict=False, inline_comment_prefixes=("#",))
    try:
        config.read(CONFIGS, encoding="utf-8")
    except (configparser.Error, UnicodeDecodeError, OSError) as error:
        raise UserError(f".dvc/config: does not read ({one_line(error)}); allowed: what `dvc config` writes") from None
    name = config.get("core", "remote", fallback="").strip("\"'")
    url = config.get(f"'remote \"{name}\"'", "url", fallback="").strip("\"'")
    if not url:
        raise UserError(f".dvc/config: names no default remote that would hold the artifacts; allowed: {ADD}")
    return Remote(name, url, None if "://" in url else Path(".dvc", os.path.expanduser(url)))


def directories() -> list[Directory]:
    """The directories that dvc.lock and the .dvc files of studies and image folders name."""
    sidecars = [file for folder in SIDECARS for file in sorted(Path(folder).glob("*.dvc"))]
    return [
        Directory(file.parent / out["path"], out["md5"], int(out["size"]), int(out["nfiles"]))
        for file in (LOCK, *sidecars)
        if file.is_file()
        for out in _outs(file.read_text(encoding="utf-8"))
        if out["md5"].endswith(".dir")
    ]


def lacking(folder: Path, output: Directory) -> Iterator[Path]:
    """The files of a directory that a remote in a folder does not hold; the directory itself where its list is missing.

    Raises:
        UserError: the list is not what its name says.
    """
    listing = object_in(folder, output.manifest)
    if not listing.is_file():
        yield output.path
        return
    try:
        files = manifest.parse(listing.read_bytes(), output.manifest)
    except UserError as error:
        raise UserError(f"{output.path}: its directory object {listing}: {error}") from None
    yield from (output.path / name for name, digest in files.items() if not object_in(folder, digest).is_file())


def object_in(folder: Path, digest: str) -> Path:
    """Where a remote in a folder keeps what has this hash."""
    return folder / "files/md5" / digest[:2] / digest[2:]


def _outs(text: str) -> Iterator[dict[str, str]]:
    for _, block in OUTS.findall(f"{text}\n"):
        for entry in re.split(r"^ *- ", block, flags=re.M)[1:]:
            pairs = (line.strip().partition(": ") for line in entry.splitlines())
            yield {key: value.strip("\"'") for key, _, value in pairs}
