"""Items made before: kept aside in this workspace, in another study's folder, or in DVC's cache.

A directory object of DVC lists (MD5, relative path), and our relative paths hold an item's name, hence its key: DVC's
cache is an index from key to content, so none is kept here.
"""

import json
import os
import shutil
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from minarch.flow.dvc import cache_folder, cached_object
from minarch.flow.seal import RECORD, damage, md5, read_sealed

SPARE = Path(".minarch/spare")


def restore(wanted: Iterable[tuple[str, Path]]) -> list[str]:
    """Bring back items (`<stage>/<name>`, folder) that are not here but were made some time before; returns those
    brought back.
    """
    missing = dict(wanted)
    back = [path for path, folder in missing.items() if _from_workspace(path, folder)]
    rest = {PurePosixPath(path).name: folder for path, folder in missing.items() if path not in back}
    for manifest in sorted(cache_folder().glob("*/*.dir"), key=os.path.getmtime, reverse=True) if rest else ():
        entries: dict[str, dict[str, Path]] = {}
        for name, relative, digest in _listed(manifest, rest):
            entries.setdefault(name, {})[relative] = cached_object(digest)
        for name, parts in entries.items():
            if all(part.is_file() for part in parts.values()):
                if _place(parts, rest[name], name):
                    del rest[name]
                else:
                    _drop_damaged_objects(set(parts.values()))
    return back + [path for path, folder in missing.items() if path not in back and (folder / RECORD).exists()]


def put_aside(folder: Path, stage: str) -> None:
    """Take an item that its stage does not list any more out of the workspace. It is dropped only if DVC's cache
    holds it.
    """
    record = read_sealed(folder / RECORD)
    digests = [*record["files"].values(), md5(folder / RECORD)] if record else []  # none: it was never finished
    if all(cached_object(d).is_file() and md5(cached_object(d)) == d for d in digests):
        shutil.rmtree(folder)
    else:
        move_over(folder, SPARE / stage / folder.name)


def move_over(entry: Path, target: Path) -> None:
    """Move a file or folder, in place of what an earlier move left there."""
    if target.is_dir():
        shutil.rmtree(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(entry, target)


def _from_workspace(path: str, folder: Path) -> bool:
    for source in (SPARE / path, Path("artifacts", path), *Path("artifacts/studies").glob(f"*/{path}")):
        if source != folder and (source / RECORD).exists():
            parts = {str(p.relative_to(source)): p for p in source.rglob("*") if p.is_file()}
            if _place(parts, folder, folder.name):
                return True
    return False


def _drop_damaged_objects(objects: Iterable[Path]) -> None:
    """A damaged object would be linked and pushed for ever, because DVC does not read again what it has."""
    for part in objects:
        if md5(part) != part.parent.name + part.name:
            part.unlink()


def _listed(manifest: Path, wanted: dict[str, Path]) -> Iterable[tuple[str, str, str]]:
    """(item, path inside it, MD5) of each wanted file of a directory object; what does not read as one is passed
    over.
    """
    try:
        text = manifest.read_text()
        if len(wanted) < 100 and not any(name in text for name in wanted):
            return  # most are old states of other stages: not worth parsing
        entries = [(PurePosixPath(e["relpath"]).parts, e["md5"]) for e in json.loads(text)]
    except (OSError, ValueError, KeyError, TypeError):
        return
    for parts, digest in entries:
        at = next((i for i, part in enumerate(parts[:-1]) if part in wanted), None)
        # What was pulled is data: a path that climbs out of the item's folder is not followed.
        if at is not None and ".." not in parts and isinstance(digest, str) and digest.isalnum():
            yield parts[at], "/".join(parts[at + 1 :]), digest


def _place(sources: dict[str, Path], folder: Path, name: str) -> bool:
    """Copy files to a temporary folder, check them there, and only then give it the item's name; whether they were
    whole.
    """
    temporary = folder.with_name(f".tmp-{os.getpid()}-{name}")
    try:
        for relative, source in sources.items():
            (temporary / relative).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, temporary / relative)
        whole = damage(temporary, name) is None
    except (OSError, ValueError):  # names that no file can have, or one name for a file and a folder
        whole = False
    if not whole:
        shutil.rmtree(temporary, ignore_errors=True)
        return False
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(temporary, folder)
    return True
