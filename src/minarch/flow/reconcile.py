"""Before a run: make what lies in the workspace agree with the plan, so that "exists" means "valid".

Damaged or hand-edited items go, items made before come back, leftovers of a killed run are swept away. Nothing is
computed here. What was checked once is remembered by its files' sizes and times, so 1,000 finished items cost little.
"""

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import psutil

from minarch.flow import dvc, store
from minarch.flow.digest import short
from minarch.flow.plan import STAGES, Plan
from minarch.flow.seal import RECORD, damage, read_sealed, write_sealed

CHECKED = Path(".minarch/checked.json")


def reconcile(plan: Plan, *, record: bool) -> None:
    """Bring the workspace in line with the plan.

    Args:
        record: also reopen stages that dvc.lock does not describe, so that the run ends by telling DVC.
    """
    checked, stages = _load_checked(), dvc.locked()
    for stage in STAGES:
        if not plan.ready(stage):
            break
        _sweep_leftovers(plan.root / stage)
        wanted = {item.path: plan.folder(item.path) for item in plan.items(stage).values()}
        for folder in wanted.values():
            _drop_damaged(folder, checked)
        back = store.restore((p, f) for p, f in wanted.items() if not (f / RECORD).exists())
        if back:
            print(f"{stage}: {len(back)} item(s) made before brought back", file=sys.stderr)
        index = plan.index(stage)
        listed = read_sealed(index)
        stale = listed is None or listed.get("items") != sorted(plan.items(stage))
        if stage == "aggregate":
            stale = stale or not is_published(plan)
        if index.exists() and (stale or (record and not dvc.recorded(stages, stage, index))):
            index.unlink()
        if index.exists():
            tidy(plan, stage)
    _save_checked(checked)


def tidy(plan: Plan, stage: str) -> None:
    """Leave exactly the plan's items and the index in a finished stage's folder: DVC records whatever lies there."""
    folder, keep = plan.root / stage, {*plan.items(stage), plan.index(stage).name}
    for entry in sorted(folder.iterdir()):
        if entry.name in keep:
            continue
        if (entry / RECORD).exists():
            store.put_aside(entry, stage)
        elif entry.match("index-*.json"):
            entry.unlink()
        else:
            _set_apart(entry, "is not part of the stage")


def published(plan: Plan) -> dict[Path, Path]:
    """Every file of the report's item -> where it is published."""
    folder = plan.folder(next(iter(plan.items("aggregate").values())).path)
    names = (read_sealed(folder / RECORD) or {"files": {}})["files"]
    return {folder / name: plan.reports / name for name in names}


def is_published(plan: Plan) -> bool:
    pairs = published(plan)
    return bool(pairs) and all(
        target.is_file() and target.read_bytes() == source.read_bytes() for source, target in pairs.items()
    )


def _drop_damaged(folder: Path, checked: dict[str, str]) -> None:
    if not (folder / RECORD).exists():
        return
    stamp, name = _stamp(folder), str(folder)
    if checked.get(name) == stamp:
        return
    if wrong := damage(folder, folder.name):
        _set_apart(folder, f"{wrong}; it is made again")
        checked.pop(name, None)
    else:
        checked[name] = stamp


def _set_apart(entry: Path, why: str) -> None:
    aside = Path(".minarch/damaged", entry.parent.name, entry.name)
    print(f"{entry}: {why} (moved to {aside})", file=sys.stderr)
    store.move_over(entry, aside)


def _stamp(folder: Path) -> str:
    """Digest of the names, sizes and times of an item's files."""
    parts = []
    for base, _, names in sorted(os.walk(folder)):
        for name in sorted(names):
            stat = os.stat(os.path.join(base, name))
            parts.append(f"{name}:{stat.st_size}:{stat.st_mtime_ns}:{stat.st_ctime_ns}:{stat.st_ino}")
    return short("|".join(parts).encode())


def _sweep_leftovers(folder: Path) -> None:
    """Folders without a record and temporary files are what a killed run left."""
    for entry in os.scandir(folder) if folder.is_dir() else ():
        process = entry.name.split("-")[1] if entry.name.startswith(".tmp-") else ""
        if process.isdigit() and psutil.pid_exists(int(process)):
            continue  # `python -m minarch.<stage>` by hand, or a job of another study's run
        if entry.is_dir() and (entry.name.startswith(".tmp-") or not os.path.exists(os.path.join(entry.path, RECORD))):
            shutil.rmtree(entry.path)
        elif entry.is_file() and entry.name.startswith(".tmp-"):
            os.unlink(entry.path)


def _load_checked() -> dict[str, str]:
    """Only ever a shortcut: unreadable means that all is checked again."""
    body: dict[str, Any] = read_sealed(CHECKED) or {}
    return dict(body.get("items", {}))


def _save_checked(checked: dict[str, str]) -> None:
    if {"items": checked} != read_sealed(CHECKED):
        write_sealed(CHECKED, {"items": checked})
