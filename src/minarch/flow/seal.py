"""Seals: an item is finished when its item.json exists, and whole when every file still has the digest written there.

item.json = {item, stage, config, identity, inputs, code, files: {relative path: MD5}, seal}; `seal` covers the rest of it.
An index is sealed the same way. MD5 because DVC addresses its cache by it; it guards against accidents, not against forgers.
"""

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from minarch.flow.keys import canonical

RECORD = "item.json"


def md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def files(folder: Path) -> list[Path]:
    """Every file of an item but its record, sorted."""
    return sorted(p for p in folder.rglob("*") if p.is_file() and p.relative_to(folder) != Path(RECORD))


def write_sealed(path: Path, body: dict[str, Any]) -> None:
    """Write a JSON object with its seal, whole or not at all."""
    text = json.dumps({**body, "seal": _seal(body)}, indent=1, sort_keys=True) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".tmp-")
    with os.fdopen(handle, "w") as file:
        file.write(text)
    os.chmod(temporary, 0o644)
    os.replace(temporary, path)


def read_sealed(path: Path) -> dict[str, Any] | None:
    """The object, or None where the file is missing, is no JSON object, or does not carry its own seal."""
    try:
        body = json.loads(path.read_text())
        seal = body.pop("seal")
    except (OSError, ValueError, KeyError, AttributeError):
        return None
    return body if isinstance(body, dict) and seal == _seal(body) else None


def damage(folder: Path, name: str) -> str | None:
    """What is wrong with a finished item, in words; None if it is whole."""
    record = read_sealed(folder / RECORD)
    if record is None or record.get("item") != name:
        return f"{RECORD} was changed or damaged"
    listed = record["files"]
    present = {str(p.relative_to(folder)): p for p in files(folder)}
    if odd := sorted(set(listed) ^ set(present)):
        return f"{odd[0]} is {'missing' if odd[0] in listed else 'not part of it'}"
    return next((f"{n} was changed or damaged" for n, p in present.items() if md5(p) != listed[n]), None)


def _seal(body: dict[str, Any]) -> str:
    return hashlib.sha256(canonical(body).encode()).hexdigest()
