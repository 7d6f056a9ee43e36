"""A training that lasts until validation accuracy no longer rises (docs/methods.md 3.2)."""

from collections.abc import Sequence
from dataclasses import dataclass

from minarch.training.repeats import Repeat, Task


@dataclass(frozen=True, kw_only=True)
class Patience:
    """When a training ends, and when its learning rate falls: both count epochs in a row that bring no higher
    validation accuracy than the best before them.
    """

    patience: int  # of which the training ends
    decay: float  # the rate is multiplied by it ...
    decay_after: int  # ... after so many, and after so many again

    def stale(self, accuracies: Sequence[float]) -> int:
        """Epochs since the best one, the first of equal ones."""
        return len(accuracies) - 1 - accuracies.index(max(accuracies))

    def factors(self, accuracies: Sequence[float]) -> list[float]:
        """What the rate is multiplied by in every epoch so far, and in the next one."""
        factors, best, stale = [1.0], -1.0, 0
        for accuracy in accuracies:
            best, stale = (accuracy, 0) if accuracy > best else (best, stale + 1)
            falls = stale > 0 and stale % self.decay_after == 0
            factors.append(factors[-1] * (self.decay if falls else 1.0))
        return factors


@dataclass(frozen=True, kw_only=True)
class Converging(Task):
    """The training of one depth, for at most the recipe's epochs."""

    patience: Patience
    measures_train: bool = False

    def ended(self, result: Repeat) -> bool:
        return self.patience.stale(accuracies(result)) >= self.patience.patience

    def factor(self, result: Repeat) -> float:
        return self.patience.factors(accuracies(result))[-1]


def accuracies(result: Repeat) -> list[float]:
    """The validation accuracy of every epoch so far."""
    return [row[-1] for row in result.curve]
