"""`python -m minarch status`: how far a study is, and whether what is done is what it should be."""

import os
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from minarch.errors import UserError
from minarch.files import read_json
from minarch.flow import dvc, fastest, lock
from minarch.flow.plan import Plan
from minarch.flow.reconcile import wrong
from minarch.flow.seal import RECORD, md5, read_sealed
from minarch.flow.stages import PUBLISHED, STAGES
from minarch.flow.vouch import Vouchers


def status(study: str, *, verify: bool = False) -> None:
    """Print a table: per stage the items done, running, missing, and the repeats that ended unstable.

    Args:
        verify: also read every file of every finished item and every object of DVC's cache that dvc.lock names.

    Raises:
        UserError: something was verified that is damaged, edited or forged, or DVC's cache is not to be trusted.
    """
    plan, running, vouchers = Plan(study), lock.holder(), Vouchers()
    if verify and (problems := [*_wrong_items(plan, vouchers), *_wrong_objects()]):
        raise UserError("\n".join(problems))
    table = Table(title=f"study {plan.name} ({plan.study_file})", title_justify="left")
    table.add_column("stage")
    for name in ("items", "done", "running", "missing", "unstable repeats"):
        table.add_column(name, justify="right")
    table.add_column("closed")
    for stage in STAGES:
        if not plan.ready(stage):
            table.add_row(stage, "?", "", "", "", "", f"planned from {', '.join(plan.undecided(stage))}")
            continue
        folders = [plan.folder(i.path) for i in plan.items(stage).values()]
        done = [f for f in folders if (f / RECORD).is_file()]
        begun = {f.name for f in (plan.root / stage).glob(".tmp-*")} if running else set()
        active = [f for f in folders if f not in done and any(name.endswith(f.name) for name in begun)]
        statuses = [status for folder in done for status in _statuses(folder)]
        unstable = f"{statuses.count('unstable')} of {len(statuses)}" if statuses else ""
        missing = len(folders) - len(done) - len(active)
        counts = (len(folders), len(done), len(active), missing, unstable)
        table.add_row(stage, *map(str, counts), "yes" if read_sealed(plan.index(stage)) else "no")
    console = Console(width=None if os.isatty(1) else 120)
    console.print(table)
    console.print(f"running: process {running}" if running else "not running")
    for line in fastest.told():
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    if read_sealed(plan.index(PUBLISHED)):
        console.print(f"report: {plan.reports / 'report.html'}")
    if verify:
        console.print("verified: every finished item is whole, and as dvc.lock names it or as it was made here")


def _statuses(folder: Path) -> list[str]:
    """How the repeats of an item ended; none where it trains nothing."""
    results = folder / "results.json"
    try:
        return [str(repeat["status"]) for repeat in read_json(results).get("repeats", [])] if results.is_file() else []
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise UserError(f"{results}: does not read as results; `status --verify` tells what else is damaged") from None


def _wrong_items(plan: Plan, vouchers: Vouchers) -> Iterator[str]:
    for stage in filter(plan.ready, STAGES):
        for item in plan.items(stage).values():
            folder = plan.folder(item.path)
            if (folder / RECORD).is_file() and (reason := wrong(item.path, folder, vouchers)):
                yield f"{folder}: {reason}; the next run makes it again"


def _wrong_objects() -> Iterator[str]:
    """What DVC's cache lacks, so that nothing can be compared with it, or holds under the name of another content:
    `dvc push` would pass that on.
    """
    for path, name in dvc.directories().items():
        files = dvc.listed(path, name)
        if files is None and os.path.isdir(path):
            yield f"{path}: the list of its files that dvc.lock names is not in DVC's cache; `make review` fetches it"
        for relpath, digest in (files or {}).items():
            stored = dvc.cached_object(digest)
            if stored.is_file() and md5(stored) != digest:
                yield f"{stored}: is not the {path}/{relpath} that dvc.lock names; remove it and fetch it again"
