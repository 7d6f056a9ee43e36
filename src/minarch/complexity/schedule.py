"""The phases of a training with gates; light to import, as the plan does."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Epochs: of all, those before gates move, and the last ones, after they are fixed."""

    epochs: int
    delay: int
    settle: int

    @classmethod
    def of(cls, epochs: int, delay: float, settle: float) -> "Schedule":
        """The schedule of shares of the epochs; at least one settles."""
        return cls(epochs=epochs, delay=round(delay * epochs), settle=max(1, round(settle * epochs)))

    @property
    def moving(self) -> int:
        """Epochs in which gates move."""
        return self.epochs - self.delay - self.settle
