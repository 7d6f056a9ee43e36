"""A repeat of an architecture: its seed, initialisation, order of images and what is recorded of its training."""

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch

from minarch.data.tensors import Split
from minarch.errors import UserError
from minarch.models.build import build
from minarch.models.cost import macs
from minarch.models.families import Spec
from minarch.models.network import Network
from minarch.training.loop import Recipe
from minarch.training.stacked.ensemble import Ensemble
from minarch.training.stacked.products import Products

COLUMNS = ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy")
TRAIN_MEASURED = 10_000  # images: train loss and accuracy are measured on at most so many, evenly spaced


@dataclass
class Repeat:
    """One training. `curve` has a row of COLUMNS per epoch; `best_epoch` (from 1) is that of the highest validation
    accuracy, of equal ones that of the lowest validation loss, and one that diverged comes last; `networks` are those
    of the "final" and the "best" epoch; `seconds` is its share of the time of those trained with it.
    """

    repeat: int
    seed: int
    status: str = "ok"
    curve: list[tuple[float, ...]] = field(default_factory=list)
    best_epoch: int = 0
    seconds: float = 0.0
    networks: dict[str, Network] = field(default_factory=dict)

    def metrics(self, epoch: int) -> dict[str, float | None]:
        """The row of an epoch; what is not finite becomes None, as JSON has no NaN."""
        return {c: v if math.isfinite(v) else None for c, v in zip(COLUMNS, self.curve[epoch - 1], strict=True)}

    def record(self, values: Iterable[float]) -> bool:
        """Add an epoch's row, the last of COLUMNS, NaN before them; return whether it is the best so far."""
        measured = tuple(values)
        row = (*(math.nan for _ in range(len(COLUMNS) - len(measured))), *measured)
        self.curve.append(row)
        better = len(self.curve) == 1 or _rank(row) > _rank(self.curve[self.best_epoch - 1])
        if better:
            self.best_epoch = len(self.curve)
        return better


def _rank(row: tuple[float, ...]) -> tuple[bool, float, float]:
    """The key that ranks epochs: validation accuracy, then the loss downwards; a diverged network ranks last."""
    return math.isfinite(row[2]), row[3], -row[2]


def derive_seed(configuration: dict[str, Any], repeat: int) -> int:
    """A seed in [0, 2^63) from what is trained and the number of the repeat: the same wherever and whenever it runs."""
    text = json.dumps([configuration, repeat], sort_keys=True)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def chance(split: Split) -> float:
    """The share of the largest class in a split, plus two standard errors (our definition)."""
    share = float(split.labels.bincount().max()) / len(split)
    return share + 2 * math.sqrt(share * (1 - share) / len(split))


@dataclass(frozen=True)
class Task:
    """All that the repeats of an architecture have in common. `identity` is what their seeds derive from.

    Raises:
        UserError: a batch is larger than the data.
    """

    spec: Spec
    identity: dict[str, Any]
    train: Split
    validation: Split
    recipe: Recipe
    measures_train: bool = True  # after every epoch; otherwise the curve has no numbers there
    starts: Mapping[int, Network] = field(default_factory=dict)  # by repeat; of others: new weights

    def __post_init__(self) -> None:
        if self.recipe.batch_size > len(self.train):
            raise UserError(
                f"train.batch_size: {self.recipe.batch_size} is not allowed, there are only {len(self.train)} training"
                f" images; allowed: 1 to {len(self.train)}"
            )

    @cached_property
    def parameters(self) -> int:
        """Trainable values of one network."""
        with torch.device("meta"):
            return sum(parameter.numel() for parameter in build(self.spec).parameters())

    @cached_property
    def macs(self) -> int:
        """Multiply-accumulates of one network for one image."""
        return macs(build(self.spec).eval(), self.spec["shape"])  # no norm can take statistics of one image

    def network(self, result: Repeat) -> Network:
        """The network from which a repeat's training starts, on the CPU. What it draws at random is seeded, too."""
        torch.default_generator.manual_seed(result.seed)  # torch.manual_seed takes 2 ms for devices that are not there
        return deepcopy(self.starts[result.repeat]) if result.repeat in self.starts else build(self.spec)

    def stack(self, results: Sequence[Repeat], products: Products) -> Ensemble:
        """The networks from which some repeats' trainings start, stacked."""
        return Ensemble(self.spec, [self.network(result) for result in results], self.recipe, products)

    def order(self, result: Repeat) -> torch.Generator:
        """The generator of the repeat's orders of the images, one per epoch."""
        shared = derive_seed(self.identity | {"order": "shared"}, 0)
        return torch.Generator().manual_seed(shared if self.recipe.shared_batches else result.seed)

    @cached_property
    def measured(self) -> list[Split]:
        """The splits that are measured after every epoch; the validation split is the last."""
        return [*([self.train.thinned(TRAIN_MEASURED)] if self.measures_train else []), self.validation]

    @cached_property
    def chance(self) -> float:
        """The accuracy that no better than chance means."""
        return chance(self.validation)

    def ended(self, result: Repeat) -> bool:
        """True if a repeat is to stop: after `give_up_after` epochs, and only then, if it was never above chance."""
        at_stake = len(result.curve) == self.recipe.give_up_after
        return at_stake and max(row[3] for row in result.curve) <= self.chance

    def factor(self, result: Repeat) -> float:
        """What the learning rate of a repeat's next epoch is multiplied by."""
        return 1.0

    def judge(self, result: Repeat) -> None:
        """Set the status of a finished training: "unstable" if it diverged or ended no better than chance."""
        loss, accuracy = result.curve[-1][2:]
        if not math.isfinite(loss) or accuracy <= self.chance:
            result.status = "unstable"
