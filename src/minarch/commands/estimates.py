"""How long every stage of a study takes: what `minarch plan` tells of a whole run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.table import Table

from minarch.commands.assumed import Assumed
from minarch.commands.units import duration
from minarch.flow.stages import STAGES, waits_for

NOTE = "sweep: timed; the others: their own estimates, too long where a training may end early or is not needed"


@dataclass(frozen=True)
class Estimate:
    """Of a stage its number of items and the seconds that they take, one after the other, and the longest of them.

    `rests_on` are the stages that will decide which items it has: until they have, that is assumed.
    """

    stage: str
    items: int
    seconds: float
    longest: float
    rests_on: Sequence[str]

    def elapsed(self, cores: int) -> float:
        """Seconds with so many items at a time: no core is ever idle, but an item has only one."""
        return max(self.seconds / cores, self.longest)


def estimated(plan: Assumed, seconds: Mapping[str, float]) -> list[Estimate]:
    """An estimate per stage, in order.

    A stage that was not timed is estimated by the resources of its items, which are right in proportion only. So they
    are scaled: by what the stages that were timed take, as a share of what their items' resources say.

    Args:
        seconds: stage -> the seconds of all its items, timed on this machine.
    """
    resources = {stage: [item.resources.seconds for item in plan.items(stage).values()] for stage in STAGES}
    timed = sum(sum(resources[stage]) for stage in seconds)
    scale = sum(seconds.values()) / timed if timed else 1.0
    made = []
    for stage, items in resources.items():
        factor = seconds[stage] / sum(items) if stage in seconds and items else scale
        rests_on = [] if STAGES[stage].single else [name for name in waits_for(stage) if name in plan.assumptions]
        longest = factor * max(items, default=0.0)
        made.append(Estimate(stage, len(items), factor * sum(items), longest, rests_on))
    return made


def table(estimates: Sequence[Estimate], cores: int) -> Table:
    """One row per stage, and their sum."""
    shown = Table(title="all stages", title_justify="left", caption=NOTE, caption_justify="left")
    shown.add_column("stage")
    for name in ("items", "one at a time", f"{cores} at a time"):
        shown.add_column(name, justify="right")
    shown.add_column("not known before")
    for stage in estimates:
        count = f"{'about ' * bool(stage.rests_on)}{stage.items:,}"
        times = duration(stage.seconds), duration(stage.elapsed(cores))
        shown.add_row(stage.stage, count, *times, ", ".join(stage.rests_on))
    shown.add_section()
    seconds, elapsed = (sum(times) for times in zip(*((s.seconds, s.elapsed(cores)) for s in estimates), strict=True))
    shown.add_row("total", "", duration(seconds), duration(elapsed), "")
    return shown
