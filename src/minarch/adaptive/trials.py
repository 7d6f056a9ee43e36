"""The trainings of an adaptive sweep that are finished, read from the items of stage sweep."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from minarch.adaptive.ladder import Size
from minarch.analysis.intervals import EDGE
from minarch.files import read_json
from minarch.flow.plan import Plan
from minarch.flow.seal import RECORD


@dataclass(frozen=True)
class Trials:
    """Of one family: its ladder, and by step the validation accuracies (fractions) at the last epoch of its trainings.

    That epoch was chosen by nothing. One that diverged counts as 0. The answer is one of the first `steps` sizes;
    larger ones only tell what the best is.
    """

    sizes: Sequence[Size]
    steps: int
    accuracies: dict[int, list[float]] = field(default_factory=dict)

    def trained(self, step: int) -> int:
        """How many trainings of a step are finished."""
        return len(self.accuracies.get(step, ()))

    def mean(self, step: int) -> float:
        """Mean validation accuracy of a step that was trained."""
        return float(np.mean(self.accuracies[step]))

    def counts(self, target: float) -> tuple[list[int], list[int]]:
        """How many trainings of each of the S `steps` reach the target, and how many there are: both [S]."""
        trained = [np.array(self.accuracies.get(step, ())) for step in range(self.steps)]
        return [int((values >= target - EDGE).sum()) for values in trained], [len(values) for values in trained]

    @property
    def total(self) -> int:
        """How many trainings are finished."""
        return sum(map(len, self.accuracies.values()))


@dataclass(frozen=True)
class Record:
    """All finished trainings: by family, and the seconds that they took beside those that were estimated."""

    families: dict[str, Trials]
    seconds: float
    estimated_s: float

    def size(self, family: str, step: int) -> Size:
        """A step of a family's ladder."""
        return self.families[family].sizes[step]

    @property
    def pace(self) -> float:
        """Measured seconds per estimated second; 1 before anything was trained."""
        return self.seconds / self.estimated_s if self.estimated_s else 1.0


def untrained(ladders: Mapping[str, Sequence[Size]], most: float) -> Record:
    """No training at all.

    Args:
        most: bytes that the answer's file may have.
    """
    families = {family: Trials(sizes, sum(size.bytes <= most for size in sizes)) for family, sizes in ladders.items()}
    return Record(families, 0.0, 0.0)


def read_record(plan: Plan, ladders: Mapping[str, Sequence[Size]], most: float) -> Record:
    """Read what is finished of a study's sweep; sizes that are on no ladder are passed over.

    Args:
        most: bytes that the answer's file may have.
    """
    families = untrained(ladders, most).families
    steps = {(family, size.kind.label): step for family, sizes in ladders.items() for step, size in enumerate(sizes)}
    measured = estimated = 0.0
    for item in plan.items("sweep").values():
        folder = plan.folder(item.path)
        if not (folder / RECORD).exists():
            continue
        results = read_json(folder / "results.json")
        label = results["architecture"].partition("-")[2]
        step = steps.get((results["family"], label))
        if step is None:
            continue
        trials = families[results["family"]]
        finals = [run["final"]["validation_accuracy"] or 0.0 for run in results["repeats"]]
        trials.accuracies.setdefault(step, []).extend(finals)
        measured += sum(read_json(folder / "timing.json")["seconds"])
        estimated += plan.study.train.epochs * trials.sizes[step].epoch_s * len(finals)
    return Record(families, measured, estimated)
