"""Training with gates: all repeats of an architecture at one price of complexity (docs/methods.md 4.2)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import nan
from typing import Any

import torch

from minarch.complexity.ensemble import GatedEnsemble
from minarch.complexity.gates import Gates
from minarch.complexity.motion import Policy
from minarch.complexity.schedule import Schedule
from minarch.complexity.structure import Structure
from minarch.models.network import Network
from minarch.training.blocks import in_blocks
from minarch.training.repeats import Repeat, Task, derive_seed
from minarch.training.stacked.pixels import Pixels
from minarch.training.strategy import Strategy

QUANTILES = {"min": 0.0, "q25": 0.25, "median": 0.5, "q75": 0.75, "max": 1.0}


@dataclass
class GatedRepeat(Repeat):
    """A training with gates; `curve` is that of its settled network, whose epochs come last."""

    network: Network | None = None
    deterministic: float | None = None  # share of the gates that could move and were at 0 or 1 before they were fixed
    groups: list[int] = field(default_factory=list)  # units that are left of every group
    branches: list[bool] = field(default_factory=list)  # which are left
    accuracies: list[tuple[float, float]] = field(default_factory=list)  # validation loss and accuracy of every epoch
    costs: list[tuple[int, float, float]] = field(default_factory=list)  # MACs as trained, expected parameters, MACs
    theta: list[tuple[Any, ...]] = field(default_factory=list)  # epoch, group, kind, quantiles


def train_gated(
    task: Task, repeats: Sequence[int], strategy: Strategy, structure: Structure, policy: Policy, schedule: Schedule
) -> list[GatedRepeat]:
    """Train repeats with gates, each as if alone.

    A training that diverges, or whose network can no longer do better than chance, is a result.

    Raises:
        UserError: one network alone does not fit into memory.
    """

    def train_block(block: Sequence[int]) -> list[GatedRepeat]:
        results = [GatedRepeat(repeat, derive_seed(task.identity, repeat)) for repeat in block]
        _train(task, results, strategy, structure, policy, schedule)
        return results

    return in_blocks(task, repeats, strategy, train_block)


def _train(
    task: Task,
    results: Sequence[GatedRepeat],
    strategy: Strategy,
    structure: Structure,
    policy: Policy,
    schedule: Schedule,
) -> None:
    pixels, validation = (Pixels(s, task.spec["classes"], strategy.device) for s in (task.train, task.validation))
    seeds = [derive_seed(task.identity | {"of": "gates"}, result.repeat) for result in results]
    steps = -(-len(pixels) // task.recipe.batch_size)
    gates = Gates(structure, policy, [torch.Generator().manual_seed(s) for s in seeds], steps * schedule.moving)
    networks = [task.network(result) for result in results]
    ensemble = GatedEnsemble(gates, networks, task.recipe, strategy.products, stacked=bool(strategy.at_once))
    orders = [task.order(result) for result in results]
    for epoch in range(1, schedule.epochs + 1):
        settled = epoch > schedule.epochs - schedule.settle
        if settled and not gates.settled:
            shares = gates.deterministic()
            ensemble.settle(task.train.to(strategy.device))
        gates.moving = schedule.delay < epoch and not settled
        _note_costs(ensemble, results)
        ensemble.epoch(pixels, torch.stack([torch.randperm(len(pixels), generator=order) for order in orders]), epoch)
        measured = zip(*(column.tolist() for column in ensemble.measure(validation)), strict=True)
        for result, row in zip(results, measured, strict=True):
            result.accuracies.append(row)
            if settled:
                result.record((nan, nan, *row))
        _note_gates(gates, results, epoch)
        if gates.moving:
            ensemble.rest()
    groups, branches = gates.kept()
    for i, result in enumerate(results):
        result.network, result.deterministic = ensemble.network(i), shares[i]
        result.groups, result.branches = groups[i], branches[i]


def _note_costs(ensemble: GatedEnsemble, results: Sequence[GatedRepeat]) -> None:
    """What the next epoch costs, and what the gates let expect."""
    parameters, macs = ensemble.gates.expected()
    for result, expected in zip(results, zip(parameters.tolist(), macs.tolist(), strict=True), strict=True):
        result.costs.append((ensemble.macs, *expected))


def _note_gates(gates: Gates, results: Sequence[GatedRepeat], epoch: int) -> None:
    """Quantiles of the chances of every group, and those of the branches."""
    whole, shares = gates.whole().double(), torch.tensor(list(QUANTILES.values()), dtype=torch.float64)
    ends = torch.tensor([0, *gates.structure.units]).cumsum(0).tolist()
    names = [(group.name, "units", slice(*ends[i : i + 2])) for i, group in enumerate(gates.structure.groups)]
    names += [(b.name, "layer", slice(ends[-1] + i, ends[-1] + i + 1)) for i, b in enumerate(gates.structure.branches)]
    for name, kind, members in names:
        quantiles = whole[:, members].quantile(shares, 1).T.tolist()
        for result, numbers in zip(results, quantiles, strict=True):
            result.theta.append((epoch, name, kind, *numbers))
