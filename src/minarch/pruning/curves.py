"""Curves of what pruning costs: the smallest weights zeroed (magnitude), or units of one group alone (sensitivity)."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from minarch.curve import Point, statuses, write_curve
from minarch.data.tensors import Split
from minarch.models.cost import parameters
from minarch.models.network import Network
from minarch.models.weights import finite
from minarch.pruning import Scope
from minarch.pruning.cut import masked
from minarch.pruning.groups import find_groups
from minarch.pruning.importance import score
from minarch.pruning.magnitude import HoldingZeros, prune_magnitude
from minarch.pruning.recovery import train_on
from minarch.pruning.selection import masks_of, rounded
from minarch.training.loop import Recipe


def magnitude(
    config: dict[str, Any], networks: dict[int, Network], splits: dict[str, Split], out: Path
) -> dict[str, Any]:
    """Accuracy over the share of zeroed weights; writes curve.csv and test.csv.

    With `training` in the configuration each network is trained on, what is zero staying zero; without, level 0 (the
    unpruned network) is always in the curve.
    """
    training, scope = config.get("training"), config["scope"]
    levels = config["levels"] if training else sorted({0.0, *config["levels"]})
    bases = {repeat: network for repeat, network in networks.items() if finite(network)}
    trained = {level: _train_on(bases, level, scope, splits, training) for level in levels} if training else {}

    def points() -> Iterator[Point]:
        for repeat, base in bases.items():
            for sparse in prune_magnitude(base, levels, scope):
                network = trained[sparse.level][repeat] if training else sparse.network
                remaining = parameters(base) - sparse.removed
                yield Point({"repeat": repeat, "level": sparse.level, "remaining_parameters": remaining}, network)

    key = ["repeat", "level"]
    write_curve(points(), splits, out, columns=[*key, "remaining_parameters"], key=key)
    return {"scope": scope, "finetuned": bool(training), "levels": levels, "repeats": statuses(networks)}


def sensitivity(
    config: dict[str, Any], networks: dict[int, Network], splits: dict[str, Split], out: Path
) -> dict[str, Any]:
    """Accuracy when one group alone loses its least important units, per level; writes curve.csv and test.csv."""
    generator = torch.Generator()  # of random importances, which are not measured here

    def points() -> Iterator[Point]:
        for repeat, base in networks.items():
            for group in find_groups(base) if finite(base) else ():
                importance = score(base, group, config["importance"], generator)
                for level in config["levels"]:
                    units = rounded(group.units * (1 - level), group.units, round_to=1)
                    values = {"repeat": repeat, "group": group.name, "units": group.units, "level": level}
                    masks = masks_of({group.name: importance}, {group.name: units})
                    yield Point(values | {"removed": group.units - units}, masked(base, [group], masks))

    columns = ["repeat", "group", "units", "level", "removed"]
    write_curve(points(), splits, out, columns=columns, key=["repeat", "group", "level"])
    return {"importance": config["importance"], "levels": config["levels"], "repeats": statuses(networks)}


def _train_on(
    bases: Mapping[int, Network], level: float, scope: Scope, splits: dict[str, Split], training: dict[str, Any]
) -> dict[int, Network]:
    """The networks trained on at a level, what it zeroes staying zero."""
    starts = {r: sparse.network for r, base in bases.items() for sparse in prune_magnitude(base, [level], scope)}
    return train_on(starts, splits, Recipe.of(training), training["seed"], kind=HoldingZeros)
