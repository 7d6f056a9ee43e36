"""`make review`: a reviewer's side. Fetch what the commit names, verify it, and show that nothing is left to run."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from minarch.errors import UserError, one_line
from minarch.flow.plan import DEFAULT, Plan
from minarch.flow.reconcile import is_published
from minarch.flow.remote import Output, fetch
from minarch.flow.seal import md5
from minarch.flow.stages import STAGES
from minarch.flow.unfinished import unfinished

NOTHING = "Nothing to be done"
TRUSTED = ("Snakefile", "workflow", "profiles", "src", "dvc.yaml", "dvc.lock", DEFAULT)


def review() -> None:
    """Fetch the default study, compare every file with what the commit names and both tools with their records; nothing
    is trained.

    Raises:
        UserError: what is no part of the commit, could not be fetched, differs from what is named, or would run.
    """
    refuse_edits(TRUSTED)
    outputs = fetch()
    _tool("dvc", "checkout")
    for output in outputs:
        if odd := next(_differences(output), None):
            raise UserError(f"{odd}; allowed: what the commit names (remove it, and review again)")
    plan = settled()
    count = sum(len(plan.items(stage)) for stage in STAGES)
    print(
        f"{count} items fetched, every file as the commit names it; dvc and snakemake have nothing to do; report:"
        f" {plan.reports / 'report.html'}"
    )


def settled() -> Plan:
    """The plan of the default study, of which nothing is left to run.

    Raises:
        UserError: an item, the report, DVC or Snakemake says otherwise.
    """
    plan = Plan()
    if missing := unfinished(plan, []):
        raise UserError(f"{missing[0]}: is not finished; allowed: a study of which `make` has computed every stage")
    if not is_published(plan):
        raise UserError(
            f"{plan.reports}: differs from the report that was computed; `git status` tells what was changed"
        )
    if stages := json.loads(_tool("dvc", "status", "--json") or "{}"):
        raise UserError(f"dvc status: changed: {', '.join(stages)}")
    said = _tool("snakemake", "-n")
    if NOTHING not in said:
        raise UserError(f"snakemake -n: would run something:\n{said}")
    return plan


def refuse_edits(paths: Iterable[str]) -> None:
    """What is trusted is the commit: code and records must be those of it.

    Raises:
        UserError: a file under these paths is not as committed, or this is no git checkout.
    """
    command = ["git", "status", "--porcelain", "--untracked-files=all", "--", *paths]
    status = subprocess.run(command, capture_output=True, text=True, check=False)
    if status.returncode:
        raise UserError(f"git status: {one_line(status.stderr)}; allowed: a git checkout, whose commit is trusted")
    if changed := status.stdout.splitlines():
        raise UserError(
            f"{changed[0][3:]} is not as in the commit ({len(changed)} such file(s), see `git status`);"
            " allowed: code and records as committed"
        )


def _differences(output: Output) -> Iterator[str]:
    """What lies in the workspace otherwise than the commit names it, in words."""
    for relpath, digest in output.files.items():
        file = output.path / relpath
        if not file.is_file():
            yield f"{file} is missing"
        elif md5(file) != digest:
            yield f"{file} differs from what dvc.lock names"
    for base, _, names in os.walk(output.path):
        for file in (Path(base, name) for name in sorted(names)):
            if str(file.relative_to(output.path)) not in output.files:
                yield f"{file} is not part of {output.path}"


def _tool(name: str, *words: str) -> str:
    """What a command of DVC's or Snakemake's says on standard output, of Snakemake's also on standard error."""
    done = subprocess.run([sys.executable, "-m", name, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(f"{name} {' '.join(words)}: {done.stdout}{done.stderr}".strip())
    return done.stdout + (done.stderr if name == "snakemake" else "")


if __name__ == "__main__":
    try:
        review()
    except UserError as error:
        sys.exit(f"review: {error}")
