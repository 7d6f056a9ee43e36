"""Before a run: make what lies in the workspace agree with the plan, so that "exists" means "valid".

Damaged, edited or forged items go, items made before come back, temporary files of a killed run are swept away. Nothing
is computed here, and nothing that is not ours is deleted: it is moved to a place of its own, and named.

What was checked once is remembered by its files' sizes, times and inodes, so 1,000 finished items cost little;
`status --verify` reads everything.
"""

import os
import re
import shutil
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psutil

from minarch.flow import dvc, made_by, store
from minarch.flow.digest import short
from minarch.flow.plan import DEFAULT_NAME, Plan
from minarch.flow.seal import LIST, RECORD, damage, listed, md5, read_sealed, write_sealed
from minarch.flow.stages import PUBLISHED, STAGES
from minarch.flow.vouch import Vouchers

CHECKED = Path(".minarch/checked.json")
TEMPORARY = re.compile(r"\.tmp-(\d{1,9})-.*")  # of the process with that number
FORGED = "is sealed, but is neither what dvc.lock names nor what was made here"


def reconcile(plan: Plan, stages: Iterable[str] = STAGES, *, record: bool, dry: bool = False) -> list[str]:
    """Bring the workspace in line with the plan; returns the stages of which an item was wrong and must be made again.

    Args:
        stages: in order; those that cannot be listed yet are left for later.
        record: also reopen stages that dvc.lock does not describe, so that the run ends by telling DVC.
        dry: the workspace is a shadow (`minarch.flow.shadow`): say what would be done, leave DVC's cache alone.

    Raises:
        UserError: DVC's configuration does not read, or its cache holds something else than what dvc.lock names.
    """
    dvc.cache_folder()  # a broken configuration is told even where nothing would look into the cache
    checked, locked, vouchers = _load_checked(), dvc.locked(), Vouchers()
    vouchers.note_named()
    lost = []
    for stage in stages:
        if not plan.ready(stage):
            continue
        _sweep_leftovers(plan.root / stage)
        wanted = {item.path: plan.folder(item.path) for item in plan.items(stage).values()}
        apart = set()
        for path, folder in wanted.items():
            if reason := _wrong_since(path, folder, checked, vouchers, dry):
                store.set_apart(folder, f"{reason}; it is made again", dry=dry)
                apart.add(path)
        missing = [(path, folder) for path, folder in wanted.items() if not (folder / RECORD).is_file()]
        if back := store.restore(missing, vouchers, dry=dry):
            would = "would be " if dry else ""
            print(f"{stage}: {len(back)} item(s) made before {would}brought back", file=sys.stderr)
        if apart - set(back):
            lost.append(stage)
        index = plan.index(stage)
        closed = read_sealed(index)
        stale = closed is None or closed.get("items") != sorted(plan.items(stage))
        if stage == PUBLISHED:
            stale = stale or not is_published(plan)
        if index.exists() and (stale or (record and not dvc.recorded(locked, stage, index))):
            index.unlink()
        if index.exists():
            tidy(plan, stage, vouchers, dry=dry)
    _save_checked(checked)
    return lost


def tidy(plan: Plan, stage: str, vouchers: Vouchers, *, dry: bool = False) -> None:
    """Leave exactly the plan's items, their list and the index in a finished stage's folder: DVC records whatever lies
    there.
    """
    folder, keep = plan.root / stage, {*plan.items(stage), LIST, plan.index(stage).name}
    if not dry and plan.name == DEFAULT_NAME:  # another study is no stage of DVC's
        names = [plan.index(stage).name, *sorted(plan.items(stage))]  # later stages are closed anew with the index
        _write_list(folder / LIST, "".join(f"{name}\n" for name in names))
    for entry in sorted(folder.iterdir()):
        if entry.name in keep or _at_work(entry.name):
            continue
        if (read_sealed(entry / RECORD) or {}).get("item") == entry.name:
            store.put_aside(entry, stage, vouchers)
        elif entry.match("index-*.json") and read_sealed(entry):
            entry.unlink()
        else:
            store.set_apart(entry, "is not part of the stage", dry=dry)


def _write_list(file: Path, text: str) -> None:
    """Write a stage's list of items unless it is there: in place of the file, which may be a link into DVC's cache."""
    if file.is_dir():
        store.set_apart(file, "is not the list of the stage's items")
    if not (file.is_file() and file.read_bytes() == text.encode()):
        temporary = file.with_name(f".tmp-{os.getpid()}-{file.name}")
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, file)


def published(plan: Plan) -> dict[Path, Path]:
    """Every file of the report's item -> where it is published."""
    folder = plan.folder(next(iter(plan.items(PUBLISHED).values())).path)
    return {folder / name: plan.reports / name for name in listed(folder)}


def is_published(plan: Plan) -> bool:
    """Whether the report of a finished study lies where people look for it, with what it was made by."""
    pairs = published(plan)
    return (
        bool(pairs)
        and all(target.is_file() and target.read_bytes() == source.read_bytes() for source, target in pairs.items())
        and read_sealed(plan.reports / made_by.FILE) == made_by.made_by(plan)
    )


def wrong(path: str, folder: Path, vouchers: Vouchers) -> str | None:
    """What is wrong with a finished item `<stage>/<name>`, in words, after reading all of it; None if nothing is."""
    if damaged := damage(folder, folder.name):
        return damaged
    return FORGED if vouchers.contradict(path, md5(folder / RECORD)) else None


def _wrong_since(path: str, folder: Path, checked: dict[str, str], vouchers: Vouchers, dry: bool) -> str | None:
    """What is wrong with an item, as `wrong` says it, reading only what has changed since it was last read."""
    if not (folder / RECORD).is_file():
        return f"has no {RECORD}" if os.path.lexists(folder) else None
    if not dry:
        _not_of_the_future(folder / RECORD)
    stamp, name = _stamp(folder), str(folder)
    before, _, digest = checked.pop(name, "").partition(" ")
    if before == stamp:
        reason = FORGED if vouchers.contradict(path, digest) else None
    else:
        reason, digest = wrong(path, folder, vouchers), md5(folder / RECORD)
    if reason is None:
        checked[name] = f"{stamp} {digest}"
    return reason


def _not_of_the_future(record: Path) -> None:
    """Snakemake fails a job whose input is newer than its output, as after the clock was set back."""
    if record.stat().st_mtime > time.time():
        temporary = record.with_name(f".tmp-{os.getpid()}-{RECORD}")
        shutil.copyfile(record, temporary)
        os.replace(temporary, record)  # not touched: it may be a link into a cache that others share


def _stamp(folder: Path) -> str:
    """Digest of the names, sizes and times of an item's files."""
    parts = []
    for base, folders, names in sorted(os.walk(folder)):
        for name in sorted([*names, *(name for name in folders if os.path.islink(os.path.join(base, name)))]):
            path = os.path.join(base, name)
            stat = os.stat(path) if os.path.exists(path) else os.lstat(path)
            parts.append(f"{name}:{stat.st_size}:{stat.st_mtime_ns}:{stat.st_ctime_ns}:{stat.st_ino}")
    return short(os.fsencode("|".join(parts)))


def _sweep_leftovers(folder: Path) -> None:
    """Remove the temporary files of processes that are no more."""
    for entry in sorted(folder.iterdir()) if folder.is_dir() else ():
        if TEMPORARY.fullmatch(entry.name) and not _at_work(entry.name):
            if entry.is_dir():
                store.discard(entry)
            else:
                entry.unlink()


def _at_work(name: str) -> bool:
    """Whether this is a temporary file of a process that runs: a stage by hand, or a job of another study's run."""
    temporary = TEMPORARY.fullmatch(name)
    return temporary is not None and psutil.pid_exists(int(temporary[1]))


def _load_checked() -> dict[str, str]:
    """Only ever a shortcut: unreadable means that all is checked again."""
    body: dict[str, Any] = read_sealed(CHECKED) or {}
    return dict(body.get("items", {}))


def _save_checked(checked: dict[str, str]) -> None:
    if {"items": checked} != read_sealed(CHECKED):
        write_sealed(CHECKED, {"items": checked})
