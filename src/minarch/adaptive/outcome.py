"""What a search came to: the smallest reliable network, and the larger ones that pruning may make smaller still."""

from collections.abc import Iterator
from dataclasses import dataclass

from minarch.adaptive.decision import BLOCK, Proven, Train
from minarch.adaptive.posterior import Posterior
from minarch.adaptive.search import Goal, Next, Wait
from minarch.adaptive.trials import Record

PARENT = 2.0  # times the parameters of the answer: of which pruning by half makes one of its size


@dataclass(frozen=True)
class Answer:
    """A size all of whose trainings, or all but a few, reach the goal: proven, or as far as the time went."""

    family: str
    step: int
    reached: int
    trainings: int


def answers(record: Record, decided: Next, goal: Goal) -> list[Answer]:
    """The answer of every family that has one, the smallest first; only those that are proven where there are any.

    Where the time ended before anything was proven, a family's answer is its smallest size of which all trainings, at
    least two, reached the goal, and that is as likely as not reliable.
    """
    target = goal.accuracy(record.families)
    proven, others = list[Answer](), list[Answer]()
    for family, verdict in decided.items():
        reached, trained = record.families[family].counts(target)
        if isinstance(verdict, Proven):
            proven.append(Answer(family, verdict.step, reached[verdict.step], trained[verdict.step]))
        elif isinstance(verdict, Train | Wait):
            likely = Posterior(reached, trained).median
            good = [step for step, done in enumerate(trained) if reached[step] == done >= BLOCK and step >= likely]
            others += [Answer(family, step, reached[step], trained[step]) for step in good[:1]]
    return sorted(proven or others, key=lambda answer: record.size(answer.family, answer.step).parameters)


def parents(record: Record, answer: Answer) -> Iterator[int]:
    """The steps of an answer's family that go on to pruning: itself, and the next of twice its parameters."""
    yield answer.step
    sizes = record.families[answer.family].sizes
    larger = (step for step, size in enumerate(sizes) if size.parameters >= PARENT * sizes[answer.step].parameters)
    yield from list(larger)[:1]
