"""The repeats of one architecture: each with its own seed, initialisation and order of images, each as if trained
alone.
"""

import copy
import hashlib
import json
import math
import time
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from minarch.data.tensors import Split
from minarch.models.build import build
from minarch.training.evaluate import evaluate
from minarch.training.loop import train

COLUMNS = ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy")


@dataclass
class Repeat:
    """One training. `curve` has a row of COLUMNS per epoch; `best_epoch` (from 1) is that of the highest validation
    accuracy,
    of equal ones that of the lowest validation loss; `networks` are those of the "final" and the "best" epoch.
    """

    repeat: int
    seed: int
    status: str = "ok"
    curve: list[tuple[float, ...]] = field(default_factory=list)
    best_epoch: int = 0
    seconds: float = 0.0
    networks: dict[str, nn.Module] = field(default_factory=dict)

    def metrics(self, epoch: int) -> dict[str, float | None]:
        """The row of an epoch; what is not finite becomes None, as JSON has no NaN."""
        return {c: v if math.isfinite(v) else None for c, v in zip(COLUMNS, self.curve[epoch - 1], strict=True)}


def _rank(row: tuple[float, ...]) -> tuple[float, float]:
    """Validation accuracy, then the loss downwards; a loss that is not finite ranks last."""
    return row[3], -row[2] if math.isfinite(row[2]) else -math.inf


def derive_seed(configuration: dict[str, Any], repeat: int) -> int:
    """A seed in [0, 2^63) from what is trained and the number of the repeat: the same wherever and whenever it runs."""
    text = json.dumps([configuration, repeat], sort_keys=True)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def train_repeat(
    spec: dict[str, Any],
    configuration: dict[str, Any],
    repeat: int,
    splits: tuple[Split, Split],
    options: dict[str, Any],
) -> Repeat:
    """Train one repeat on splits (train, validation).

    A training that diverges, or ends no better than chance, is a result with status "unstable", never an error.
    Chance is the share of the largest class in the validation split, plus two standard errors (our definition).
    """
    result = Repeat(repeat, derive_seed(configuration, repeat))
    started = time.perf_counter()
    torch.manual_seed(result.seed)
    model = build(spec)
    generator = torch.Generator().manual_seed(result.seed)

    def record(epoch: int) -> None:
        on_train, on_validation = evaluate(model, splits[0]), evaluate(model, splits[1])
        result.curve.append((on_train.loss, on_train.accuracy, on_validation.loss, on_validation.accuracy))
        if epoch == 1 or _rank(result.curve[-1]) > _rank(result.curve[result.best_epoch - 1]):
            result.networks["best"], result.best_epoch = copy.deepcopy(model), epoch

    train(model, splits[0], **options, generator=generator, after_epoch=record)
    result.networks["final"], result.seconds = model, time.perf_counter() - started
    loss, accuracy = result.curve[-1][2:]
    share = float(splits[1].labels.bincount().max()) / len(splits[1])
    chance = share + 2 * math.sqrt(share * (1 - share) / len(splits[1]))
    if not math.isfinite(loss) or accuracy <= chance:
        result.status = "unstable"
    return result
