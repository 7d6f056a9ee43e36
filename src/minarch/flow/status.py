"""`python -m minarch status`: how far a study is."""

import os

from rich.console import Console
from rich.table import Table

from minarch.files import read_json
from minarch.flow import decisions, lock
from minarch.flow.plan import STAGES, Plan
from minarch.flow.seal import RECORD, read_sealed


def status(study: str) -> None:
    """Print a table: per stage the items done, running, missing, and the repeats that ended unstable."""
    plan, running = Plan(study), lock.holder()
    table = Table(title=f"study {plan.name} ({plan.study_file})", title_justify="left")
    table.add_column("stage")
    for name in ("items", "done", "running", "missing", "unstable repeats"):
        table.add_column(name, justify="right")
    table.add_column("closed")
    for stage in STAGES:
        if not plan.ready(stage):
            table.add_row(stage, "?", "", "", "", "", "planned from the representatives")
            continue
        folders = [plan.folder(i.path) for i in plan.items(stage).values()]
        done = [f for f in folders if (f / RECORD).exists()]
        begun = {f.name for f in (plan.root / stage).glob(".tmp-*")} if running else set()
        active = [f for f in folders if f not in done and any(name.endswith(f.name) for name in begun)]
        unstable = repeats = 0
        for folder in done:
            results = folder / "results.json"
            statuses = [r["status"] for r in read_json(results).get("repeats", [])] if results.exists() else []
            repeats += len(statuses)
            unstable += statuses.count("unstable")
        missing = len(folders) - len(done) - len(active)
        counts = (len(folders), len(done), len(active), missing, f"{unstable} of {repeats}" if repeats else "")
        table.add_row(stage, *map(str, counts), "yes" if read_sealed(plan.index(stage)) else "no")
    console = Console(width=None if os.isatty(1) else 120)
    console.print(table)
    console.print(f"running: process {running}" if running else "not running")
    for line in decisions.told():
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    if read_sealed(plan.index("aggregate")):
        console.print(f"report: {plan.reports / 'report.html'}")
