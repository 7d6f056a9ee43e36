"""What DVC knows, read from its files (importing it takes a second, and every parse of the workflow asks)."""

import os
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from configobj import ConfigObj, ConfigObjError
from platformdirs import site_config_dir, user_config_dir

from minarch.errors import UserError, one_line
from minarch.flow import manifest
from minarch.flow.published import LOCK, SIDECARS
from minarch.flow.seal import md5
from minarch.flow.tree import tree


@cache
def cache_folder() -> Path:
    """DVC's object folder.

    Raises:
        UserError: a configuration file does not read as one.
    """
    file, folder = _configured("cache", "dir") or (Path(".dvc/config"), "cache")
    return file.parent / folder / "files/md5"  # a relative path is relative to its file


def make_cache_folder(folder: Path) -> None:
    """Make a folder of the cache with those above it, as DVC does: where cache.shared says so the group may write."""
    _, shared = _configured("cache", "shared") or (None, "")
    for missing in reversed([place for place in (folder, *folder.parents) if not place.exists()]):
        with suppress(FileExistsError):  # another's, in the meantime
            missing.mkdir()
            if shared == "group":
                missing.chmod(0o2775)


def locks_by_flock() -> bool:
    """Whether DVC's lock is the usual one, not that of core.hardlink_lock; UserError as above."""
    _, value = _configured("core", "hardlink_lock") or (None, "false")
    return value.lower() != "true"


def _configured(section: str, option: str) -> tuple[Path, str] | None:
    """The file and the value that count: of DVC's system, global, project and local configuration the last."""
    site = os.environ.get("DVC_SYSTEM_CONFIG_DIR", site_config_dir("dvc", "iterative"))
    user = os.environ.get("DVC_GLOBAL_CONFIG_DIR", user_config_dir("dvc", "iterative"))
    last = None
    for file in (Path(site, "config"), Path(user, "config"), Path(".dvc/config"), Path(".dvc/config.local")):
        try:
            options = ConfigObj(str(file), interpolation=False).get(section, {})
        except (ConfigObjError, UnicodeDecodeError, OSError) as error:
            raise UserError(
                f"{file}: not a DVC configuration ({one_line(error)}); allowed: what `dvc config` writes"
            ) from None
        if isinstance(options, dict) and option in options:
            last = file, str(options[option])
    return last


def cached_object(digest: str) -> Path:
    return cache_folder() / digest[:2] / digest[2:]


def locked() -> dict[str, Any]:
    """The stages of dvc.lock; none where it does not read as one."""
    stages = _yaml(LOCK).get("stages")
    return stages if isinstance(stages, dict) else {}


def directories() -> dict[str, str]:
    """Path -> hash of every directory that dvc.lock or the .dvc file of a study or of an image folder names."""
    sidecars = [file for folder in SIDECARS for file in sorted(Path(folder).glob("*.dvc"))]
    places = [(Path(), entry) for entry in locked().values()] + [(file.parent, _yaml(file)) for file in sidecars]
    return {path: name for folder, entry in places for path, name in _outputs(folder, entry)}


def listed(path: str, name: str) -> dict[str, str] | None:
    """The files of the directory `path` that dvc.lock names by the hash `name`; None where the cache does not hold it.

    Raises:
        UserError: what the cache holds under that name is something else. A remote can have sent it, and DVC has
            then written every path of it.
    """
    file = cached_object(name)
    return _files(path, name, file) if file.is_file() else None


@cache  # the name is the hash of what was read, and both the vouchers and `recorded` ask
def _files(path: str, name: str, file: Path) -> dict[str, str]:
    text = file.read_bytes()
    try:
        return manifest.parse(text, name)
    except UserError as error:
        brought = [os.path.normpath(f"{path}/{relpath}") for relpath in manifest.outside(text)]
        several = f" and {len(brought) - 5} more" if len(brought) > 5 else ""
        written = f"; `dvc pull` wrote {', '.join(map(repr, brought[:5]))}{several}" if brought else ""
        raise UserError(
            f"{path}: its directory object {file} is not to be trusted: {error}{written}; allowed: look at what it"
            " brought, remove that and the object, then `make review`, which checks what it takes from a remote"
        ) from None


def recorded(stages: dict[str, Any], stage: str, index: Path) -> bool:
    """Whether dvc.lock (its `locked()` stages) describes a stage as it is: outputs, code and parameters.

    Only then does `dvc status` say "up to date", too. The outputs are compared by the stage's index.

    Raises:
        UserError: see `listed` and `cache_folder`.
    """
    folder = index.parent.as_posix()
    try:
        entry, declared = stages[stage], _yaml(Path("dvc.yaml"))["stages"][stage]
        name = next(out["md5"] for out in entry["outs"] if out["path"] == folder)
    except (KeyError, TypeError, StopIteration):
        return False
    files = listed(folder, str(name))
    try:
        params, given = entry["params"]["params.yaml"], _yaml(Path("params.yaml"))
        dependencies = {d["path"]: d["md5"] for d in entry["deps"]}
        return (
            files is not None
            and files.get(index.name) == md5(index)
            and params == {section: given[section] for section in declared["params"]}
            and set(dependencies) == set(declared["deps"])
            and all(_hash(stages, path) == digest for path, digest in dependencies.items())
        )
    except (OSError, KeyError, TypeError, AttributeError):
        return False


def not_cached(stages: list[str]) -> list[str]:
    """The files of these stages that dvc.lock names but the cache does not hold whole, by their sizes."""
    missing, entries = [], locked()
    for path, name in (output for stage in stages for output in _outputs(Path(), entries.get(stage))):
        files = listed(path, name)
        if files is None:
            missing.append(path)
        for relpath, digest in (files or {}).items():
            here, stored = Path(path, relpath), cached_object(digest)
            whole = here.is_file() and stored.is_file() and stored.stat().st_size == here.stat().st_size
            if os.path.lexists(here) and not whole:  # a link into the cache may lead nowhere
                missing.append(str(here))
    return missing


def _outputs(folder: Path, entry: Any) -> Iterator[tuple[str, str]]:
    """Path and hash of every directory that a stage of dvc.lock, or a .dvc file in `folder`, names."""
    outs = entry.get("outs") if isinstance(entry, dict) else None
    for out in outs if isinstance(outs, list) else ():
        if isinstance(out, dict) and str(out.get("md5")).endswith(".dir"):
            yield (folder / str(out.get("path"))).as_posix(), str(out["md5"])


def _hash(stages: dict[str, Any], path: str) -> str:
    """The hash of a dependency: of the list of another stage's items what dvc.lock says of that, else of what lies
    there.
    """
    folder, _, name = path.rpartition("/")
    for entry in stages.values():
        for out in entry["outs"]:
            if out["path"] == folder:
                return (listed(folder, str(out["md5"])) or {})[name]
    return tree(Path(path)) if Path(path).is_dir() else md5(Path(path))


def _yaml(path: Path) -> dict[str, Any]:
    """The mapping in a file; an empty one where it does not read as one."""
    try:
        return _mapping(path.read_bytes())
    except (OSError, yaml.YAMLError, RecursionError, ValueError):
        return {}


@cache  # every stage is looked up in the same files
def _mapping(text: bytes) -> dict[str, Any]:
    body = yaml.load(text, Loader=yaml.CSafeLoader)
    return body if isinstance(body, dict) else {}
