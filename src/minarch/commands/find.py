"""`minarch find`: the smallest network that learns one's own images reliably.

It searches by an adaptive sweep, whose trainings are ordinary items of a study that it writes, and then runs that
study to its report: pruning, quantization, front, recommendation.
"""

import signal
import sys
from math import inf, isfinite
from pathlib import Path

from rich.table import Table

from minarch.adaptive.clock import Clock
from minarch.adaptive.decision import Beyond, Proven, Train, Undecided
from minarch.adaptive.document import StudyFile
from minarch.adaptive.outcome import Answer, answers, parents
from minarch.adaptive.rounds import Rounds, Wanted, listed
from minarch.adaptive.running import run
from minarch.adaptive.search import Goal, Left, Next, Wait, best
from minarch.adaptive.trials import Record
from minarch.analysis.reliability import proven_share
from minarch.commands.assumed import Assumed
from minarch.commands.estimates import estimated
from minarch.commands.output import console
from minarch.commands.quantities import count
from minarch.commands.recommend import recommend
from minarch.commands.units import duration
from minarch.errors import UserError

WITHIN = 1.0  # percentage points below the best, where nothing else is said
REPORT_S = 60.0  # kept of the budget for exports and the report
UNSURE = 1.3  # how much longer than estimated the run of the whole study may take
CONFIDENCE = 0.95  # as convergence.confidence


def find(
    images: str,
    *,
    within: float | None = None,
    target: float | None = None,
    max_bytes: str | None = None,
    budget: str | None = None,
    trainings: int = 10,
) -> None:
    """Search, prove, compress and report; what an earlier search trained counts.

    Args:
        images: a folder of images, or a data set by name.
        within: percentage points of mean validation accuracy below the best network; None: any, or WITHIN where there
            is no target.
        target: validation accuracy in (0, 1) that every training must reach; None: any.
        max_bytes: of the network's file, such as "20k"; None: any.
        budget: time for all of it, such as "30m"; None: any.
        trainings: that prove a size if all of them succeed.

    Raises:
        UserError: an impossible value, a training failed, or no size is reliable.
    """
    clock, goal = Clock(budget), _goal(within, target, trainings)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # Snakemake is stopped with this process
    most = inf if max_bytes is None else count("--max-bytes", max_bytes)
    if not Path("Snakefile").is_file():
        raise UserError("there is no Snakefile here; allowed: the folder of a checkout of minarch")
    study = StudyFile(images)
    rounds = Rounds(study, goal, clock, most=most, reserve_s=REPORT_S)
    for family, largest in rounds.left_out.items():
        print(f"{family}: a training above {largest:,} parameters takes too much of the budget", file=sys.stderr)
    record, decided = rounds.run(lambda *known: _say(rounds, *known))
    if not any(trials.total for trials in record.families.values()):
        raise UserError(f"--budget: {budget} is over before any training would be; allowed: more")
    reliable = answers(record, decided, goal)
    console(120).print(_table(record, decided, reliable, goal))
    if not reliable:
        raise UserError(
            f"{study.path}: no size was reliable at {goal.accuracy(record.families):.2%}; allowed: a lower goal, more"
            " bytes, a larger budget, or more train.epochs in that file"
        )
    _finish(rounds, record, reliable)
    recommend(str(study.path), max_bytes=max_bytes, max_drop=None if max_bytes is None else 100.0)


def _goal(within: float | None, target: float | None, trainings: int) -> Goal:
    if within is not None and not 0 <= within < 100:
        raise UserError(f"--within: {within:g} is not allowed; allowed: 0 to below 100 (percentage points)")
    if target is not None and not 0 < target < 1:
        raise UserError(f"--target: {target:g} is not allowed; allowed: a share in (0, 1)")
    if not 2 <= trainings <= 1000:
        raise UserError(f"--trainings: {trainings} is not allowed; allowed: 2 to 1000")
    if within is None and target is None:
        within = WITHIN
    return Goal(target, None if within is None else within / 100, trainings)


def _finish(rounds: Rounds, record: Record, reliable: list[Answer]) -> None:
    """Run the whole study, with pruning where there is time for it."""
    study, goal, clock = rounds.study, rounds.goal, rounds.clock
    counted = min(answer.trainings for answer in reliable)
    success = {"target": goal.accuracy(record.families), "trainings": min(counted, goal.proof)}
    if not 0 < success["target"] < 1:
        raise UserError(f"--within: nothing lies so far below the best, {best(record.families):.2%}; allowed: less")
    wanted: Wanted = {}
    for answer in reliable:
        wanted[answer.family] = dict.fromkeys(parents(record, answer), counted)
    further = {family: [record.size(family, step).knobs for step in steps] for family, steps in wanted.items()}
    drop = {"max_drop_points": 100 * goal.margin} if goal.margin else {}
    study.write(listed(record, wanted), convergence=success, representatives={"further": further}, aggregate=drop)
    if isfinite(clock.budget):
        plan = Assumed(str(study.path))
        trained = record.pace * sum(item.resources.seconds for item in plan.items("sweep").values())
        stages = estimated(plan, {"sweep": trained})
        after = sum(stage.elapsed(rounds.cores) for stage in stages if stage.stage != "sweep")
        if rounds.seconds(record, wanted) + UNSURE * after > clock.left:
            print("no time is left for pruning", file=sys.stderr)
            study.write(listed(record, {}), representatives={"further": None})
    if not run(study.path, within_s=clock.left):
        raise UserError(f"{study.path}: the budget ended before the report; run again to finish it")


def _say(rounds: Rounds, record: Record, decided: Next, wanted: Wanted) -> None:
    """One line: what is known, what is trained next, and the time."""
    total = sum(trials.total for trials in record.families.values())
    parts = [
        f"{family} {record.size(family, verdict.step).parameters:,} is proven"
        for family, verdict in decided.items()
        if isinstance(verdict, Proven)
    ]
    parts += [
        f"next {family} {record.size(family, step).parameters:,} x {trainings - record.families[family].trained(step)}"
        for family, steps in wanted.items()
        for step, trainings in steps.items()
    ]
    clock, guess = rounds.clock, duration(rounds.seconds_left(record, decided))
    of_budget = f" (budget: {duration(max(0, clock.left))})" if isfinite(clock.budget) else ""
    said = ", ".join(parts if wanted else [*parts, "the search ends"])
    times = f"{total} trainings in {duration(clock.spent)}, about {guess} left{of_budget}"
    print(f"{times}: {said}", file=sys.stderr, flush=True)


def _table(record: Record, decided: Next, reliable: list[Answer], goal: Goal) -> Table:
    """One row per family: its smallest reliable size and what proves it, or why it has none."""
    target = goal.accuracy(record.families)
    table = Table(
        title=f"smallest sizes of which trainings reach {target:.2%} on validation images",
        caption="proven of a size that is named beforehand: a search that chose it by them is a little optimistic",
        title_justify="left",
        caption_justify="left",
    )
    for name in ("family", "parameters", "reached", f"proven, {CONFIDENCE:.0%}", "trainings", ""):
        table.add_column(name, justify="left" if name in ("family", "") else "right")
    sizes = {answer.family: answer for answer in reliable}
    for family, verdict in decided.items():
        total = f"{record.families[family].total}"
        if answer := sizes.get(family):
            share = float(proven_share(answer.reached, answer.trainings, CONFIDENCE))
            counts = f"{answer.reached} of {answer.trainings}", f"{share:.0%} of trainings"
            note = "" if isinstance(verdict, Proven) else "not proven, the time was over"
            size = record.size(family, answer.step)
            table.add_row(family, f"{size.parameters:,}", *counts, total, f"{size.kind.label} {note}")
        else:
            table.add_row(family, "", "", "", total, _why(verdict))
    return table


def _why(verdict: Train | Wait | Proven | Beyond | Undecided | Left) -> str:
    if isinstance(verdict, Left):
        return f"left: surely needs more than {verdict.times:g} times the parameters of another"
    if isinstance(verdict, Undecided):
        return f"after {verdict.trainings} trainings some of too many sizes fail; a lower goal may be reliable"
    if isinstance(verdict, Beyond):
        return "no size that may be the answer is reliable"
    return "undecided, the time was over"
