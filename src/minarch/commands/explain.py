"""`python -m minarch explain ITEM`: what an item is, what it depends on, and why it would run."""

import json
from pathlib import Path
from typing import Any

import yaml

from minarch.errors import UserError
from minarch.flow.item import Item
from minarch.flow.plan import Plan
from minarch.flow.reconcile import wrong
from minarch.flow.seal import RECORD, read_sealed
from minarch.flow.stages import STAGES
from minarch.flow.store import SPARE
from minarch.flow.vouch import Vouchers


def explain(study: str, name: str) -> None:
    """Print an item's place, configuration, inputs and code, and whether it would run.

    Raises:
        UserError: no item, or more than one, is called so.
    """
    plan = Plan(study)
    item = find(plan, Path(name.rstrip("/")).name)
    folder = plan.folder(item.path)
    body = {
        "item": item.name,
        "stage": item.stage,
        "folder": str(folder),
        "key": item.name.rsplit("-", 1)[1],
        "configuration": item.config,
        "reads": item.inputs,
        "code": item.code,
    }
    print(yaml.safe_dump(body, sort_keys=False, width=120), end="")
    print(f"state: {_state(plan, item, folder)}")


def find(plan: Plan, name: str) -> Item:
    items = {n: i for stage in STAGES if plan.ready(stage) for n, i in plan.items(stage).items()}
    if name in items:
        return items[name]
    named = [n for n, item in items.items() if item.slug == name] or [n for n in items if n.startswith(name)]
    if len(named) == 1:
        return items[named[0]]
    hint = f"; it begins {len(named)} names, such as {named[0]}" if named else ""
    later = [stage for stage in STAGES if not plan.ready(stage)]
    if later and not named:
        hint = f"; the items of {', '.join(later)} are planned once `snakemake` has finished the stages before"
    raise UserError(f"ITEM: {name!r} is no item of {plan.study_file}{hint}")


def _state(plan: Plan, item: Item, folder: Path) -> str:
    if (folder / RECORD).exists():
        reason = wrong(item.path, folder, Vouchers())
        return f"would run: {reason}" if reason else "finished and whole; it would not run"
    missing = [path for path in item.parents if not (plan.folder(path) / RECORD).exists()]
    why = f"would run, after {len(missing)} missing input(s)" if missing else "would run"
    beside = [d for d in (folder.parent, SPARE / item.stage) if d.is_dir()]
    relatives = [p for d in beside for p in sorted(d.glob(f"{item.slug}-*")) if p.name.rsplit("-", 1)[0] == item.slug]
    for relative in relatives:
        if record := read_sealed(relative / RECORD):
            now = {"configuration": item.identity, "reads": item.inputs, "code": item.code}
            then = {"configuration": record["identity"], "reads": record["inputs"], "code": record["code"]}
            return f"{why}: against {relative.name} changed: {'; '.join(_changes(then, now))}"
    return f"{why}: it was never made here"


def _changes(then: Any, now: Any, name: str = "") -> list[str]:
    """The leaves that differ, as `path: old -> new`."""
    if isinstance(then, dict) and isinstance(now, dict):
        keys = sorted(set(then) | set(now))
        return [c for k in keys for c in _changes(then.get(k), now.get(k), f"{name}.{k}" if name else k)]
    return [] if then == now else [f"{name}: {json.dumps(then)} -> {json.dumps(now)}"]
