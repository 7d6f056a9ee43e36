"""Items made before: kept aside in this workspace, in another study's folder, or in DVC's cache.

A manifest of DVC lists (MD5, relative path), and our relative paths hold an item's name, hence its key: DVC's cache is
an index from key to content, so none is kept here.
"""

import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from minarch.flow import lock
from minarch.flow.dvc import cached_object
from minarch.flow.seal import RECORD, damage, listed, md5
from minarch.flow.vouch import Vouchers

SPARE = Path(".minarch/spare")
APART = Path(".minarch/apart")
DAMAGED = "is not the object that its name says"


def restore(wanted: Iterable[tuple[str, Path]], vouchers: Vouchers, *, dry: bool = False) -> list[str]:
    """Bring back items (`<stage>/<name>`, folder) that are not here but were made some time before; returns those
    brought back.

    Args:
        dry: leave damaged objects in the cache.
    """
    missing = dict(wanted)
    back = dict.fromkeys(path for path, folder in missing.items() if _from_workspace(path, folder, vouchers))
    rest = {PurePosixPath(path).name: folder for path, folder in missing.items() if path not in back}
    for files in vouchers.manifests(set(rest)) if rest else ():
        for name, parts in _of_items(files, rest).items():
            sources = {relpath: cached_object(digest) for relpath, digest in parts.items()}
            if RECORD in parts and all(source.is_file() for source in sources.values()):
                if md5(sources[RECORD]) == parts[RECORD] and _place(sources, rest[name], name):
                    del rest[name]
                elif not dry:
                    _drop_damaged_objects(set(sources.values()))
        if not rest:
            break
    return [*back, *(path for path, folder in missing.items() if path not in back and (folder / RECORD).exists())]


def put_aside(folder: Path, stage: str, vouchers: Vouchers) -> None:
    """Take an item that its stage does not list any more out of the workspace. It is dropped only if DVC's cache
    holds it in a way that `restore` finds.
    """
    digests = [*listed(folder).values(), md5(folder / RECORD)]
    cached = all(cached_object(d).is_file() and md5(cached_object(d)) == d for d in digests)
    if cached and vouchers.in_manifest(f"{stage}/{folder.name}", digests[-1]):
        discard(folder)
    else:
        spare = SPARE / stage / folder.name
        discard(spare)  # the same item, put aside earlier
        spare.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(folder, spare)


def set_apart(entry: Path, why: str, *, dry: bool = False) -> None:
    """Move what is not ours or not whole out of the way, to a place of its own, and say so."""
    wanted = APART / entry.parent.name / entry.name
    target, number = wanted, 2
    while os.path.lexists(target):
        target, number = wanted.with_name(f"{wanted.name}-{number}"), number + 1
    print(f"{entry}: {why} ({'would be moved' if dry else 'moved'} to {target})", file=sys.stderr)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(entry, target)


def discard(folder: Path) -> None:
    """Remove a folder of ours; of a link only the link."""
    if folder.is_symlink():
        folder.unlink()
    else:
        shutil.rmtree(folder, ignore_errors=True)


def _from_workspace(path: str, folder: Path, vouchers: Vouchers) -> bool:
    for source in (SPARE / path, Path("artifacts", path), *Path("artifacts/studies").glob(f"*/{path}")):
        if source != folder and (source / RECORD).is_file() and not vouchers.contradict(path, md5(source / RECORD)):
            parts = {str(p.relative_to(source)): p for p in source.rglob("*") if p.is_file()}
            if _place(parts, folder, folder.name):
                return True
    return False


def _drop_damaged_objects(objects: Iterable[Path]) -> None:
    """A damaged object would be linked and pushed for ever, because DVC does not read again what it has."""
    with lock.of_cache():
        for part in objects:
            if part.is_file() and md5(part) != part.parent.name + part.name:  # another clone may have dropped it
                set_apart(part, DAMAGED)  # a link may lead to the only copy of an edit


def _of_items(files: dict[str, str], wanted: dict[str, Path]) -> dict[str, dict[str, str]]:
    """The files of a manifest that belong to wanted items: item -> relative path inside it -> MD5."""
    items: dict[str, dict[str, str]] = {}
    for relpath, digest in files.items():
        parts = relpath.split("/")
        at = next((i for i, part in enumerate(parts[:-1]) if part in wanted), None)
        if at is not None:
            items.setdefault(parts[at], {})["/".join(parts[at + 1 :])] = digest
    return items


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
    discard(folder)
    os.replace(temporary, folder)
    return True
