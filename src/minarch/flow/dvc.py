"""What DVC knows, read from its files (importing it takes a second, and every parse of the workflow asks)."""

import os
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from configobj import ConfigObj, ConfigObjError
from platformdirs import site_config_dir, user_config_dir

from minarch.errors import UserError
from minarch.files import read_json
from minarch.flow.seal import md5
from minarch.flow.tree import tree

LOCK = Path("dvc.lock")


@cache
def cache_folder() -> Path:
    """DVC's object folder: of its system, global, project and local configuration the last that names one.

    Raises:
        UserError: a configuration file does not read as one.
    """
    site = os.environ.get("DVC_SYSTEM_CONFIG_DIR", site_config_dir("dvc", "iterative"))
    user = os.environ.get("DVC_GLOBAL_CONFIG_DIR", user_config_dir("dvc", "iterative"))
    found = Path(".dvc/cache")
    for file in (Path(site, "config"), Path(user, "config"), Path(".dvc/config"), Path(".dvc/config.local")):
        try:
            section = ConfigObj(str(file), interpolation=False).get("cache", {})
        except (ConfigObjError, UnicodeDecodeError) as error:
            raise UserError(f"{file}: not a DVC configuration: {error}") from None
        if isinstance(section, dict) and "dir" in section:
            found = file.parent / section["dir"]  # a relative path is relative to its file
    return found / "files/md5"


def cached_object(digest: str) -> Path:
    return cache_folder() / digest[:2] / digest[2:]


def locked() -> dict[str, Any]:
    """The stages of dvc.lock; none where it does not read as one."""
    return _yaml(LOCK).get("stages") or {}


def recorded(stages: dict[str, Any], stage: str, index: Path) -> bool:
    """Whether dvc.lock (its `locked()` stages) describes a stage as it is: outputs, code and parameters.

    Only then does `dvc status` say "up to date", too. The outputs are compared by the stage's index.
    """
    try:
        entry, declared = stages[stage], _yaml(Path("dvc.yaml"))["stages"][stage]
        manifest = cached_object(next(o["md5"] for o in entry["outs"] if o["path"] == str(index.parent)))
        listed = any(e["relpath"] == index.name and e["md5"] == md5(index) for e in read_json(manifest))
        params, given = entry["params"]["params.yaml"], _yaml(Path("params.yaml"))
        dependencies = {d["path"]: d["md5"] for d in entry["deps"]}
        return (
            listed
            and params == {section: given[section] for section in declared["params"]}
            and set(dependencies) == set(declared["deps"])
            and all(_hash(stages, path) == digest for path, digest in dependencies.items())
        )
    except (OSError, KeyError, TypeError, StopIteration, ValueError, AttributeError):
        return False


def _hash(stages: dict[str, Any], path: str) -> str:
    """The hash of a dependency: of another stage's output what dvc.lock says of that, else of what lies there."""
    for entry in stages.values():
        for out in entry["outs"]:
            if out["path"] == path:
                return str(out["md5"])
    return tree(Path(path)) if Path(path).is_dir() else md5(Path(path))


def _yaml(path: Path) -> dict[str, Any]:
    try:
        body = yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)
    except (OSError, yaml.YAMLError):
        return {}
    return body if isinstance(body, dict) else {}
