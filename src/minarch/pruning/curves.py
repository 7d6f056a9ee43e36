"""Curves of what pruning costs: the smallest weights zeroed (magnitude), or units of one group alone (sensitivity)."""

import csv
from collections.abc import Iterable, Iterator
from math import isfinite
from pathlib import Path
from typing import Any

import torch

from minarch.data.tensors import Split
from minarch.models.cost import parameters
from minarch.models.network import Network
from minarch.models.weights import finite
from minarch.pruning.cut import masked
from minarch.pruning.groups import find_groups
from minarch.pruning.importance import score
from minarch.pruning.magnitude import hold_zeros, prune_magnitude
from minarch.pruning.recovery import recipe_of, train_on
from minarch.pruning.selection import masks_of, rounded
from minarch.training.evaluate import evaluate_all
from minarch.training.repeats import derive_seed

HELD_BYTES = 2**28  # of networks that are evaluated together
Row = tuple[dict[str, Any], Network]  # what a point of a curve is called, and its network


def magnitude(
    config: dict[str, Any], networks: dict[int, Network], splits: dict[str, Split], out: Path
) -> dict[str, Any]:
    """Accuracy over the share of zeroed weights; writes curve.csv and test.csv.

    With `training` in the configuration each network is trained on, what is zero staying zero; without, level 0 (the
    unpruned network) is always in the curve.
    """
    training = config.get("training")
    levels = config["levels"] if training else sorted({0.0, *config["levels"]})

    def points() -> Iterator[Row]:
        for repeat, base in networks.items():
            for sparse in prune_magnitude(base, levels, config["scope"]) if finite(base) else ():
                name = {"repeat": repeat, "level": sparse.level}
                network = _train_on(sparse.network, splits, training, repeat) if training else sparse.network
                yield name | {"remaining_parameters": parameters(base) - sparse.removed}, network

    _write_curve(["repeat", "level", "remaining_parameters"], points(), splits, out)
    return {"scope": config["scope"], "finetuned": bool(training), "levels": levels, "repeats": _repeats(networks)}


def sensitivity(
    config: dict[str, Any], networks: dict[int, Network], splits: dict[str, Split], out: Path
) -> dict[str, Any]:
    """Accuracy when one group alone loses its least important units, per level; writes curve.csv and test.csv."""
    generator = torch.Generator()  # of random importances, which this is not about

    def points() -> Iterator[Row]:
        for repeat, base in networks.items():
            for group in find_groups(base) if finite(base) else ():
                importance = score(base, group, config["importance"], generator)
                for level in config["levels"]:
                    units = rounded(group.units * (1 - level), group.units, round_to=1)
                    name = {"repeat": repeat, "group": group.name, "units": group.units, "level": level}
                    masks = masks_of({group.name: importance}, {group.name: units})
                    yield name | {"removed": group.units - units}, masked(base, [group], masks)

    _write_curve(["repeat", "group", "units", "level", "removed"], points(), splits, out)
    return {"importance": config["importance"], "levels": config["levels"], "repeats": _repeats(networks)}


def _train_on(network: Network, splits: dict[str, Split], training: dict[str, Any], repeat: int) -> Network:
    recipe, seed = recipe_of(training)
    order = derive_seed({"finetune": seed}, repeat)
    torch.manual_seed(order)  # of dropout
    hold_zeros(network)
    return train_on(network, splits, recipe, torch.Generator().manual_seed(order))


def _write_curve(names: list[str], points: Iterable[Row], splits: dict[str, Split], out: Path) -> None:
    """One line per point: its name and its validation in curve.csv, apart from it the test accuracy in test.csv."""
    keys = [name for name in names if name in ("repeat", "group", "level")]
    with (out / "curve.csv").open("w", newline="") as curve_file, (out / "test.csv").open("w", newline="") as test_file:
        curve, test = (csv.writer(file, lineterminator="\n") for file in (curve_file, test_file))
        curve.writerow([*names, "validation_loss", "validation_accuracy"])
        test.writerow([*keys, "accuracy"])
        for block in _blocks(points):
            networks = [network.eval() for _, network in block]
            measured = [*evaluate_all(networks, splits["validation"]), evaluate_all(networks, splits["test"])[1]]
            for (name, _), (loss, accuracy, tested) in zip(block, torch.stack(measured, 1).tolist(), strict=True):
                curve.writerow([*(name[key] for key in names), loss if isfinite(loss) else "", accuracy])
                test.writerow([*(name[key] for key in keys), tested])


def _blocks(points: Iterable[Row]) -> Iterator[list[Row]]:
    """As many points at once as memory allows."""
    block, held = list[Row](), 0
    for name, network in points:
        block.append((name, network))
        held += 4 * parameters(network)
        if held > HELD_BYTES:
            yield block
            block, held = [], 0
    if block:
        yield block


def _repeats(networks: dict[int, Network]) -> list[dict[str, Any]]:
    return [
        {"repeat": repeat, "status": "ok" if finite(network) else "unstable", "parameters": parameters(network)}
        for repeat, network in networks.items()
    ]
