"""Items made before: kept aside in this workspace, in another study's folder, or in DVC's cache.

A directory object of DVC lists (MD5, relative path), and our relative paths hold an item's name, hence its key: DVC's
cache is an index from key to content, so none is kept here.
"""

import json
import os
import shutil
from collections.abc import Iterable
from functools import cache
from pathlib import Path, PurePosixPath

import yaml
from configobj import ConfigObj

from minarch.flow.seal import RECORD, damage, md5, read_sealed

SPARE = Path(".minarch/spare")


@cache
def dvc_cache() -> Path:
    """DVC's object folder, as its configuration says (a relative path there is relative to .dvc)."""
    found = Path(".dvc/cache")
    for name in ("config", "config.local"):
        section = ConfigObj(f".dvc/{name}", interpolation=False).get("cache", {})
        if isinstance(section, dict) and "dir" in section:
            found = Path(".dvc", section["dir"])
    return found / "files/md5"


def cached_object(digest: str) -> Path:
    return dvc_cache() / digest[:2] / digest[2:]


def restore(wanted: Iterable[tuple[str, Path]]) -> list[str]:
    """Bring back items (`<stage>/<name>`, folder) that are not here but were made some time before; returns those brought back."""
    missing = dict(wanted)
    back = [path for path, folder in missing.items() if _from_workspace(path, folder)]
    rest = {PurePosixPath(path).name: folder for path, folder in missing.items() if path not in back}
    for manifest in sorted(dvc_cache().glob("*/*.dir"), key=os.path.getmtime, reverse=True) if rest else ():
        entries: dict[str, dict[str, Path]] = {}
        for name, relative, digest in _listed(manifest, rest):
            entries.setdefault(name, {})[relative] = cached_object(digest)
        for name, parts in entries.items():
            if all(part.is_file() for part in parts.values()) and _place(parts, rest[name], name):
                del rest[name]
    return back + [path for path, folder in missing.items() if path not in back and (folder / RECORD).exists()]


def put_aside(folder: Path, stage: str) -> None:
    """Take an item that its stage does not list any more out of the workspace. It is dropped only if DVC's cache holds it."""
    record = read_sealed(folder / RECORD)
    if record is not None:
        digests = [*record["files"].values(), md5(folder / RECORD)]
        if all(cached_object(d).is_file() for d in digests):
            shutil.rmtree(folder)
            return
        target = SPARE / stage / folder.name
        shutil.rmtree(target, ignore_errors=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(folder, target)
        return
    shutil.rmtree(folder)  # never finished


def recorded(stage: str, index: Path) -> bool:
    """Whether dvc.lock describes the stage as its index does, so that both tools say "up to date"."""
    try:
        outs = yaml.safe_load(Path("dvc.lock").read_text())["stages"][stage]["outs"]
        manifest = cached_object(next(o["md5"] for o in outs if o["path"] == str(index.parent)))
        return any(e["relpath"] == index.name and e["md5"] == md5(index) for e in json.loads(manifest.read_text()))
    except (OSError, KeyError, TypeError, StopIteration, ValueError, yaml.YAMLError):
        return False


def _from_workspace(path: str, folder: Path) -> bool:
    for source in (SPARE / path, Path("artifacts", path), *Path("artifacts/studies").glob(f"*/{path}")):
        if source != folder and (source / RECORD).exists() and damage(source, folder.name) is None:
            return _place({str(p.relative_to(source)): p for p in source.rglob("*") if p.is_file()}, folder, folder.name)
    return False


def _listed(manifest: Path, wanted: dict[str, Path]) -> Iterable[tuple[str, str, str]]:
    """(item, path inside it, MD5) of each wanted file of a directory object; what does not read as one is passed over."""
    try:
        entries = [(PurePosixPath(e["relpath"]).parts, e["md5"]) for e in json.loads(manifest.read_text())]
    except (OSError, ValueError, KeyError, TypeError):
        return
    for parts, digest in entries:
        at = next((i for i, part in enumerate(parts[:-1]) if part in wanted), None)
        # What was pulled is data: a path that climbs out of the item's folder is not followed.
        if at is not None and ".." not in parts and isinstance(digest, str) and digest.isalnum():
            yield parts[at], "/".join(parts[at + 1 :]), digest


def _place(sources: dict[str, Path], folder: Path, name: str) -> bool:
    """Copy files to a temporary folder, check them there, and only then give it the item's name; whether they were whole."""
    temporary = folder.with_name(f".tmp-{os.getpid()}-{name}")
    for relative, source in sources.items():
        (temporary / relative).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, temporary / relative)
    if damage(temporary, name) is not None:
        shutil.rmtree(temporary)
        return False
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(temporary, folder)
    return True
