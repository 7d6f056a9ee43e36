"""Training of what is left after a cut, from the weights that stayed, earlier or new ones; each step is measured."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch

from minarch.contract import NetworkRecord, Networks
from minarch.data.tensors import Split
from minarch.models.build import build
from minarch.models.network import Network
from minarch.pruning.cut import cut
from minarch.pruning.records import Accuracy
from minarch.pruning.recovery import at_epoch, reestimate, train_on
from minarch.pruning.structured import Cut
from minarch.training.loop import Recipe
from minarch.training.repeats import Task, derive_seed
from minarch.training.strategy import Strategy

Retrained = tuple[Network, dict[str, Accuracy]]  # what was trained, and the accuracy at each step after the cut


@dataclass(frozen=True)
class Retraining:
    """The training of what is left of the networks of `model`, which were trained before.

    `weights` says from which it starts: "trained", those that stayed; "rewound", those of the model after `rewind`
    epochs; "fresh", initialised again. `seed` decides these and the order of the images.
    """

    model: Networks
    recipe: Recipe
    seed: int
    weights: str
    rewind: int
    strategy: Strategy

    @classmethod
    def of(cls, config: Mapping[str, Any], model: Networks, strategy: Strategy) -> "Retraining":
        """The training that the configuration of an item asks for."""
        training = config["training"]
        recipe = replace(Recipe.of(training), behind=config["rewind"])
        return cls(model, recipe, training["seed"], config["weights"], config["rewind"], strategy)

    def run(self, cuts: Mapping[int, Cut], splits: dict[str, Split]) -> dict[int, Retrained]:
        """Train what is left of the repeats, those of one structure together.

        All architectures and levels see the images in the same order in the same repeat.

        Args:
            cuts: repeat -> what is left of it.
        """
        originals = {entry["repeat"]: entry for entry in self.model["repeats"]}
        reached, starts = dict[int, dict[str, Accuracy]](), dict[int, Network]()
        for repeat, smaller in cuts.items():
            reached[repeat] = steps = {"pruned": Accuracy.of(smaller.network, splits)}
            estimated = reestimate(smaller.network, splits["train"])
            steps["reestimated"] = Accuracy.of(smaller.network, splits) if estimated else steps["pruned"]
            starts[repeat] = self._start(smaller, originals[repeat], splits)
        networks = train_on(starts, splits, self.recipe, self.seed, self.strategy)
        return {
            repeat: (network, reached[repeat] | {"finetuned": Accuracy.of(network, splits)})
            for repeat, network in networks.items()
        }

    def _start(self, smaller: Cut, original: NetworkRecord, splits: dict[str, Split]) -> Network:
        """The network from which training starts."""
        repeat = original["repeat"]
        if self.weights == "fresh":
            spec = smaller.network.spec()
            torch.manual_seed(derive_seed({"fresh": self.seed, **spec}, repeat))
            return build(spec)
        if self.weights == "rewound":
            assert original["spec"] is not None, "what was cut was trained"
            model = self.model
            identity: dict[str, Any] = {"dataset": model["dataset"], "family": model["family"], "knobs": model["knobs"]}
            identity["seed"] = self.seed
            whole = replace(self.recipe, behind=0, epochs=self.rewind + self.recipe.epochs)
            task = Task(original["spec"], identity, splits["train"], splits["validation"], whole)
            return cut(at_epoch(task, repeat, original["seed"], self.rewind), smaller.groups, smaller.masks)
        return smaller.network
