"""`make review`: a reviewer's side. Pull what was computed, verify it, and show that nothing is left to run."""

import json
import subprocess
import sys

from minarch.errors import UserError
from minarch.flow.plan import STAGES, Plan
from minarch.flow.reconcile import is_published
from minarch.flow.seal import damage

NOTHING = "Nothing to be done"


def review() -> None:
    """Pull the default study, check every item against its seal and both tools against their records; nothing is
    trained.

    Raises:
        UserError: what could not be pulled, is damaged, or would run.
    """
    pull = subprocess.run([sys.executable, "-m", "dvc", "pull"], capture_output=True, text=True, check=False)
    if pull.returncode:
        raise UserError(
            f"dvc pull: failed; allowed: a remote that holds every output, and no edited artifact: {pull.stderr}"
        )
    plan, count = Plan(), 0
    for stage in STAGES:
        if not plan.ready(stage):
            raise UserError(f"{stage}: its items are not planned, because the representatives are missing")
        for item in plan.items(stage).values():
            if wrong := damage(plan.folder(item.path), item.name):
                raise UserError(f"{plan.folder(item.path)}: {wrong}")
            count += 1
    if not is_published(plan):
        raise UserError(
            f"{plan.reports}: differs from the report that was computed; `git status` tells what was changed"
        )
    changed = subprocess.run(
        [sys.executable, "-m", "dvc", "status", "--json"], capture_output=True, text=True, check=True
    )
    if stages := json.loads(changed.stdout or "{}"):
        raise UserError(f"dvc status: changed: {', '.join(stages)}")
    dry = subprocess.run([sys.executable, "-m", "snakemake", "-n"], capture_output=True, text=True, check=False)
    if NOTHING not in dry.stdout + dry.stderr:
        raise UserError(f"snakemake -n: would run something:\n{dry.stdout}{dry.stderr}")
    print(
        f"{count} items pulled and whole; dvc and snakemake have nothing to do; report: {plan.reports / 'report.html'}"
    )


if __name__ == "__main__":
    try:
        review()
    except UserError as error:
        sys.exit(f"review: {error}")
