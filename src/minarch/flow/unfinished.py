"""What a run has not finished: what a dry run cannot list yet, and what Snakemake was seen to leave out."""

import os
import sys
from collections.abc import Collection

from minarch.flow.plan import Plan
from minarch.flow.stages import STAGES

AGAIN = "MINARCH_AGAIN"  # in the environment of a command that was started again


def unfinished(plan: Plan, targets: Collection[str]) -> list[str]:
    """The stages among the targets of a run whose lists of items are not there."""
    return [stage for stage in _stages(targets) if not (plan.ready(stage) and plan.index(stage).exists())]


def not_listed(plan: Plan, targets: Collection[str]) -> str:
    """A line that names the stages among the targets whose jobs a dry run cannot list; empty if there are none."""
    hidden = [stage for stage in _stages(targets) if not plan.ready(stage)]
    deciding = [stage for stage in STAGES if any(stage in plan.undecided(later) for later in hidden)]
    if not hidden:
        return ""
    return f"not listed: the jobs of {', '.join(hidden)}; which there are depends on what {', '.join(deciding)} decide"


def start_again(stage: str, *, possible: bool = True) -> None:
    """Start this command again, once, because it ended before a stage was finished.

    Args:
        possible: it would do nothing twice, and finds the directory.
    """
    said = f"Snakemake ended before {stage} was finished; what is made is kept"
    if AGAIN in os.environ or not possible:
        sys.exit(f"{said}: run it again")
    print(f"{said}, and it goes on", file=sys.stderr, flush=True)
    os.environ[AGAIN] = "1"
    os.execv(sys.executable, sys.orig_argv)  # noqa: S606


def _stages(targets: Collection[str]) -> list[str]:
    """The stages among the targets of a run; without a target all stages."""
    return [stage for stage in STAGES if stage in targets or not targets or "all" in targets]
