"""`minarch explain ITEM`: what an item is, what it depends on, and why it would run."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import yaml

from minarch.commands.output import print_json
from minarch.errors import UserError
from minarch.flow.item import Item
from minarch.flow.keys import differences
from minarch.flow.plan import Plan
from minarch.flow.reconcile import wrong
from minarch.flow.seal import RECORD, read_sealed
from minarch.flow.stages import STAGES
from minarch.flow.store import SPARE
from minarch.flow.vouch import Vouchers


def explain(study: str, item: str, *, as_json: bool = False) -> None:
    """Print an item's place, configuration, inputs and code, and whether it would run.

    Args:
        item: its name, with or without its key, or its folder.
        as_json: print the fields that docs/command-line.md lists instead of YAML.

    Raises:
        UserError: no item, or more than one, is called so.
    """
    plan = Plan(study)
    planned = find(plan, Path(item.rstrip("/")).name)
    state = _state(plan, planned)
    body = {
        "item": planned.name,
        "stage": planned.stage,
        "folder": str(plan.folder(planned.path)),
        "key": planned.name.rsplit("-", 1)[1],
        "configuration": planned.config,
        "reads": planned.inputs,
        "code": planned.code,
    }
    if as_json:
        print_json(body | asdict(state))
        return
    print(yaml.safe_dump(body, sort_keys=False, width=120), end="")
    print(f"state: {state.told}")


@dataclass(frozen=True)
class State:
    """Whether an item would run and why, in words; `changes` are the leaves of what its key covers that differ from an
    item of its name that was made before, as `path: old -> new`.
    """

    would_run: bool
    reason: str
    changes: Sequence[str] = ()

    @property
    def told(self) -> str:
        """One line."""
        would = "would run" if self.would_run else "would not run"
        return f"{would}: {self.reason}{': ' if self.changes else ''}{'; '.join(self.changes)}"


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
        hint = f"; the items of {', '.join(later)} are not known yet: `snakemake` makes what they are planned from"
    raise UserError(f"ITEM: {name!r} is no item of {plan.study_file}{hint}")


def _state(plan: Plan, item: Item) -> State:
    folder = plan.folder(item.path)
    if (folder / RECORD).exists():
        reason = wrong(item.path, folder, Vouchers())
        return State(True, reason) if reason else State(False, "it is finished and whole")
    missing = [path for path in item.parents if not (plan.folder(path) / RECORD).exists()]
    after = f"it is not computed yet, nor are {len(missing)} of its inputs" if missing else "it is not computed yet"
    beside = [d for d in (folder.parent, SPARE / item.stage) if d.is_dir()]
    relatives = [p for d in beside for p in sorted(d.glob(f"{item.slug}-*")) if p.name.rsplit("-", 1)[0] == item.slug]
    for relative in relatives:
        if record := read_sealed(relative / RECORD):
            now = {"configuration": item.identity, "reads": item.inputs, "code": item.code}
            then = {"configuration": record["identity"], "reads": record["inputs"], "code": record["code"]}
            changes = [f"{name}: {json.dumps(old)} -> {json.dumps(new)}" for name, old, new in differences(then, now)]
            return State(True, f"{after}; against {relative.name} changed", changes)
    return State(True, after)
