"""Who answers for an item's bytes: dvc.lock, hence the commit, or this workspace, which made the item itself.

A seal guards against accidents only: whoever forges an item seals it again. An item's record lists the MD5 of each of
its files, so the MD5 of the record is compared with what no remote can write: the manifests that dvc.lock and the .dvc
files of studies name, now or in an earlier state that this workspace or its git history knows, and a list of what was
made here.
"""

import os
import re
import subprocess
from collections.abc import Collection, Iterator
from functools import cached_property
from pathlib import Path

from minarch.errors import UserError
from minarch.flow import dvc, manifest
from minarch.flow.seal import RECORD

MADE = Path(".minarch/made.txt")  # lines: MD5 of a record, a space, `<stage>/<name>`
NAMED = Path(".minarch/named.txt")  # lines: hash of a manifest that dvc.lock has named, oldest first
OWN = ("HEAD", "--branches", "--glob=refs/exps")  # not what was only fetched: nobody has accepted that
MANY = 100  # items; from here on a manifest is parsed without looking whether it names one


def note_made(path: str, digest: str) -> None:
    """Remember that the item `<stage>/<name>` whose record has this MD5 was made in this workspace."""
    _append(MADE, f"{digest} {path}\n")


class Vouchers:
    """What is known of the bytes of items, whichever study's folder they lie in: studies take them from each other."""

    def __init__(self) -> None:
        """Read what dvc.lock, the .dvc files of studies and this workspace say.

        Raises:
            UserError: DVC's cache holds something else than what dvc.lock names.
        """
        self._current = dvc.directories()
        self._known: dict[str, set[str]] = {}  # `<stage>/<name>` -> MD5s of its record
        for path, name in self._current.items():
            for relpath, digest in (dvc.listed(path, name) or {}).items():
                if relpath.endswith(f"/{RECORD}"):
                    self._known.setdefault("/".join(f"{path}/{relpath}".split("/")[-3:-1]), set()).add(digest)
        for digest, _, path in (line.partition(" ") for line in _lines(MADE)):
            self._known.setdefault(path, set()).add(digest)

    def note_named(self) -> None:
        """Remember the manifests that dvc.lock names now: their items can be restored when it names others."""
        if new := sorted(set(self._current.values()) - set(_lines(NAMED))):
            _append(NAMED, "".join(f"{name}\n" for name in new))

    def contradict(self, path: str, digest: str) -> bool:
        """Whether an item, whose record has this MD5, is known with other bytes only."""
        known = self._known.get(path, {digest})
        return digest not in known and not self.in_manifest(path, digest)

    def in_manifest(self, path: str, digest: str) -> bool:
        """Whether a manifest of DVC's cache that can be trusted lists the item with a record of this MD5."""
        name = path.rpartition("/")[2]
        return any(
            of_file == digest and f"/{relpath}".endswith(f"/{name}/{RECORD}")
            for files in self.manifests({name})
            for relpath, of_file in files.items()
        )

    def manifests(self, items: Collection[str]) -> Iterator[dict[str, str]]:
        """The manifests of the cache that can be trusted and name one of these items, the newest first: relative path
        -> MD5.
        """
        for name in self._names:
            file = dvc.cached_object(name)
            text = file.read_bytes() if file.is_file() else b""
            # Most are old states of other stages: not worth parsing.
            if len(items) >= MANY or any(item.encode() in text for item in items):
                try:
                    yield manifest.parse(text, name)
                except UserError:
                    continue  # damaged; that of the present state was refused before

    @property
    def _names(self) -> Iterator[str]:
        recent = dict.fromkeys([*self._current.values(), *reversed(_lines(NAMED))])
        yield from recent
        yield from (name for name in self._in_history if name not in recent)

    @cached_property
    def _in_history(self) -> list[str]:
        """Manifests that a commit of a branch or experiment of this repository names, the newest first; asked only
        where the others do not do.
        """
        command = ["git", "log", *OWN, "--format=", "--unified=0", "--patch", "--", "dvc.lock", "artifacts"]
        try:
            said = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False).stdout
        except OSError:  # no git, no history
            return []
        return list(dict.fromkeys(re.findall(r"^\+.*md5: ([0-9a-f]{32}\.dir)$", said, re.M)))


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


def _append(file: Path, text: str) -> None:
    """One write, so that lines of several processes never mix."""
    file.parent.mkdir(exist_ok=True)
    handle = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(handle, text.encode())
    finally:
        os.close(handle)
