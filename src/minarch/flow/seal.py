"""Seals: an item is finished when its item.json exists, and whole when every file still has the digest written there.

item.json = {item, stage, config, identity, inputs, code, files: {relative path: MD5}, seal}; `seal` covers the rest
of it.
An index is sealed the same way. MD5 because DVC addresses its cache by it; a seal guards against accidents, against
forgers `minarch.flow.vouch` does.
"""

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from minarch.flow.keys import canonical

RECORD = "item.json"
LIST = "items.txt"  # of a finished stage: the names of its index and items, for DVC: it compares one file at once


def md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def files(folder: Path) -> list[Path]:
    """Every file of an item but its record, sorted."""
    return sorted(p for p in folder.rglob("*") if p.is_file() and p.relative_to(folder) != Path(RECORD))


def listed(folder: Path) -> dict[str, str]:
    """The files of an item by its record, relative path -> MD5; none where that is not sealed or of another shape."""
    return _listed(read_sealed(folder / RECORD))


def _listed(record: dict[str, Any] | None) -> dict[str, str]:
    named = record.get("files") if record else None
    return named if isinstance(named, dict) and all(isinstance(digest, str) for digest in named.values()) else {}


def write_sealed(path: Path, body: dict[str, Any]) -> None:
    """Write a JSON object with its seal, whole or not at all."""
    text = _sealed(body)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".tmp-{os.getpid()}-")
    with os.fdopen(handle, "wb") as file:
        file.write(text)
    os.chmod(temporary, 0o644)
    os.replace(temporary, path)


def read_sealed(path: Path) -> dict[str, Any] | None:
    """The object, or None where the file is missing or is not, byte for byte, what `write_sealed` writes."""
    if not path.is_file():  # of a FIFO, too: reading would wait for ever
        return None
    try:
        text = path.read_bytes()
        body: dict[str, Any] = json.loads(text)
        del body["seal"]
        return body if text == _sealed(body) else None
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None


def damage(folder: Path, name: str) -> str | None:
    """What is wrong with a finished item, in words; None if it is whole."""
    record = read_sealed(folder / RECORD)
    named = _listed(record)
    if record is None or record.get("item") != name:
        return f"{RECORD} was changed or damaged"
    present = {str(p.relative_to(folder)): p for p in files(folder)}
    others = (p for p in folder.rglob("*") if not p.is_file() and (p.is_symlink() or not p.is_dir()))
    strange = {str(p.relative_to(folder)) for p in others}  # DVC would follow a link to a folder
    if odd := sorted((set(named) ^ set(present)) | strange):
        return f"{odd[0]} is {'missing' if odd[0] in named else 'not part of it'}"
    return next((f"{n} was changed or damaged" for n, p in present.items() if md5(p) != named[n]), None)


def _sealed(body: dict[str, Any]) -> bytes:
    seal = hashlib.sha256(canonical(body).encode()).hexdigest()
    return (json.dumps({**body, "seal": seal}, indent=1, sort_keys=True) + "\n").encode()
