"""The rounds of an adaptive sweep: each trains a few networks of every family that has no verdict yet."""

import os
from collections.abc import Callable, Mapping
from typing import Any

from minarch.adaptive.clock import Clock
from minarch.adaptive.decision import BLOCK, Train
from minarch.adaptive.document import StudyFile
from minarch.adaptive.ladder import ladders
from minarch.adaptive.running import run
from minarch.adaptive.search import Goal, Next, plan_next
from minarch.adaptive.trials import Record, read_record, untrained
from minarch.errors import UserError
from minarch.flow.plan import Plan

TYPICAL = 20  # trainings of a family (docs/studies.md)
SHARE_OF_TRAINING = 1 / 10  # of the budget that a single training may take
Wanted = dict[str, dict[int, int]]  # family -> step -> trainings in all
Listed = dict[str, list[tuple[dict[str, Any], int]]]  # family -> knobs of a size, and its trainings


class Rounds:
    """Trains until every family has its verdict, or no time is left for another round."""

    def __init__(self, study: StudyFile, goal: Goal, clock: Clock, *, most: float, reserve_s: float) -> None:
        """Plan a search; `left_out` tells the families whose larger sizes the budget leaves out, and their largest.

        Args:
            most: bytes that the answer's file may have.
            reserve_s: seconds of the budget that are kept for what follows the search.

        Raises:
            UserError: no size trains in so little time, or is so small.
        """
        if clock.budget <= 2 * reserve_s:
            raise UserError(f"--budget: {clock.budget:g} s is not allowed; allowed: more than {2 * reserve_s:g} s")
        self.study, self.goal, self.clock, self.most, self.reserve_s = study, goal, clock, most, reserve_s
        self.cores, self.epochs = os.cpu_count() or 1, int(study.values["train"]["epochs"])
        longest = SHARE_OF_TRAINING * clock.budget
        whole = ladders(study.shape, study.classes, study.images)
        affordable = {
            family: [size for size in sizes if self.epochs * size.epoch_s <= longest] for family, sizes in whole.items()
        }
        self.ladders = {family: sizes for family, sizes in affordable.items() if sizes}
        self.left_out = {
            family: affordable[family][-1].parameters if affordable[family] else 0
            for family, sizes in whole.items()
            if len(affordable[family]) < len(sizes)
        }
        if not any(trials.steps for trials in untrained(self.ladders, most).families.values()):
            raise UserError(
                "--budget, --max-bytes: no network trains in a tenth of the time, or is so small; allowed: more"
            )

    def run(self, say: Callable[[Record, Next, Wanted], None]) -> tuple[Record, Next]:
        """Search.

        Args:
            say: is told before each round, and at the end, what is known and what is trained next.
        """
        while True:
            record = self.record()
            decided = plan_next(record.families, self.goal)
            wanted = self._affordable(record, decided)
            say(record, decided, wanted)
            if not wanted:
                return record, decided
            self.study.write(listed(record, wanted), representatives={"further": None})
            run(self.study.path, "sweep", within_s=self.clock.left - self.reserve_s)

    def record(self) -> Record:
        """What is trained so far, also by an earlier search."""
        if not self.study.listed:
            return untrained(self.ladders, self.most)
        return read_record(Plan(str(self.study.path)), self.ladders, self.most)

    def seconds(self, record: Record, wanted: Wanted) -> float:
        """Estimated seconds of the wanted trainings that are not finished, at the pace so far."""
        alone = list[float]()
        for family, steps in wanted.items():
            trials = record.families[family]
            for step, trainings in steps.items():
                alone += [trials.sizes[step].epoch_s] * (trainings - trials.trained(step))
        return self.epochs * record.pace * max(sum(alone) / self.cores, max(alone, default=0.0))

    def seconds_left(self, record: Record, decided: Next) -> float:
        """A guess at the seconds to the report: as many trainings of every family as simulated searches took."""
        alone = 0.0
        for family, following in decided.items():
            if isinstance(following, Train):
                trainings = max(BLOCK, TYPICAL - record.families[family].total)
                alone += trainings * record.size(family, following.step).epoch_s
        return self.epochs * record.pace * alone / self.cores + self.reserve_s

    def _affordable(self, record: Record, decided: Next) -> Wanted:
        """What to train next of the families without a verdict, the smallest sizes first, as far as there is time."""
        following = {family: verdict for family, verdict in decided.items() if isinstance(verdict, Train)}
        wanted = Wanted()
        for family in sorted(following, key=lambda family: record.size(family, following[family].step).parameters):
            more = wanted | {family: {following[family].step: following[family].trainings}}
            if self.seconds(record, more) + self.reserve_s > self.clock.left:
                break
            wanted = more
        return wanted


def listed(record: Record, wanted: Mapping[str, Mapping[int, int]]) -> Listed:
    """Every size that is trained or wanted, with its number of trainings."""
    families = Listed()
    for family, trials in record.families.items():
        of_family = wanted.get(family, {})
        counts = {step: max(trials.trained(step), of_family.get(step, 0)) for step in range(len(trials.sizes))}
        if sizes := [(trials.sizes[step].knobs, trainings) for step, trainings in counts.items() if trainings]:
            families[family] = sizes
    return families
