"""What stage prune says of each repeat that it cut: the contract of networks, and what is pruning's own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from minarch.contract import NetworkRecord
from minarch.data.tensors import Split
from minarch.models.cost import macs, parameters
from minarch.models.families import Spec
from minarch.models.network import Network
from minarch.models.weights import finite
from minarch.pruning import STEPS
from minarch.pruning.structured import GroupSize
from minarch.training.evaluate import evaluate


class PrunedNetwork(NetworkRecord):
    """An entry of results.json."""

    parameters_before: int | None
    macs_before: int | None
    removed_share: float | None
    groups: list[GroupSize]
    validation: dict[str, float | None]  # step -> accuracy


@dataclass(frozen=True)
class Accuracy:
    """Shares of right predictions; None: there is no network, or it is not finite."""

    validation: float | None = None
    test: float | None = None

    @classmethod
    def of(cls, network: nn.Module, splits: Mapping[str, Split]) -> "Accuracy":
        """The accuracies of a network on the validation and the test split."""
        if not finite(network):
            return cls()
        return cls(evaluate(network, splits["validation"]).accuracy, evaluate(network, splits["test"]).accuracy)


@dataclass(frozen=True)
class Pruned:
    """What became of a repeat.

    `original` is its entry in the results of the trained model; `steps` holds those of STEPS that were reached. Where
    nothing finite was there to be cut, `network` and `removed_share` are None.
    """

    original: NetworkRecord
    status: str
    steps: Mapping[str, Accuracy]
    network: Network | None = None
    removed_share: float | None = None
    groups: Sequence[GroupSize] = ()

    def entry(self) -> PrunedNetwork:
        """The repeat's entry in results.json."""
        spec: Spec | None = None
        cost: dict[str, int | None] = {"parameters": None, "macs": None}
        if self.network is not None:
            spec = self.network.spec()
            cost = {"parameters": parameters(self.network), "macs": macs(self.network, spec["shape"])}
        return {
            "repeat": self.original["repeat"],
            "status": self.status,
            "spec": spec,
            "parameters": cost["parameters"],
            "macs": cost["macs"],
            "validation_accuracy": self._at("finetuned").validation,
            "parameters_before": self.original["parameters"],
            "macs_before": self.original["macs"],
            "removed_share": self.removed_share,
            "groups": list(self.groups),
            "validation": {step: self._at(step).validation for step in STEPS},
        }

    def tested(self) -> dict[str, Any]:
        """The repeat's entry in test.json: the contract's, and the accuracy at each step."""
        accuracies = {step: self._at(step).test for step in STEPS}
        return {"repeat": self.original["repeat"], "accuracy": accuracies["finetuned"], **accuracies}

    def _at(self, step: str) -> Accuracy:
        return self.steps.get(step, Accuracy())
