"""`minarch status`: how far a study is, and whether what is done is what it should be."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.table import Table

from minarch.commands.output import console, print_json
from minarch.errors import UserError
from minarch.files import read_json
from minarch.flow import dvc, fastest, lock
from minarch.flow.plan import Plan
from minarch.flow.reconcile import wrong
from minarch.flow.seal import RECORD, md5, read_sealed
from minarch.flow.stages import PUBLISHED, STAGES
from minarch.flow.vouch import Vouchers


def status(study: str, *, verify: bool = False, as_json: bool = False) -> None:
    """Print how far every stage of a study is.

    Args:
        verify: also read every file of every finished item and every object of DVC's cache that dvc.lock names.
        as_json: print the fields that docs/command-line.md lists instead of a table.

    Raises:
        UserError: something was verified that is damaged, edited or forged, or DVC's cache is not to be trusted.
    """
    plan, running = Plan(study), lock.holder()
    vouchers = Vouchers()  # what a pull wrote outside of artifacts is told whether or not items are verified
    if verify and (problems := [*_wrong_items(plan, vouchers), *_wrong_objects()]):
        raise UserError("\n".join(problems))
    stages = [_progress(plan, stage, running is not None) for stage in STAGES]
    report = str(plan.reports / "report.html") if read_sealed(plan.index(PUBLISHED)) else None
    if as_json:
        body = {"study": plan.name, "file": plan.study_file, "running": running, "verified": verify, "report": report}
        print_json(body | {"stages": [asdict(progress) for progress in stages]})
        return
    out = console(120)
    out.print(_table(stages, f"study {plan.name} ({plan.study_file})"))
    out.print(f"running: process {running}" if running else "not running")
    for line in fastest.told():
        out.print(line, markup=False, highlight=False, soft_wrap=True)
    out.print(f"report: {report}" if report else "report: not computed yet")
    if verify:
        out.print("verified: every finished item is whole, and as dvc.lock names it or as it was made here")


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a stage is. The numbers of items are None until the stages in `waits_for` have decided which it has."""

    stage: str
    items: int | None = None
    done: int | None = None
    running: int | None = None
    missing: int | None = None
    repeats: int = 0  # trainings in the items that are done
    unstable_repeats: int = 0
    closed: bool = False
    waits_for: Sequence[str] = ()


def _progress(plan: Plan, stage: str, at_work: bool) -> Progress:
    if not plan.ready(stage):
        return Progress(stage=stage, waits_for=plan.undecided(stage))
    folders = [plan.folder(item.path) for item in plan.items(stage).values()]
    done = [folder for folder in folders if (folder / RECORD).is_file()]
    begun = {folder.name for folder in (plan.root / stage).glob(".tmp-*")} if at_work else set()
    active = [f for f in set(folders).difference(done) if any(name.endswith(f.name) for name in begun)]
    statuses = [status for folder in done for status in _statuses(folder)]
    return Progress(
        stage=stage,
        items=len(folders),
        done=len(done),
        running=len(active),
        missing=len(folders) - len(done) - len(active),
        repeats=len(statuses),
        unstable_repeats=statuses.count("unstable"),
        closed=read_sealed(plan.index(stage)) is not None,
    )


def _table(stages: Sequence[Progress], title: str) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("stage")
    for name in ("items", "done", "running", "missing", "unstable repeats"):
        table.add_column(name, justify="right")
    table.add_column("closed")
    for progress in stages:
        if progress.items is None:
            table.add_row(progress.stage, "?", "", "", "", "", f"planned from {', '.join(progress.waits_for)}")
            continue
        counts = map(str, (progress.items, progress.done, progress.running, progress.missing))
        unstable = f"{progress.unstable_repeats} of {progress.repeats}" if progress.repeats else ""
        table.add_row(progress.stage, *counts, unstable, "yes" if progress.closed else "no")
    return table


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
