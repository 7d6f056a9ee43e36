"""What training made of a repeat, whatever the way: its network, its epochs and what they cost."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from minarch.complexity.structure import Structure
from minarch.complexity.train import GatedRepeat
from minarch.models.cost import macs, parameters
from minarch.models.network import Network
from minarch.models.weights import finite
from minarch.training import FORWARD_PASSES
from minarch.training.repeats import Repeat, Task


class Epoch(NamedTuple):
    """An epoch; MACs are those of one image's forward pass."""

    train_macs: int  # of the structure that was trained
    validation_loss: float
    validation_accuracy: float
    parameters: float  # with gates those that are expected
    macs: float


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A repeat. Of a network that is not finite the accuracy is None.

    `theta` are the chances of its gates (minarch.complexity.train); `more` stands beside the contract's fields.
    """

    repeat: int
    seed: int
    status: str
    network: Network | None = None
    validation_accuracy: float | None = None
    epochs: list[Epoch] = field(default_factory=list)
    theta: list[tuple[Any, ...]] = field(default_factory=list)
    more: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, task: Task, result: Repeat, before: int = 0) -> "Outcome":
        """A plain training, which `before` so many epochs were another's."""
        epochs = [Epoch(task.macs, loss, right, task.parameters, task.macs) for *_, loss, right in result.curve]
        return cls._judged(task, result, result.networks["final"].eval(), before, epochs=epochs)

    @classmethod
    def of_gated(cls, task: Task, result: GatedRepeat, structure: Structure) -> "Outcome":
        """A training with gates, whose `curve` are its last epochs."""
        assert result.network is not None, "every training leaves a network"
        measured = zip(result.costs, result.accuracies, strict=True)
        epochs = [Epoch(trained, *row, *expected) for (trained, *expected), row in measured]
        units, branches = (
            zip(structure.groups, result.groups, strict=True),
            zip(structure.branches, result.branches, strict=True),
        )
        more = {
            "deterministic": result.deterministic,
            "groups": [{"name": g.name, "kind": g.kind, "before": g.units, "after": left} for g, left in units],
            "layers": [{"name": branch.name, "kept": kept} for branch, kept in branches],
        }
        before = len(epochs) - len(result.curve)
        return cls._judged(task, result, result.network, before, epochs=epochs, theta=result.theta, more=more)

    @classmethod
    def _judged(cls, task: Task, result: Repeat, network: Network, before: int, **more: Any) -> "Outcome":
        accuracy = result.curve[-1][3] if finite(network) else None
        status = "diverged" if accuracy is None else "collapsed" if accuracy <= task.chance else "ok"
        return cls(
            repeat=result.repeat,
            seed=result.seed,
            status=status,
            network=network,
            validation_accuracy=accuracy,
            **more,
        )

    def entry(self, task: Task) -> dict[str, Any]:
        """The repeat's entry in results.json; the task says on how many images it was trained and measured."""
        network = self.network
        spec = None if network is None else network.spec()
        forward = sum(epoch.train_macs for epoch in self.epochs)
        return {
            "repeat": self.repeat,
            "seed": self.seed,
            "status": self.status,
            "spec": spec,
            "parameters": None if network is None else parameters(network),
            "macs": None if network is None or spec is None else macs(network, spec["shape"]),
            "validation_accuracy": self.validation_accuracy,
            "cost": {
                "training": FORWARD_PASSES * forward * len(task.train),
                "validation": forward * len(task.validation),
            },
            **self.more,
        }
