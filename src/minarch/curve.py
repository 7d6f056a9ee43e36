"""Curves of what networks lose, the further they are changed: one row per changed network, the same for all stages."""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import torch
from torch import nn

from minarch.data.tensors import Split
from minarch.models.cost import parameters
from minarch.models.weights import finite
from minarch.training.evaluate import evaluate_all

HELD_BYTES = 2**28  # of networks that are evaluated together


@dataclass(frozen=True)
class Point:
    """A changed network, and what stands beside its accuracies: column -> value."""

    values: dict[str, Any]
    network: nn.Module


def write_curve(
    points: Iterable[Point], splits: Mapping[str, Split], out: Path, *, columns: Sequence[str], key: Sequence[str]
) -> None:
    """Write curve.csv and, apart from it, test.csv: of every point its accuracy on validation and on test images.

    A loss that is not finite is empty.

    Args:
        columns: of the points' values, in the order of curve.csv.
        key: those of them by which a row of test.csv is found.
    """
    with (out / "curve.csv").open("w", newline="") as curve_file, (out / "test.csv").open("w", newline="") as test_file:
        curve, test = (csv.writer(file, lineterminator="\n") for file in (curve_file, test_file))
        curve.writerow([*columns, "validation_loss", "validation_accuracy"])
        test.writerow([*key, "accuracy"])
        for block in _blocks(points):
            networks = [point.network.eval() for point in block]
            measured = [*evaluate_all(networks, splits["validation"]), evaluate_all(networks, splits["test"])[1]]
            for point, (loss, accuracy, tested) in zip(block, torch.stack(measured, 1).tolist(), strict=True):
                curve.writerow([*(point.values[name] for name in columns), loss if isfinite(loss) else "", accuracy])
                test.writerow([*(point.values[name] for name in key), tested])


def statuses(networks: Mapping[int, nn.Module]) -> list[dict[str, Any]]:
    """What results.json says of each repeat of a curve: "unstable" ones, whose weights are not finite, have no rows."""
    return [
        {"repeat": repeat, "status": "ok" if finite(network) else "unstable", "parameters": parameters(network)}
        for repeat, network in networks.items()
    ]


def _blocks(points: Iterable[Point]) -> Iterator[list[Point]]:
    """As many points at once as memory allows."""
    block, held = list[Point](), 0
    for point in points:
        block.append(point)
        held += 4 * parameters(point.network)
        if held > HELD_BYTES:
            yield block
            block, held = [], 0
    if block:
        yield block
