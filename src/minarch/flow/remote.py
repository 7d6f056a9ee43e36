"""A reviewer's fetch: what a commit names, from its DVC remote into the cache, and nothing else.

The commit is what is trusted. It names the hash of each directory's manifest, the manifest the hash of each file: every
byte that comes from the remote is hashed before it gets its name in the cache, and no more are read than the commit
says there are. `dvc pull` checks none of this.
"""

import hashlib
import os
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from rich.console import Console
from rich.progress import track

from minarch.errors import UserError, one_line
from minarch.flow import manifest
from minarch.flow.dvc import cached_object, make_cache_folder
from minarch.flow.seal import md5
from minarch.flow.store import DAMAGED, set_apart

ENTRY_BYTES = 4096 + 100  # of a manifest's text that a file takes at most: the longest path, its hash, and punctuation
CHUNK_BYTES = 2**20
JOBS = 16  # downloads at a time


@dataclass(frozen=True)
class Output:
    """A file or directory that the commit names: where it belongs, and its files (relative path -> MD5; of a single
    file "." -> MD5).
    """

    path: Path
    files: dict[str, str]


def fetch() -> list[Output]:
    """Bring everything that dvc.lock and the .dvc files of this checkout name into DVC's cache.

    Raises:
        UserError: there is no remote, it does not answer, or it holds something else than what is named.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo() as repo:
            outputs = [_fetch(repo, out) for out in repo.index.outs if out.use_cache]
            repo.drop_data_index()  # DVC remembers manifests, and an earlier `dvc pull` may have read forged ones
    except DvcException as error:
        raise UserError(f"{one_line(error)}; allowed: a remote that holds every output (`dvc remote list`)") from None
    return outputs


def _fetch(repo: Any, out: Any) -> Output:
    path, name, recorded = Path(os.path.relpath(out.fs_path)), out.hash_info.value, out.meta
    if name is None or recorded is None or recorded.size is None:
        raise UserError(f"{path}: its hash or size is not recorded; allowed: an output that `dvc commit` has recorded")
    _refuse_links(path, {path, *path.parents})
    source = repo.cloud.get_remote_odb(out.remote, "review", out.hash_name)
    if not name.endswith(".dir"):
        _Download(source, path, recorded.size).take(name, path)
        return Output(path, {".": name})
    _Download(source, path, ENTRY_BYTES * (recorded.nfiles or 0)).take(name, path)
    try:
        files = manifest.parse(cached_object(name).read_bytes(), name)
    except UserError as error:
        raise UserError(f"{path}: its directory object: {error}") from None
    _refuse_links(path, {folder for relpath in files for folder in (path / relpath).parents})
    download = _Download(source, path, recorded.size)
    wanted = {digest: path / relpath for relpath, digest in files.items()}
    with ThreadPoolExecutor(JOBS) as pool:
        tasks = [pool.submit(download.take, digest, file) for digest, file in wanted.items()]
        try:
            console = Console(stderr=True)
            for task in track(tasks, str(path), console=console, transient=True, disable=not console.is_terminal):
                task.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return Output(path, files)


def _refuse_links(path: Path, folders: set[Path]) -> None:
    """`dvc checkout` would write through a link, wherever it leads."""
    if link := next((folder for folder in sorted(folders) if folder.is_symlink()), None):
        raise UserError(f"{path}: {link} is a link; allowed: a directory of this checkout")


class _Download:
    """Objects of a remote into the cache, together at most as many bytes as an output has by its record."""

    def __init__(self, source: Any, output: Path, size: int) -> None:
        self.source, self.output, self.size = source, output, size
        self._read, self._lock = 0, Lock()

    def take(self, name: str, file: Path) -> None:
        """Bring one object into the cache, under its name only if it has that hash; `file` is for the error."""
        target = cached_object(name)
        digest = name.removesuffix(".dir")
        if target.is_file() and md5(target) == digest:
            return
        make_cache_folder(target.parent)
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=".tmp-")
        try:
            with os.fdopen(handle, "wb") as sink:
                arrived = self._copy(name, file, sink)
            if arrived != digest:
                raise UserError(
                    f"{file}: the remote holds something else than what the commit names (MD5 {arrived},"
                    f" allowed: {digest}); nothing of it was kept"
                )
            os.chmod(temporary, 0o444)  # as DVC protects what it has checked
            if target.is_dir():
                set_apart(target, DAMAGED)
            os.replace(temporary, target)
        finally:
            Path(temporary).unlink(missing_ok=True)

    def _copy(self, name: str, file: Path, sink: Any) -> str:
        """Write an object to `sink`; its MD5."""
        total = hashlib.md5(usedforsecurity=False)
        place = self.source.oid_to_path(name)
        try:
            if self.source.fs.protocol == "local" and not os.path.isfile(place):  # reading a FIFO would wait for ever
                raise FileNotFoundError
            with self.source.fs.open(place, "rb") as stream:
                while chunk := stream.read(CHUNK_BYTES):
                    self._count(len(chunk), file)
                    total.update(chunk)
                    sink.write(chunk)
        except UserError:
            raise
        except FileNotFoundError:
            raise UserError(f"{file}: is not in the remote; allowed: a remote to which it was pushed") from None
        except Exception as error:  # each kind of remote has errors of its own
            reason = one_line(error) or type(error).__name__
            raise UserError(f"{file}: could not be fetched ({reason}); allowed: a remote that answers") from None
        return total.hexdigest()

    def _count(self, count: int, file: Path) -> None:
        with self._lock:
            self._read += count
            if self._read > self.size:
                raise UserError(
                    f"{file}: the remote sends more than the {self.size} bytes that {self.output} has;"
                    " nothing of it was kept"
                )
