"""Progressive depth expansion: the first depth that meets a target, its layers grown or new (docs/methods.md 3.2).

All repeats are at one depth at a time, so that they can be trained stacked; those that met the target stay behind.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from minarch.data.tensors import Split
from minarch.depth.converge import Converging, Patience, accuracies
from minarch.depth.tower import Tower, joint_loss
from minarch.models.build import build
from minarch.models.cost import macs
from minarch.models.families import Spec
from minarch.models.network import Network
from minarch.models.weights import finite
from minarch.training import FORWARD_PASSES
from minarch.training.blocks import train_repeats
from minarch.training.loop import Recipe, train
from minarch.training.repeats import Repeat, derive_seed
from minarch.training.strategy import Kind, Strategy, choose

EDGE = 1e-9  # of an accuracy, as in the report: rounding must not decide whether a target is met


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What is searched: depths with their structures, the data, and how one depth is trained.

    `identity` is what seeds derive from. It does not name the depth: a repeat begins with the same layers, where they
    are initialised first, and sees the images in the same order at every depth and by every method.
    """

    specs: Mapping[int, Spec]
    identity: dict[str, Any]
    train: Split
    validation: Split
    recipe: Recipe
    later_rate: float  # the learning rate from the second depth on
    patience: Patience
    kind: Kind  # of strategy
    device: torch.device


@dataclass(frozen=True, kw_only=True)
class Method:
    """From where each depth is trained.

    `restart` "warmup": from the layers after the warm-up, of `warmup` epochs of all depths together; "continue": the
    same, but the layers of the depth before go on as they were in their best epoch; "scratch": from new weights.
    """

    restart: str
    warmup: int
    rate: float  # of the warm-up


@dataclass(frozen=True, kw_only=True)
class Training:
    """The training of a repeat at a depth; MACs are those of all its epochs."""

    depth: int
    curve: list[tuple[float, float, float]]  # of every epoch: validation loss, validation accuracy, learning rate
    best_epoch: int
    validation_accuracy: float
    epochs_to_target: int | None
    training_macs: int
    validation_macs: int


@dataclass(kw_only=True)
class Search:
    """The search of one repeat; `network` is that of the best depth so far, of equal ones the shallower."""

    repeat: int
    seed: int
    tower: Tower | None = None  # as the warm-up left it
    warmup_macs: int = 0
    warmup_validation_macs: int = 0
    warmup_accuracies: dict[int, float] = field(default_factory=dict)
    trainings: list[Training] = field(default_factory=list)
    latest: Network | None = None
    network: Network | None = None
    depth: int = 0
    met: bool = False

    @property
    def validation_accuracy(self) -> float:
        return max(training.validation_accuracy for training in self.trainings)

    @property
    def cost(self) -> dict[str, int]:
        """MACs by part; fine-tuning is what follows the epoch in which the last depth first met the target."""
        parts = {"warmup": self.warmup_macs, "search": 0, "fine_tuning": 0, "validation": self.warmup_validation_macs}
        for training in self.trainings:
            epochs = len(training.curve)
            searched = training.epochs_to_target or epochs
            parts["search"] += training.training_macs // epochs * searched
            parts["fine_tuning"] += training.training_macs // epochs * (epochs - searched)
            parts["validation"] += training.validation_macs
        return parts


def search(problem: Problem, repeats: Sequence[int], method: Method, threshold: float) -> tuple[list[Search], Strategy]:
    """Search for the first depth whose best validation accuracy reaches `threshold`, for every repeat.

    A threshold that no depth reaches is no error: all are tried, and the best network is kept.

    Returns:
        The searches, and how the last depth was trained.
    """
    searches = [Search(repeat=repeat, seed=derive_seed(problem.identity, repeat)) for repeat in repeats]
    if method.restart != "scratch":
        for one in searches:
            warm_up(problem, one, method)
    for position, depth in enumerate(sorted(problem.specs)):
        going = [one for one in searches if not one.met]
        if not going:
            break
        rate = problem.later_rate if position else problem.recipe.learning_rate
        task = Converging(
            spec=problem.specs[depth],
            identity=problem.identity,
            train=problem.train,
            validation=problem.validation,
            recipe=replace(problem.recipe, learning_rate=rate),
            patience=problem.patience,
            starts={one.repeat: _start(problem, one, depth, method.restart) for one in going},
        )
        strategy = choose(task, len(repeats), problem.kind, problem.device)
        results = train_repeats(task, [one.repeat for one in going], strategy)
        for one, result in zip(going, results, strict=True):
            _take(one, depth, task, result, threshold)
    return searches, strategy


def warm_up(problem: Problem, one: Search, method: Method) -> None:
    """Train all depths of a repeat together, and keep the tower as it is then."""
    torch.default_generator.manual_seed(one.seed)
    tower = Tower(problem.specs).to(problem.device)
    if method.warmup:
        train_split, validation = problem.train.to(problem.device), problem.validation.to(problem.device)
        recipe = replace(problem.recipe, epochs=method.warmup, learning_rate=method.rate)
        order = torch.Generator().manual_seed(derive_seed(problem.identity | {"order": "warm-up"}, one.repeat))
        train(tower, train_split, recipe, order, loss=joint_loss)
        one.warmup_accuracies = tower.accuracies(validation)
        of_one = macs(tower, validation.images.shape[1:])
        one.warmup_macs = FORWARD_PASSES * of_one * len(problem.train) * method.warmup
        one.warmup_validation_macs = of_one * len(problem.validation)
    one.tower = tower.cpu()


def _start(problem: Problem, one: Search, depth: int, restart: str) -> Network:
    """The network from which a repeat's training at a depth starts."""
    if one.tower is None:
        torch.default_generator.manual_seed(one.seed)
        return build(problem.specs[depth])
    start = one.tower.copy(depth)
    if restart == "continue" and one.latest is not None and finite(one.latest):
        heads = tuple(f"{name}." for name in start.HEAD)
        layers = {name: v for name, v in one.latest.state_dict().items() if not name.startswith(heads)}
        start.load_state_dict(layers, strict=False)  # the last layer and the head stay as after the warm-up
    return start


def _take(one: Search, depth: int, task: Converging, result: Repeat, threshold: float) -> None:
    """Take in what a training at a depth brought."""
    reached = accuracies(result)
    rates = [task.recipe.learning_rate * factor for factor in task.patience.factors(reached)]
    training = Training(
        depth=depth,
        curve=[(row[-2], row[-1], rate) for row, rate in zip(result.curve, rates, strict=False)],
        best_epoch=result.best_epoch,
        validation_accuracy=max(reached),
        epochs_to_target=next((e for e, value in enumerate(reached, 1) if value >= threshold - EDGE), None),
        training_macs=FORWARD_PASSES * task.macs * len(task.train) * len(reached),
        validation_macs=task.macs * len(task.validation) * len(reached),
    )
    one.latest = result.networks["best"]
    if one.network is None or training.validation_accuracy > one.validation_accuracy:
        one.network, one.depth = one.latest, depth
    one.trainings.append(training)
    one.met = training.epochs_to_target is not None
